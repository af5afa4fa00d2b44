"""From voxels and moved meshes to images and maps, and back."""

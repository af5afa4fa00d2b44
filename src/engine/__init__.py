"""The mathematics in torch: from images, poses and a mesh to latents, motion and maps.

projector/   voxels pushed into images and maps, and back
maps/        the map for a fixed motion: least squares, half-maps, FSC, noise, back-projection
latents/     where latents come from, and how they are moved
decoders/    what a latent becomes: flow, linear
training/    the one loop, and what every training shares
"""

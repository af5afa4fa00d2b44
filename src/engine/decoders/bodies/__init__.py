"""The bodies decoder: parts of the mesh that move as rigid bodies and do not bend."""

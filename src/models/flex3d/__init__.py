"""Jobs of cryoSPARC's 3D Flex: the particles' latents and the maps that it has written; its network is closed."""

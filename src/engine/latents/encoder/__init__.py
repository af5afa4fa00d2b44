"""The encoder: a network shared by all images, which tells the latents of each."""

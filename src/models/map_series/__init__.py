"""Models that are nothing but maps and the latent points that they belong to, whichever program made them."""

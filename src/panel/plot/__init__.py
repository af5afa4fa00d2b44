"""The plot of latent space: what it shows, and what the mouse does in it."""

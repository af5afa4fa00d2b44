"""What a latent point becomes: a folder for each decoder, with its own first guess."""

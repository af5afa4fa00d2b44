"""Small widgets that know nothing of latents."""

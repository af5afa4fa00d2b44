"""Where latents come from, and how they are moved."""

"""The map for a fixed motion: least squares, half-maps, noise, quick back-projection."""

"""A trained bodies model on disk, decoded without torch."""

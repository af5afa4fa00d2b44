"""A trained classes model on disk."""

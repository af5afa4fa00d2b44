"""A trained field model on disk."""

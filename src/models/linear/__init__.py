"""A trained linear model on disk."""

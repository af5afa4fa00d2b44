"""A trained flow of several maps."""

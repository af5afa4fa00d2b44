"""The moving classes decoder: several maps that one motion carries."""

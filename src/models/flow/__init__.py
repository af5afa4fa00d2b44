"""A trained flow on disk, decoded without torch."""

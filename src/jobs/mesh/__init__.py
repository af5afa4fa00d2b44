"""The ``mesh`` job."""

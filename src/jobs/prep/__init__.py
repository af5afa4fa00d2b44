"""The ``prep`` job."""

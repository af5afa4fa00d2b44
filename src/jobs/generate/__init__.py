"""The ``generate`` job."""

"""The ``train`` job."""

"""The ``reconstruct`` job."""

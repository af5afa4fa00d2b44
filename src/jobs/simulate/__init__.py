"""The ``simulate`` job."""

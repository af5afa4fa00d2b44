"""Python runs this at its start where the folder is in PYTHONPATH."""

from white_pictures import whiten_when_loaded

whiten_when_loaded()

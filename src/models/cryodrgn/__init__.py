"""Models that cryoDRGN has trained: its work folder, and its coordinate network decoded in numpy or torch."""

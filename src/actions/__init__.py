"""Every verb that acts at once, declared once: its parameters, a sentence about it, and what it does to a `Scene`."""

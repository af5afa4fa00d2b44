"""Jobs: each declared once, each run leaving one folder that says everything about it."""

"""What chimerax_fuzz.py runs inside ChimeraX: a user's random actions, and whether panel and scene agree then."""

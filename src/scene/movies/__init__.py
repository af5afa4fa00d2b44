"""Movies of states."""

"""The command ``flexrec`` of ChimeraX, a function for each of its words."""

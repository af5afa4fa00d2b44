"""What can be chosen about what moves with the map; without ChimeraX, so that forms can offer it anywhere."""

from __future__ import annotations

COLOURS = ("part", "rigidity", "strain", "none")  # of the mesh
MOST_ARROWS = 20_000

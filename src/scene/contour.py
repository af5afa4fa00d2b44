"""The contour of the canonical map, whose vertices move with the flow while the hand drags.

It costs a few milliseconds where a decoded map and a new contour cost a hundred. A moved contour does not know about
compression, so the true map takes its place when the hand rests.
"""

from __future__ import annotations

import numpy as np
from chimerax.core.models import Surface

from .followers import Tied


class ContourModel(Surface):
    """A surface tied to the mesh."""

    SESSION_SAVE = False
    pickable = False

    def __init__(self, session, tied: Tied, triangles: np.ndarray, level: float) -> None:
        super().__init__("moving contour", session)
        self._tied, self._corners, self.level = tied, triangles, level

    def look_like(self, surface: Surface) -> None:
        """Take the colour and style of the map's own contour."""
        # a change that is none would still make ChimeraX list all models anew
        if (self.color != surface.color).any():
            self.color = surface.color
        if self.display_style != surface.display_style:
            self.display_style = surface.display_style

    def move(self, vertices: np.ndarray) -> None:
        """Draw it where the mesh's vertices ``(v, 3)`` carry it."""
        from chimerax.surface import calculate_vertex_normals

        moved = self._tied.moved(vertices)
        self.set_geometry(moved, calculate_vertex_normals(moved, self._corners), self._corners)


def contour_of(volume: np.ndarray, pixel_size: float, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Vertices ``(m, 3)`` Å relative to voxel N//2, and triangles ``(t, 3)``, of a map ``(N, N, N)``."""
    from chimerax.map import contour_surface

    vertices, triangles = contour_surface(volume, level, cap_faces=False, calculate_normals=False)
    return (vertices - len(volume) // 2) * np.float32(pixel_size), triangles

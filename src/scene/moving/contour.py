"""The contour of the canonical map, whose vertices move with the flow during a drag.

It costs a few milliseconds where a decoded map and a new contour cost a hundred. A moved contour does not know about
compression, so the true map takes its place when the drag ends.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from chimerax.core.models import Surface
from chimerax.core.session import Session
from chimerax.graphics import Render

from .coarse_contour import coarser
from .shading import shaded, shadeless
from .tied_points import TiedPoints

MOST_LIGHT = 12_000  # triangles of a light contour


class ContourModel(Surface):
    """A surface tied to the mesh. While it is ``light`` it is coarser, and only what faces the viewer is drawn."""

    SESSION_SAVE = False
    pickable = False

    def __init__(self, session: Session, tied: TiedPoints, triangles: np.ndarray, level: float) -> None:
        super().__init__("moving contour", session)
        self._full, self.level, self.light = (tied, triangles), level, False

    @property
    def overall_color(self) -> np.ndarray:
        """One colour, also while its vertices are shaded: what ChimeraX's list of models shows."""
        return self.color

    @overall_color.setter
    def overall_color(self, colour: np.ndarray) -> None:
        self.color = colour

    @cached_property
    def _coarse(self) -> tuple[TiedPoints, np.ndarray]:
        return coarser(*self._full, MOST_LIGHT)

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

        tied, triangles = self._coarse if self.light else self._full
        moved = tied.moved(vertices)
        normals = calculate_vertex_normals(moved, triangles)
        self.set_geometry(moved, normals, triangles)
        view = self.session.main_view
        self.use_lighting = not (self.light and shadeless(view))
        if not self.use_lighting:
            self.vertex_colors = shaded(normals, self.color, view, self.scene_position)

    def draw_self(self, renderer: Render, draw_pass: int) -> None:
        """What ChimeraX calls to draw it."""
        renderer.enable_backface_culling(self.light and self.level > 0)  # below, fronts look into what is seen
        super().draw_self(renderer, draw_pass)
        renderer.enable_backface_culling(False)


def contour_of(volume: np.ndarray, pixel_size: float, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Vertices ``(m, 3)`` Å relative to voxel N//2, and triangles ``(t, 3)``, of a map ``(N, N, N)``."""
    from chimerax.map import contour_surface

    vertices, triangles = contour_surface(volume, level, cap_faces=False, calculate_normals=False)
    return (vertices - len(volume) // 2) * np.float32(pixel_size), triangles

"""The tetrahedral mesh in the scene: its edges as lines, coloured by part, rigidity or strain."""

from __future__ import annotations

import numpy as np
from chimerax.core.models import Surface

from ..mesh.shape import edge_inverse, unique_edges, vertex_mean
from ..mesh.strain import strain
from ..mesh.tetmesh import TetMesh

COLOURS = ("part", "rigidity", "strain", "none")
_PARTS = ((86, 180, 233), (230, 159, 0), (0, 158, 115), (204, 121, 167), (240, 228, 66), (0, 114, 178), (213, 94, 0))
_LOW, _HIGH = np.array((60, 90, 200)), np.array((240, 70, 40))
_PLAIN = (150, 150, 150, 255)
FULL_STRAIN = 0.3  # drawn in the hottest colour


class MeshModel(Surface):
    """Lines along the edges of a mesh, which move with the flow."""

    SESSION_SAVE = False  # the FlexRec model that it belongs to makes it again
    pickable = False

    def __init__(self, session, mesh: TetMesh, colour: str = "part") -> None:
        super().__init__("mesh", session)
        self._mesh, self._colour = mesh, colour
        self._inverse = edge_inverse(mesh).astype(np.float32)
        self._edges = unique_edges(mesh)
        self._moved = mesh.vertices
        self.display_style = self.Mesh
        self.use_lighting = False

    @property
    def colour(self) -> str:
        """One of `COLOURS`."""
        return self._colour

    @colour.setter
    def colour(self, name: str) -> None:
        self._colour = name
        self.move(self._moved)

    def move(self, vertices: np.ndarray) -> None:
        """Draw it with its vertices at ``(v, 3)`` Å, relative to voxel N//2."""
        self._moved = vertices
        self.set_geometry(vertices.astype(np.float32), None, self._edges)
        self.vertex_colors = self._colours(vertices)

    def _colours(self, vertices: np.ndarray) -> np.ndarray:
        mesh = self._mesh
        if self._colour == "none":
            return np.tile(np.array(_PLAIN, np.uint8), (len(vertices), 1))
        if self._colour == "part":
            return part_colours(mesh)
        value = mesh.weights if self._colour == "rigidity" else self._strain(vertices)
        return heat(vertex_mean(mesh, value))

    def _strain(self, vertices: np.ndarray) -> np.ndarray:
        return strain(vertices, self._mesh.cells, self._inverse) / FULL_STRAIN


def part_colours(mesh: TetMesh) -> np.ndarray:
    """``(v, 4)`` uint8; where parts are joined, the colour of the last of them."""
    colours = np.full((len(mesh.vertices), 4), 255, np.uint8)
    for part in range(mesh.parts):
        colours[np.unique(mesh.cells[mesh.part == part]), :3] = _PARTS[part % len(_PARTS)]
    return colours


def heat(value: np.ndarray) -> np.ndarray:
    """``(n, 4)`` uint8 from blue at 0 to red at 1."""
    colours = np.full((len(value), 4), 255, np.uint8)
    colours[:, :3] = _LOW + np.clip(value, 0, 1)[:, None] * (_HIGH - _LOW)
    return colours

"""The tetrahedral mesh in the scene: its edges as lines, coloured by part, rigidity or strain."""

from __future__ import annotations

import numpy as np
from chimerax.core.models import Surface

from ..mesh.shape import edge_inverse, outer_edges, unique_edges, vertex_mean
from ..mesh.strain import strain
from ..mesh.tetmesh import TetMesh

COLOURS = ("part", "rigidity", "strain", "none")
_PARTS = ((86, 180, 233), (230, 159, 0), (0, 158, 115), (204, 121, 167), (240, 228, 66), (0, 114, 178), (213, 94, 0))
_LOW, _HIGH = np.array((60, 90, 200)), np.array((240, 70, 40))
_PLAIN = (150, 150, 150, 255)
FULL_STRAIN = 0.3  # drawn in the hottest colour


class MeshModel(Surface):
    """Lines along the edges of a mesh, which move with the flow; along the outer edges alone while it is ``light``."""

    SESSION_SAVE = False  # the FlexRec model that it belongs to makes it again
    pickable = False

    def __init__(self, session, mesh: TetMesh, colour: str = "part") -> None:
        super().__init__("mesh", session)
        self._mesh, self._colour = mesh, colour
        self._fixed = self._fixed_colours()
        self._inverse, self._mean = edge_inverse(mesh).astype(np.float32), _mean_matrix(mesh)
        self._edges, self._outer, self.light = unique_edges(mesh), outer_edges(mesh), False
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
        self._fixed = self._fixed_colours()
        self.move(self._moved)

    def move(self, vertices: np.ndarray) -> None:
        """Draw it with its vertices at ``(v, 3)`` Å, relative to voxel N//2."""
        self._moved = vertices
        self.set_geometry(vertices.astype(np.float32), None, self._outer if self.light else self._edges)
        self.vertex_colors = self._strained(vertices) if self._fixed is None else self._fixed

    def _fixed_colours(self) -> np.ndarray | None:
        """``(v, 4)`` uint8; None where colours change as the mesh moves."""
        mesh = self._mesh
        if self._colour == "strain":
            return None
        if self._colour == "none":
            return np.tile(np.array(_PLAIN, np.uint8), (len(mesh.vertices), 1))
        return part_colours(mesh) if self._colour == "part" else heat(vertex_mean(mesh, mesh.weights))

    def _strained(self, vertices: np.ndarray) -> np.ndarray:
        return heat(self._mean @ strain(vertices, self._mesh.cells, self._inverse) / FULL_STRAIN)


def _mean_matrix(mesh: TetMesh):
    """Sparse ``(v, c)`` float32: what `vertex_mean` multiplies by."""
    from scipy.sparse import csr_matrix

    corners = mesh.cells.ravel()
    count = np.maximum(np.bincount(corners, minlength=len(mesh.vertices)), 1)
    cell = np.repeat(np.arange(len(mesh.cells)), 4)
    return csr_matrix(((1 / count[corners]).astype(np.float32), (corners, cell)), (len(count), len(mesh.cells)))


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

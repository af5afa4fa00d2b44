"""The tetrahedral mesh in the scene: its edges as thin lines, coloured by part, rigidity, strain, or agreement."""

from __future__ import annotations

import numpy as np
from chimerax.core.models import Surface
from chimerax.core.session import Session
from chimerax.graphics import Render

from ...mesh.shape import edge_inverse, outer_edges, unique_edges, vertex_mean
from ...mesh.strain import strain
from ...mesh.tetmesh import TetMesh
from ..colour_key import ScaleKey
from ..palette import VIRIDIS, Scale, group_scale, rounded_up, value_scale

_PARTS = ((86, 180, 233), (230, 159, 0), (0, 158, 115), (204, 121, 167), (240, 228, 66), (0, 114, 178), (213, 94, 0))
_PLAIN = (150, 150, 150)
FULL_STRAIN = 0.15  # drawn in the last colour
DENSE = 0.1  # from which share of the highest rigidity weight edges are drawn inside: where the molecule is
OPACITY = 170  # of 255, of lines


class MeshModel(Surface):
    """Lines along the outer edges of a mesh and along those in the molecule, which move with the flow; along the outer
    ones alone while it is ``light``. ``agreement`` is what `halves_record.read_agreement` gives, wanted before it is
    coloured by that. They are translucent and hide nothing; what is inside the map's surface is hidden.
    """

    SESSION_SAVE = False  # the FlexRec model that it belongs to makes it again
    pickable = False

    def __init__(self, session: Session, mesh: TetMesh) -> None:
        super().__init__("mesh", session)
        self.agreement: dict[str, np.ndarray] | None = None
        self._mesh = mesh
        self._inverse, self._mean = edge_inverse(mesh).astype(np.float32), _mean_matrix(mesh)
        self._outer, self.light = outer_edges(mesh), False
        self._edges = drawn_edges(mesh, self._outer)
        self._moved = mesh.vertices
        self.display_style = self.Mesh
        self.use_lighting = False
        self.key = ScaleKey(self)
        self.colour = "part"

    @property
    def colour(self) -> str:
        """One of `actions.view_actions.MESH_COLOURS`."""
        return self._colour

    @colour.setter
    def colour(self, name: str) -> None:
        self._colour = name
        self.key.scale = _agreement_scale(self.agreement) if name == "agreement" else _scale(self._mesh, name)
        self._fixed = self._fixed_colours()
        self.move(self._moved)

    def move(self, vertices: np.ndarray) -> None:
        """Draw it with its vertices at ``(v, 3)`` Å, relative to voxel N//2."""
        self._moved = vertices
        self.set_geometry(vertices.astype(np.float32), None, self._outer if self.light else self._edges)
        self.vertex_colors = self._strained(vertices) if self._fixed is None else self._fixed

    def draw_self(self, renderer: Render, draw_pass: int) -> None:
        """What ChimeraX calls to draw it: over what is there, so that neither what lies behind the lines goes, nor have
        they silhouettes.
        """
        if draw_pass == self.TRANSPARENT_DEPTH_DRAW_PASS:
            return
        renderer.write_depth(False)
        super().draw_self(renderer, draw_pass)
        renderer.write_depth(True)

    def delete(self) -> None:
        """Close it, and its key."""
        self.key.close()
        super().delete()

    def _fixed_colours(self) -> np.ndarray | None:
        """``(v, 4)`` uint8; None where colours change as the mesh moves."""
        mesh = self._mesh
        if self._colour == "strain":
            return None
        if self._colour == "none":
            return np.tile(np.array((*_PLAIN, OPACITY), np.uint8), (len(mesh.vertices), 1))
        if self._colour == "part":
            return part_colours(mesh)
        values = self.agreement["difference"] if self._colour == "agreement" else vertex_mean(mesh, mesh.weights)
        return self.key.scale.colour(values, OPACITY)

    def _strained(self, vertices: np.ndarray) -> np.ndarray:
        return self.key.scale.colour(self._mean @ strain(vertices, self._mesh.cells, self._inverse), OPACITY)


def drawn_edges(mesh: TetMesh, outer: np.ndarray) -> np.ndarray:
    """``(e, 2)`` int32: the outer edges, and those both of whose ends are in the molecule."""
    weights = vertex_mean(mesh, mesh.weights)
    low, high = weights.min(), weights.max()
    inside = unique_edges(mesh)
    inside = inside[(weights >= low + DENSE * (high - low))[inside].all(axis=1)]
    return np.unique(np.concatenate([outer, inside]), axis=0)


def _scale(mesh: TetMesh, colour: str) -> Scale | None:
    """What the colours of a mesh mean."""
    if colour == "part":
        names = [str(name) for name in mesh.part_names]
        return group_scale("Part", [_PARTS[part % len(_PARTS)] for part in range(mesh.parts)], names)
    if colour == "rigidity":
        return value_scale("Rigidity weight", VIRIDIS, 1.0, above=bool(mesh.weights.max() > 1))
    return value_scale("Strain, %", VIRIDIS, FULL_STRAIN, unit=0.01) if colour == "strain" else None


def _agreement_scale(agreement: dict[str, np.ndarray]) -> Scale:
    """Up to what the molecule moves by, at nearly all of its vertices."""
    most = max(float(np.percentile(agreement["motion"], 95)), 0.01)
    return value_scale("Half models differ by, Å", VIRIDIS, rounded_up(most))


def _mean_matrix(mesh: TetMesh):
    """Sparse ``(v, c)`` float32: what `vertex_mean` multiplies by."""
    from scipy.sparse import csr_matrix

    corners = mesh.cells.ravel()
    count = np.maximum(np.bincount(corners, minlength=len(mesh.vertices)), 1)
    cell = np.repeat(np.arange(len(mesh.cells)), 4)
    return csr_matrix(((1 / count[corners]).astype(np.float32), (corners, cell)), (len(count), len(mesh.cells)))


def part_colours(mesh: TetMesh) -> np.ndarray:
    """``(v, 4)`` uint8; where parts are joined, the colour of the last of them."""
    colours = np.full((len(mesh.vertices), 4), OPACITY, np.uint8)
    for part in range(mesh.parts):
        colours[np.unique(mesh.cells[mesh.part == part]), :3] = _PARTS[part % len(_PARTS)]
    return colours

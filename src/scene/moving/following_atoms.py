"""Atoms that follow the flow."""

from __future__ import annotations

import numpy as np
from chimerax.atomic import AtomicStructure

from ...errors import InputError
from .tied_points import TiedPoints
from .trace import Trace

NEAR = 0.5  # how far beyond a cell's face an atom may lie, as a barycentric coordinate below zero
MOST_OUTSIDE = 0.5  # share of the atoms


class AtomFollower:
    """An atomic structure that was fitted to the canonical map, and moves with it.

    The coordinates that it had are stored, and given back by `restore`. While it is ``light`` a trace moves alone.
    """

    def __init__(self, structure: AtomicStructure, tied: TiedPoints, base: np.ndarray, to_mesh) -> None:
        """``base`` ``(m, 3)`` float64 are the atoms' own coordinates at rest; ``to_mesh`` is the Place that takes them
        to coordinates of the mesh.
        """
        self.structure, self.to_mesh, self._tied, self._base = structure, to_mesh, tied, base
        self._turn = np.asarray(to_mesh.inverse().zero_translation().matrix[:, :3], np.float32)
        self.light = False
        self._trace: Trace | None = None
        self._pointers = structure.atoms.pointers.copy()  # theirs loses atoms that are deleted

    @property
    def rest(self) -> np.ndarray:
        """The coordinates at rest of the atoms that there are now, ``(m, 3)`` Å."""
        coordinates = self.structure.atoms.coords
        now, then = self._common(self.structure.atoms)
        coordinates[now] = self._base[then]
        return coordinates

    def coordinates(self, vertices: np.ndarray) -> np.ndarray:
        """The atoms' own coordinates ``(m, 3)`` float64 when the mesh's vertices are at ``(v, 3)`` Å."""
        return self._base + (self._tied.moved(vertices) - self._tied.points) @ self._turn.T

    def move(self, vertices: np.ndarray) -> None:
        """Move the atoms."""
        if self.light:
            self._trace = self._trace or Trace(self.structure, self._pointers)
            self._trace.move(self.coordinates(vertices))
            return
        self._end_trace()
        self._place(self.coordinates(vertices))

    def draw_in_full(self, vertices: np.ndarray) -> None:
        """Move the atoms where only their trace was moved."""
        if self.light and not self.structure.deleted:
            self.light = False
            self.move(vertices)

    def restore(self) -> None:
        """Put the atoms back where they were."""
        if not self.structure.deleted:
            self._end_trace()
            self._place(self._base)

    def _end_trace(self) -> None:
        if self._trace is not None:
            self._trace.end()
            self._trace = None

    def _place(self, coordinates: np.ndarray) -> None:
        """Atoms that were deleted since are left out; those that were added since stay where they are."""
        atoms = self.structure.atoms
        if np.array_equal(atoms.pointers, self._pointers):
            atoms.coords = coordinates
            return
        now, then = self._common(atoms)
        atoms[now].coords = coordinates[then]

    def _common(self, atoms) -> tuple[np.ndarray, np.ndarray]:
        """The places among ``atoms``, and among those that were tied, of the atoms that are in both."""
        return np.intersect1d(atoms.pointers, self._pointers, return_indices=True)[1:]


def check_inside(weights: np.ndarray, name: str) -> int:
    """How many points, with barycentric ``weights`` ``(m, 4)``, lie outside the mesh; ``InputError`` if most do."""
    outside = int((weights.min(axis=1) < -NEAR).sum())
    if outside > MOST_OUTSIDE * len(weights):
        raise InputError(
            f"{outside} of the {len(weights)} atoms of {name} lie outside the mesh; fit it to the canonical map first "
            "(fitmap), which flexrec volume rest shows."
        )
    return outside

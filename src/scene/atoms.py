"""Atoms that follow the flow."""

from __future__ import annotations

import numpy as np

from ..errors import InputError
from .followers import Tied

NEAR = 0.5  # how far beyond a cell's face an atom may lie, as a barycentric coordinate below zero
MOST_OUTSIDE = 0.5  # share of the atoms


class AtomFollower:
    """An atomic structure that was fitted to the canonical map, and moves with it.

    The coordinates that it had are kept, and given back by `restore`.
    """

    def __init__(self, structure, tied: Tied, base: np.ndarray, to_structure) -> None:
        """``base`` ``(m, 3)`` float64 are the atoms' own coordinates at rest; ``to_structure`` is the Place that takes
        coordinates of the mesh to them.
        """
        self.structure, self._tied, self._base = structure, tied, base
        self._turn = np.asarray(to_structure.zero_translation().matrix[:, :3], np.float32)

    @property
    def rest(self) -> np.ndarray:
        """The atoms' own coordinates at rest, ``(m, 3)`` Å."""
        return self._base

    def coordinates(self, vertices: np.ndarray) -> np.ndarray:
        """The atoms' own coordinates ``(m, 3)`` float64 when the mesh's vertices are at ``(v, 3)`` Å."""
        return self._base + (self._tied.moved(vertices) - self._tied.points) @ self._turn.T

    def move(self, vertices: np.ndarray) -> None:
        """Move the atoms."""
        self.structure.atoms.coords = self.coordinates(vertices)

    def restore(self) -> None:
        """Put the atoms back where they were."""
        if not self.structure.deleted:
            self.structure.atoms.coords = self._base


def check_inside(weights: np.ndarray, name: str) -> int:
    """How many points, with barycentric ``weights`` ``(m, 4)``, lie outside the mesh; ``InputError`` if most do."""
    outside = int((weights.min(axis=1) < -NEAR).sum())
    if outside > MOST_OUTSIDE * len(weights):
        raise InputError(
            f"{outside} of the {len(weights)} atoms of {name} lie outside the mesh; fit it to the canonical map first "
            "(fitmap), which flexrec volume rest shows."
        )
    return outside

"""The particles near a point, of the plot or of latent space."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy.spatial import cKDTree


@dataclass(frozen=True, eq=False)
class Nearest:
    """Points in which to look for neighbours; distances are in the points' own unit.

    A single look needs no tree: a million points are passed through faster than a tree over them is built. ``tree`` is
    built when it is first asked for; from then on every search uses it.

    Attributes
    ----------
    points : ``(n, d)``, finite.
    """

    points: np.ndarray

    @cached_property
    def tree(self) -> cKDTree:
        """A k-d tree, in the form that is quickest to build."""
        from scipy.spatial import cKDTree

        return cKDTree(self.points, leafsize=32, compact_nodes=False, balanced_tree=False)

    @property
    def has_tree(self) -> bool:
        """Whether the tree is built."""
        return "tree" in self.__dict__

    def nearest(self, point: np.ndarray) -> tuple[int, float]:
        """``(row, distance)`` of the point nearest to ``(d,)``."""
        rows, distances = self.nearest_of(point, 1)
        return int(rows[0]), float(distances[0])

    def nearest_of(self, point: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
        """``(rows, distances)`` of the ``count`` nearest to ``(d,)``, nearest first; all where there are fewer."""
        count = min(count, len(self.points))
        if self.has_tree:
            distances, rows = self.tree.query(np.asarray(point, float), k=np.arange(1, count + 1))
            return rows, distances
        square = self._squared(point)
        rows = np.argpartition(square, count - 1)[:count] if count < len(square) else np.arange(count)
        rows = rows[np.argsort(square[rows], kind="stable")]
        return rows, np.sqrt(square[rows])

    def within(self, point: np.ndarray, radius: float) -> np.ndarray:
        """Rows, sorted, of the points at most ``radius`` from ``(d,)``."""
        if self.has_tree:
            return np.sort(np.array(self.tree.query_ball_point(np.asarray(point, float), radius), np.int64))
        return np.flatnonzero(self._squared(point) <= radius**2)

    def _squared(self, point: np.ndarray) -> np.ndarray:
        """Squared distances ``(n,)``, an axis at a time: no ``(n, d)`` array of differences is made."""
        point = np.asarray(point, float)
        total = np.zeros(len(self.points), np.float32 if self.points.dtype == np.float32 else float)
        for values, here in zip(self._columns, point):
            step = values - total.dtype.type(here)
            total += step * step
        return total

    @cached_property
    def _columns(self) -> np.ndarray:
        """The points ``(d, n)``: each axis in one piece of memory is passed through several times faster."""
        return np.ascontiguousarray(self.points.T)

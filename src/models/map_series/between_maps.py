"""Shares of given maps in the map at a latent point between theirs: the nearest, a linear or a radial mixture."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ...errors import InputError
from ...reading import LINEAR, NEAREST

NEIGHBOURS = 8  # maps of which a radial mixture is made


@dataclass(frozen=True, eq=False)
class MapInterpolation:
    """``points`` ``(m, K)`` of the given maps, ``how`` of `reading.BETWEEN`. At a given point every ``how`` gives the
    map that is there; of several at one point the first.
    """

    points: np.ndarray
    how: str

    def shares(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """``(rows (s,), shares (s,))`` of maps in that at a point ``(K,)``; the shares sum to 1."""
        z = np.asarray(z, float)
        distance, near = self._tree.query(z, k=[1])
        if self.how == NEAREST or distance[0] < 1e-7 * self._extent:
            return self._rows[near], np.ones(1)
        rows, shares = (self._linear if self.how == LINEAR else self._radial)(z)
        kept = np.abs(shares) > 1e-6
        return self._rows[rows[kept]], shares[kept] / shares[kept].sum()

    def _radial(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Weights of a radial basis function interpolant with a constant (scipy's RBFInterpolator, kernel -r) of the
        nearest maps. The kernel is conditionally positive definite of order 1, so distinct points always have one.
        """
        from scipy.interpolate import RBFInterpolator

        rows = self._tree.query(z, k=min(NEIGHBOURS, len(self._distinct)))[1]
        rows = np.atleast_1d(rows)
        interpolate = RBFInterpolator(self._distinct[rows], np.eye(len(rows)), kernel="linear", degree=0)
        return rows, interpolate(z[None])[0]

    def _linear(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Barycentric coordinates in the simplex of Delaunay's triangulation; beyond it the nearest map."""
        if self._distinct.shape[1] == 1:
            order = np.argsort(self._distinct[:, 0])
            along = self._distinct[order, 0]
            place = int(np.clip(np.searchsorted(along, z[0]), 1, len(along) - 1))
            far = float(np.clip((z[0] - along[place - 1]) / (along[place] - along[place - 1]), 0, 1))
            return order[[place - 1, place]], np.array([1 - far, far])
        simplex = int(self._triangles.find_simplex(z[None])[0])
        if simplex < 0:
            return self._tree.query(z, k=[1])[1], np.ones(1)
        dims = len(z)
        transform = self._triangles.transform[simplex]
        some = transform[:dims] @ (z - transform[dims])
        return self._triangles.simplices[simplex], np.append(some, 1 - some.sum())

    @cached_property
    def _rows(self) -> np.ndarray:
        """The first map at each distinct point."""
        return np.sort(np.unique(self.points, axis=0, return_index=True)[1])

    @cached_property
    def _distinct(self) -> np.ndarray:
        return self.points[self._rows].astype(float)

    @cached_property
    def _extent(self) -> float:
        return max(float(np.ptp(self._distinct, axis=0).max()), 1e-30)

    @cached_property
    def _tree(self) -> Any:
        from scipy.spatial import cKDTree

        return cKDTree(self._distinct)

    @cached_property
    def _triangles(self) -> Any:
        from scipy.spatial import Delaunay, QhullError

        try:
            return Delaunay(self._distinct)
        except (QhullError, ValueError):
            raise InputError(f"between linear: the {len(self._distinct)} maps' points do not span their "
                             f"{self._distinct.shape[1]} latent dimensions; say between radial.") from None  # fmt: skip

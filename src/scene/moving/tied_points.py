"""Points that follow the flow: a sparse product with the moved vertices, a millisecond for a hundred thousand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class TiedPoints:
    """Points tied to the mesh.

    Attributes
    ----------
    points : ``(m, 3)`` float32 Å at rest, relative to voxel N//2.
    matrix : sparse ``(m, v)`` float32, the barycentric weights: matrix @ vertices are the points.
    slip : ``(m, 3)`` float32 Å, what the product misses of the points at rest, by rounding.
    """

    points: np.ndarray
    matrix: object
    slip: np.ndarray

    @classmethod
    def to_mesh(cls, points: np.ndarray, corners: np.ndarray, weights: np.ndarray, rest: np.ndarray) -> TiedPoints:
        """From the corners ``(m, 4)`` and weights ``(m, 4)`` of each point, and the vertices ``(v, 3)`` at rest."""
        from scipy.sparse import csr_matrix

        ends = np.arange(0, 4 * len(points) + 1, 4)
        arrays = (weights.astype(np.float32).ravel(), corners.astype(np.int32).ravel(), ends)
        matrix = csr_matrix(arrays, shape=(len(points), len(rest)))
        points = points.astype(np.float32)
        return cls(points, matrix, points - matrix @ rest.astype(np.float32))

    def moved(self, vertices: np.ndarray) -> np.ndarray:
        """Where the points are, ``(m, 3)`` float32 Å, when the vertices are at ``(v, 3)``."""
        return self.matrix @ vertices.astype(np.float32) + self.slip

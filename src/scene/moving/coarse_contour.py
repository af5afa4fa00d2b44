"""A coarser contour for slow graphics: vertices that are near each other become one."""

from __future__ import annotations

import numpy as np

from .tied_points import TiedPoints


def coarser(tied: TiedPoints, triangles: np.ndarray, most: int) -> tuple[TiedPoints, np.ndarray]:
    """About ``most`` triangles ``(t, 3)`` in the place of more, and their vertices, tied to the mesh like the old ones.

    All vertices in one cube of a grid are merged at their mean (Rossignac & Borrel 1993). A surface of area A passes
    through some 1.5 A / s² cubes of side s, and has two triangles per vertex.
    """
    if len(triangles) <= most:
        return tied, triangles
    side = np.sqrt(3 * _area(tied.points, triangles) / most)
    cube, mean = _means(np.floor(tied.points / side).astype(np.int64))
    corners = cube[triangles]
    apart = (corners != np.roll(corners, 1, axis=1)).all(axis=1)
    return TiedPoints(mean @ tied.points, mean @ tied.matrix, mean @ tied.slip), corners[apart]


def _area(points: np.ndarray, triangles: np.ndarray) -> float:
    first, second, third = (points[corner] for corner in triangles.T)
    return float(np.linalg.norm(np.cross(second - first, third - first), axis=1).sum()) / 2


def _means(cubes: np.ndarray) -> tuple[np.ndarray, object]:
    """For points in cubes ``(m, 3)``: which of the n cubes each is in, int32, and the sparse ``(n, m)`` that takes
    the mean over each.
    """
    from scipy.sparse import csr_matrix

    cubes = cubes - cubes.min(axis=0)
    number = np.ravel_multi_index(tuple(cubes.T), tuple(cubes.max(axis=0) + 1))
    _, which, count = np.unique(number, return_inverse=True, return_counts=True)
    weights = (1 / count[which]).astype(np.float32)
    return which.astype(np.int32), csr_matrix((weights, (which, np.arange(len(cubes)))), (len(count), len(cubes)))

"""The cell that holds a point, and the point's barycentric coordinates in it."""

from __future__ import annotations

from typing import Any

import numpy as np

from .shape import barycentric_matrices
from .tetmesh import TetMesh

TOLERANCE = 1e-5  # barycentric slack: vertices are float32, so a point on a face is inside to about 1e-6
_CANDIDATES = (12, 64)  # nearest centroids tried first, and for the points that those do not hold
_CHUNK = 4_000_000  # barycentric tests done at once, to bound memory


def locate(mesh: TetMesh, points: np.ndarray, part: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Cell (m,) int32 and barycentric coordinates (m, 4) float64 of each point.

    Parameters
    ----------
    points : (m, 3) Å xyz
    part : (m,) int, the part whose cell is preferred where cells overlap; None: whichever

    A point outside all cells gets, among the cells near it (of its part, where given), the one whose smallest
    barycentric coordinate is largest, that is the one that extrapolates least. Coordinates always sum to 1.
    """
    from scipy.spatial import cKDTree

    points = np.asarray(points, np.float64).reshape(-1, 3)
    cell = np.zeros(len(points), np.int32)
    if len(points) == 0:
        return cell, np.zeros((0, 4))
    matrix, centroid = barycentric_matrices(mesh), mesh.centroids()
    tree = cKDTree(centroid)
    reach = np.linalg.norm(mesh.vertices[mesh.cells] - centroid[:, None], axis=2).max()
    open_rows = np.arange(len(points))
    for count in _CANDIDATES:
        open_rows = _try_nearest(mesh, matrix, tree, points, part, open_rows, min(count, len(centroid)), reach, cell)
    _try_all(mesh, matrix, points, part, open_rows, cell)
    return cell, barycentric(matrix, cell, points)


def barycentric(matrix: np.ndarray, cell: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(..., 4) coordinates of points (..., 3) in cells (...), from ``barycentric_matrices``."""
    chosen = matrix[cell]
    return np.einsum("...ij,...j->...i", chosen[..., :3], points) + chosen[..., 3]


def _try_nearest(
    mesh: TetMesh, matrix: np.ndarray, tree: Any, points: np.ndarray, part: np.ndarray | None, rows: np.ndarray,
    count: int, reach: float, cell: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """Fill ``cell`` from the ``count`` nearest centroids; return the rows that may still lie in some other cell."""
    still_open = []
    for start in range(0, len(rows), max(1, _CHUNK // count)):
        block = rows[start : start + max(1, _CHUNK // count)]
        distance, near = tree.query(points[block], k=np.arange(1, count + 1))
        best, score = _best(mesh, matrix, points[block], near, None if part is None else part[block])
        cell[block] = best
        resolved = (score >= (0.0 if part is None else 1.0)) | (count == len(matrix))
        # a cell's points are never farther than ``reach`` from its centroid: nothing beyond needs a look, save that
        # a point outside all cells deserves the longer list of candidates to extrapolate from
        if count >= _CANDIDATES[-1]:
            resolved |= distance[:, -1] > reach
        still_open.append(block[~resolved])
    return np.concatenate(still_open) if still_open else rows


def _try_all(
    mesh: TetMesh, matrix: np.ndarray, points: np.ndarray, part: np.ndarray | None, rows: np.ndarray, cell: np.ndarray
) -> None:
    """Fill ``cell`` for points whose neighbourhood was too crowded, by testing every cell."""
    every = np.arange(len(matrix))
    step = max(1, _CHUNK // len(matrix))
    for start in range(0, len(rows), step):
        block = rows[start : start + step]
        near = np.broadcast_to(every, (len(block), len(every)))
        best, score = _best(mesh, matrix, points[block], near, None if part is None else part[block])
        cell[block] = np.where(score >= 0, best, cell[block])


def _best(
    mesh: TetMesh, matrix: np.ndarray, points: np.ndarray, near: np.ndarray, part: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Best candidate (m,) and its score: the smallest coordinate, at most 0, plus 1 in the wanted part."""
    smallest = barycentric(matrix, near, points[:, None]).min(axis=2)
    score = np.where(smallest >= -TOLERANCE, 0.0, smallest)
    if part is not None:
        own = mesh.part[near] == np.asarray(part)[:, None]
        # a cell of another part that holds the point beats extrapolating from one's own
        score = np.where(own & (score == 0), 1.0, np.where(own | (score == 0), score, score - 1e6))
    best = np.argmax(score, axis=1)
    row = np.arange(len(points))
    return near[row, best].astype(np.int32), score[row, best]

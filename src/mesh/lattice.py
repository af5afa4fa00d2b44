"""The body-centred cubic lattice of tetrahedra, located in closed form.

All its tetrahedra are congruent, of the best shape that a space-filling lattice has, and look the same along the three
axes. A tetrahedron spans the edge between the centres of two neighbouring cubes and one edge of the face between them
(Labelle & Shewchuk, Isosurface stuffing, 2007, figure 1): twelve per cube, each a twelfth of its volume.
"""

from __future__ import annotations

import numpy as np

_SPAN = 1 << 10  # cubes along one side that a key can hold; |cube index| < _SPAN / 2


def cell_keys(points: np.ndarray, spacing: float) -> np.ndarray:
    """(m,) int64 key of the lattice tetrahedron that holds each point.

    Parameters
    ----------
    points : (m, 3) xyz
    spacing : side of the lattice's cubes, in the unit of ``points``
    """
    scaled = np.asarray(points, np.float64) / spacing
    cube = np.floor(scaled).astype(np.int64)
    inside = scaled - cube - 0.5
    row = np.arange(len(cube))
    axis = np.argmax(np.abs(inside), axis=1)
    cube[row, axis] -= inside[row, axis] < 0
    first, second = (axis + 1) % 3, (axis + 2) % 3
    use_second = np.abs(inside[row, second]) > np.abs(inside[row, first])
    across = np.where(use_second, second, first)
    code = 2 * use_second + (inside[row, across] >= 0)
    return _cube_number(cube) * 12 + axis * 4 + code


def cell_corners(keys: np.ndarray) -> np.ndarray:
    """(c, 4, 3) int64 corners of lattice tetrahedra, in half spacings: two cube centres, then two cube corners."""
    keys = np.asarray(keys, np.int64)
    cube, axis, code = _cube_of(keys // 12), keys // 4 % 3, keys % 4
    row = np.arange(len(keys))
    first, second = (axis + 1) % 3, (axis + 2) % 3
    across, along = np.where(code >= 2, second, first), np.where(code >= 2, first, second)
    corners = np.repeat((2 * cube + 1)[:, None], 4, axis=1)
    corners[row, 1, axis] += 2
    for corner, side in ((2, -1), (3, 1)):
        corners[row, corner, axis] += 1
        corners[row, corner, across] += np.where(code % 2, 1, -1)
        corners[row, corner, along] += side
    return corners


def _cube_number(cube: np.ndarray) -> np.ndarray:
    shifted = cube + _SPAN // 2
    return (shifted[:, 2] * _SPAN + shifted[:, 1]) * _SPAN + shifted[:, 0]


def _cube_of(number: np.ndarray) -> np.ndarray:
    return np.stack([number % _SPAN, number // _SPAN % _SPAN, number // _SPAN**2], axis=1) - _SPAN // 2

"""The loop that finds the cell of every voxel, compiled."""

from __future__ import annotations

import numpy as np
from numba import njit

from .locate import TOLERANCE


@njit(cache=True, nogil=True)
def fill(
    matrix: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    cell_part: np.ndarray,
    part: np.ndarray,
    voxel_cell: np.ndarray,
    exact: np.ndarray,
) -> None:  # pragma: no cover (compiled)
    """As ``_fill`` of `voxels`, voxel by voxel."""
    for cell in range(len(matrix)):
        m = matrix[cell]
        for z in range(low[cell, 2], high[cell, 2]):
            for y in range(low[cell, 1], high[cell, 1]):
                for x in range(low[cell, 0], high[cell, 0]):
                    if part[z, y, x] < 0 or exact[z, y, x]:
                        continue
                    inside = True
                    for k in range(4):
                        if (m[k, 2] * z + m[k, 3]) + m[k, 1] * y + m[k, 0] * x < -TOLERANCE:
                            inside = False
                            break
                    if inside:
                        own = part[z, y, x] == cell_part[cell]
                        if own or voxel_cell[z, y, x] < 0:
                            voxel_cell[z, y, x] = cell
                        exact[z, y, x] = own

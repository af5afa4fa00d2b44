"""Points spread onto grids with the `gridding_kernel`, compiled."""

from __future__ import annotations

import numba
import numpy as np

from .gridding_kernel import WIDTH


@numba.njit(nogil=True, cache=True, fastmath=True, inline="always")
def _taps(position: float, table: np.ndarray, values: np.ndarray) -> int:
    """Fill ``values`` with the kernel's taps at ``position``; return the first grid index."""
    base = np.floor(position)
    scaled = (position - base) * np.float32(table.shape[0] - 1)
    row = int(scaled)
    mix = np.float32(scaled - row)
    for tap in range(WIDTH):
        values[tap] = table[row, tap] + mix * (table[row + 1, tap] - table[row, tap])
    return int(base) - (WIDTH // 2 - 1)


@numba.njit(nogil=True, cache=True, fastmath=True)
def spread_images(
    points: np.ndarray,
    weights: np.ndarray,
    offsets: np.ndarray,
    affine: np.ndarray,
    table: np.ndarray,
    grid: np.ndarray,
) -> None:
    """Add every point to every image of ``grid`` (b, s, s); ``affine`` (b, g, 2, 4): [x, y, z, 1] to grid points."""
    size = grid.shape[1]
    tap_x = np.empty(WIDTH, np.float32)
    tap_y = np.empty(WIDTH, np.float32)
    for image in range(grid.shape[0]):
        for group in range(offsets.size - 1):
            a = affine[image, group]
            for p in range(offsets[group], offsets[group + 1]):
                x = a[0, 0] * points[p, 0] + a[0, 1] * points[p, 1] + a[0, 2] * points[p, 2] + a[0, 3]
                y = a[1, 0] * points[p, 0] + a[1, 1] * points[p, 1] + a[1, 2] * points[p, 2] + a[1, 3]
                first_x = _taps(x, table, tap_x)
                first_y = _taps(y, table, tap_y)
                for j in range(WIDTH):
                    row = (first_y + j) % size
                    value = weights[p] * tap_y[j]
                    for i in range(WIDTH):
                        grid[image, row, (first_x + i) % size] += value * tap_x[i]


@numba.njit(nogil=True, cache=True, fastmath=True)
def spread_volume(points: np.ndarray, weights: np.ndarray, table: np.ndarray, grid: np.ndarray) -> None:
    """Add points ``(n, 3)`` in grid points (x, y, z) to ``grid`` (z, y, x)."""
    size = grid.shape[0]
    taps = np.empty((3, WIDTH), np.float32)
    for p in range(points.shape[0]):
        first_x = _taps(points[p, 0], table, taps[0])
        first_y = _taps(points[p, 1], table, taps[1])
        first_z = _taps(points[p, 2], table, taps[2])
        for k in range(WIDTH):
            for j in range(WIDTH):
                value = weights[p] * taps[2, k] * taps[1, j]
                for i in range(WIDTH):
                    grid[(first_z + k) % size, (first_y + j) % size, (first_x + i) % size] += value * taps[0, i]

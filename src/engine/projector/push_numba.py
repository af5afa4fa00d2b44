"""The loops of `push`, compiled; where points are many, each thread sums its share into a grid of its own."""

from __future__ import annotations

import numba
import numpy as np
from numba import njit, prange

from .spline_numba import weights as _weights

MOST_THREADS = 8  # each has a grid of its own to clear and to add
SHARE = 200_000  # points for which a further thread is worth waking: on a busy machine waiting for it costs more


@njit(fastmath=True, cache=True)
def _move(points, offsets, affine, out):
    for g in range(offsets.shape[0] - 1):
        a = affine[g]
        for i in range(offsets[g], offsets[g + 1]):
            x, y, z = points[i, 0], points[i, 1], points[i, 2]
            out[i, 0] = a[0, 0] * x + a[0, 1] * y + a[0, 2] * z + a[0, 3]
            out[i, 1] = a[1, 0] * x + a[1, 1] * y + a[1, 2] * z + a[1, 3]
            out[i, 2] = a[2, 0] * x + a[2, 1] * y + a[2, 2] * z + a[2, 3]


@njit(fastmath=True, cache=True)
def _spread(density, places, first, last, grid):
    depth, height, width = grid.shape
    for i in range(first, last):
        x, y, z = places[i, 0], places[i, 1], places[i, 2]
        if not (x >= 1 and y >= 1 and z >= 1 and x < width - 2 and y < height - 2 and z < depth - 2):
            continue
        ix, iy, iz = int(x), int(y), int(z)
        w0, w1, w2, w3 = _weights(x - ix)
        v = _weights(y - iy)
        u = _weights(z - iz)
        c = ix - 1
        for j in range(4):
            plane = grid[iz - 1 + j]
            mass = density[i] * u[j]
            for k in range(4):
                row = plane[iy - 1 + k]
                m = mass * v[k]
                row[c] += m * w0
                row[c + 1] += m * w1
                row[c + 2] += m * w2
                row[c + 3] += m * w3


@njit(parallel=True, fastmath=True, cache=True)
def _spread_shares(density, places, grids):
    """Each thread its share of the points, then each its share of the planes to add up into the first grid."""
    threads = len(grids)
    share = (len(places) + threads - 1) // threads
    for t in prange(threads):
        _spread(density, places, t * share, min((t + 1) * share, len(places)), grids[t])
    for z in prange(grids.shape[1]):
        for t in range(1, threads):
            grids[0, z] += grids[t, z]


def move(points: np.ndarray, offsets: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """Points ``(n, 3)`` under the affine of their group."""
    out = np.empty_like(points)
    _move(points, offsets, affine, out)
    return out


def spread(
    density: np.ndarray, places: np.ndarray, shape: tuple[int, int, int], threads: int | None = None
) -> np.ndarray:
    """Sum of splines ``[z, y, x]`` at ``places``; one whose footprint is not wholly inside is left out."""
    most = min(threads or MOST_THREADS, numba.get_num_threads(), MOST_THREADS)
    threads = max(1, min(most, len(places) // SHARE))
    grids = np.zeros((threads, *shape), np.float32)
    if threads == 1:
        _spread(density, places, 0, len(places), grids[0])
    else:
        _spread_shares(density, places, grids)
    return grids[0]

"""The Fourier transform of points: exact projections and maps of point sets (type-1 non-uniform FFT).

A molecule of points with weights has the Fourier transform ``sum_a w_a exp(-2 pi i k x_a)``. The points are spread
with a narrow kernel onto a grid of twice the sampling, transformed, cropped to the frequencies of the box, and divided
by the kernel's own transform (Greengard & Lee 2004; the kernel is Barnett, Magland & af Klinteberg's "exponential of
semicircle", 2019). With 6 grid points per axis the result is exact to about 1e-6 of the largest value at every
frequency up to Nyquist and in the corners: nothing aliases, however narrow an atom is in pixels, because its form
factor is multiplied in afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from types import ModuleType

import numpy as np
from scipy import fft

from .gridding_kernel import OVERSAMPLING, TABLE, WIDTH, kernel_table, kernel_transform

_SLAB = 16


def _spread(places: np.ndarray, weights: np.ndarray, grid: np.ndarray) -> None:
    """Add points at ``places`` (n, d), in grid points x, y (, z), to ``grid`` (…, y, x) with numpy alone."""
    size, dims = grid.shape[0], grid.ndim
    base = np.floor(places)
    scaled = (places - base) * TABLE
    row = np.minimum(scaled.astype(np.int64), TABLE - 1)
    low, high = kernel_table()[row], kernel_table()[row + 1]
    taps = low + (scaled - row).astype(np.float32)[..., None] * (high - low)  # (n, d, WIDTH)
    cells = (base.astype(np.int64)[..., None] - (WIDTH // 2 - 1) + np.arange(WIDTH)) % size
    where, values = np.zeros((len(places), 1), np.int64), weights[:, None]
    for axis in reversed(range(dims)):
        where = (where[:, :, None] * size + cells[:, axis, None, :]).reshape(len(places), -1)
        values = (values[:, :, None] * taps[:, axis, None, :]).reshape(len(places), -1)
    grid += np.bincount(where.ravel(), values.ravel(), grid.size).reshape(grid.shape).astype(np.float32)


def _spread_images(
    points: np.ndarray, weights: np.ndarray, offsets: np.ndarray, affine: np.ndarray, grid: np.ndarray
) -> None:
    """As `spread_numba.spread_images`, where there is no numba: a few milliseconds for each image."""
    ones = np.column_stack([points, np.ones(len(points))])
    for image, affines in zip(grid, affine):
        places = [ones[first:last] @ a.T for a, first, last in zip(affines, offsets[:-1], offsets[1:])]
        _spread(np.concatenate(places), weights, image)


@cache
def compiled() -> ModuleType | None:
    """The compiled loops; None where there is no numba, as in ChimeraX's own Python."""
    try:
        from . import spread_numba
    except ImportError:
        return None
    return spread_numba


def _crop(transform: np.ndarray, box: int, axis: int) -> np.ndarray:
    """Keep the ``box`` lowest frequencies of a full axis in numpy.fft order."""
    order = np.fft.fftfreq(box, 1 / box).astype(int) % transform.shape[axis]
    return np.take(transform, order, axis=axis)


def project_points(
    points: np.ndarray, weights: np.ndarray, offsets: np.ndarray, affine: np.ndarray, box: int
) -> np.ndarray:
    """Fourier transforms of projected points.

    Parameters
    ----------
    points : (n, 3) float64, Å, sorted by rigid group
    weights : (n,) float32
    offsets : (g + 1,) int64, first point of each group
    affine : (b, g, 2, 4) float64, [x, y, z, 1] to pixel (x, y) of the image, pixel 0 being the first
    box : image size in pixels

    Returns
    -------
    (b, box, box // 2 + 1) complex64, the rfft2 of the images (origin at pixel 0).
    """
    grid = np.zeros((affine.shape[0], OVERSAMPLING * box, OVERSAMPLING * box), np.float32)
    loops = compiled()
    if loops is None:
        _spread_images(points, weights, offsets, affine * OVERSAMPLING, grid)
    else:
        loops.spread_images(points, weights, offsets, affine * OVERSAMPLING, kernel_table(), grid)
    transform = fft.rfft(grid, axis=2)[:, :, : box // 2 + 1]
    transform = _crop(fft.fft(transform, axis=1), box, 1)
    inverse = 1 / kernel_transform(box)
    return transform * (inverse[:, None] * inverse[None, : box // 2 + 1]).astype(np.float32)


def transform_points(point_sets: Iterable[np.ndarray], weight_sets: Iterable[np.ndarray], box: int) -> np.ndarray:
    """Fourier transform of point sets added up, in three dimensions.

    Parameters
    ----------
    point_sets : iterable of (n, 3) arrays, voxel coordinates (x, y, z), voxel 0 being the first
    weight_sets : iterable of (n,) arrays
    box : map size in voxels

    Returns
    -------
    (box, box, box // 2 + 1) complex64, the rfftn of the map in [z, y, x] order (origin at voxel 0).
    """
    grid, loops = np.zeros((OVERSAMPLING * box,) * 3, np.float32), compiled()
    for points, weights in zip(point_sets, weight_sets):
        if not len(weights):
            continue
        places, weights = np.asarray(points, np.float64) * OVERSAMPLING, weights.astype(np.float32)
        if loops is None:
            _spread(places, weights, grid)
        else:
            loops.spread_volume(places, weights, kernel_table(), grid)
    transform = np.empty((len(grid), box, box // 2 + 1), np.complex64)
    for first in range(0, len(grid), _SLAB):  # by slabs: the whole transform of the fine grid never exists at once
        slab = fft.rfft(grid[first : first + _SLAB], axis=2)[:, :, : box // 2 + 1]
        transform[first : first + _SLAB] = _crop(fft.fft(slab, axis=1), box, 1)
    del grid
    transform = _crop(fft.fft(transform, axis=0), box, 0)
    inverse = (1 / kernel_transform(box)).astype(np.float32)
    transform *= inverse[:, None, None] * inverse[None, :, None]
    return transform * inverse[None, None, : box // 2 + 1]

"""Push points straight into a map: a three-dimensional splat without gradients, for decoding.

Needs no torch, and runs in numpy alone where numba is missing. Each point's mass is spread by a cubic B-spline over
4x4x4 voxels, and the sum is divided by the spline's transform. On the map's own grid, which is fast, points on voxels
give the map back exactly; moved ones carry the errors of cubic spline interpolation. On a grid twice as fine, the
repeats of the spectrum are cut off, and the map is that of the projector.
"""

from __future__ import annotations

from functools import lru_cache
from types import ModuleType

import numpy as np

MARGIN = 8  # voxels around the points: the inverse of the spline falls by 0.268 per voxel, so the rest is 3e-5


def push(
    density: np.ndarray,
    points: np.ndarray,
    offsets: np.ndarray,
    affine: np.ndarray,
    box: int,
    backend: str = "auto",
    threads: int | None = None,
    oversampling: int = 1,
) -> np.ndarray:
    """The map ``(N, N, N)`` float32 ``[z, y, x]`` of moved point masses; what leaves the box is lost.

    Parameters
    ----------
    density : ``(n,)`` float32 mass of each point.
    points : ``(n, 3)`` float32 xyz, in the unit that ``affine`` takes, sorted by group.
    offsets : ``(g + 1,)`` int64; group ``j`` holds points ``offsets[j]:offsets[j + 1]``.
    affine : ``(g, 3, 4)`` float32; ``affine[j] @ [x, y, z, 1]`` is the (x, y, z) of a point of group ``j`` in voxels,
        0 being the centre of the first voxel.
    box : N. backend : ``numpy``, ``numba``, or ``auto``: numba where there is one.
    threads : of the Fourier transforms and the compiled loops; None: all.
    oversampling : 1, or 2 for a grid twice as fine, as exact as the projector and about three times slower.
    """
    loops = _compiled() if usable_backend(backend) == "numba" else None
    if len(points) == 0:
        return np.zeros((box,) * 3, np.float32)
    moved = (_move if loops is None else loops.move)(points, offsets, affine)
    low, shape = _window(moved, box)
    moved = (moved - low) * np.float32(oversampling)
    z, y, x = shape
    shape = oversampling * z, oversampling * y, oversampling * x
    grid = _spread(density, moved, shape) if loops is None else loops.spread(density, moved, shape, threads)
    return _place(_divide_by_kernel(grid, oversampling, threads or -1), low, box)


def usable_backend(wanted: str = "auto") -> str:
    """``numba`` or ``numpy``: the one that ``auto`` means here. ``ImportError`` for numba where there is none."""
    if wanted == "numba" and _compiled() is None:
        raise ImportError("numba is not installed")
    return ("numpy" if _compiled() is None else "numba") if wanted == "auto" else wanted


def _window(moved: np.ndarray, box: int) -> tuple[np.ndarray, tuple[int, int, int]]:
    """Lowest voxel (xyz) and shape [z, y, x] of the part of the grid that the points reach, margin included."""
    from scipy.fft import next_fast_len

    low = np.clip(np.floor([moved[:, axis].min() for axis in range(3)]), -MARGIN, box) - MARGIN
    high = np.clip(np.ceil([moved[:, axis].max() for axis in range(3)]), 0, box + MARGIN) + MARGIN + 1
    return low.astype(np.float32), tuple(next_fast_len(int(side), real=True) for side in (high - low)[::-1])


def _divide_by_kernel(grid: np.ndarray, oversampling: int, workers: int) -> np.ndarray:
    """Divide by the spline's transform, on the frequencies of the map's own grid."""
    from scipy import fft

    shape = tuple(side // oversampling for side in grid.shape)
    spectrum = fft.rfftn(grid, workers=workers)
    if oversampling > 1:
        spectrum = _crop(spectrum, shape)
    for axis, side in enumerate(shape):
        k = fft.rfftfreq(side) if axis == 2 else fft.fftfreq(side)
        spectrum *= (1 / _spline_transform(k, oversampling)).reshape([-1 if i == axis else 1 for i in range(3)])
    return fft.irfftn(spectrum, s=shape, workers=workers, overwrite_x=True)


def _spline_transform(k: np.ndarray, oversampling: int) -> np.ndarray:
    """Transform of the cubic B-spline at ``k`` cycles per voxel, float32.

    On the map's own grid that of the sampled spline, which is exact for points on voxels and never below 1/3; on a
    finer one, where the repeats of the spectrum fall outside the map's, that of the continuous spline.
    """
    transform = (2 + np.cos(2 * np.pi * k)) / 3 if oversampling == 1 else np.sinc(k / oversampling) ** 4
    return transform.astype(np.float32)


def _crop(spectrum: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """Half spectrum of a finer grid at the frequencies of a grid of ``shape``."""
    for axis in (0, 1):
        side = shape[axis]
        low, high = np.split(spectrum, [(side + 1) // 2], axis)
        spectrum = np.concatenate(
            [low, np.take(high, range(high.shape[axis] - side // 2, high.shape[axis]), axis)], axis
        )
    return spectrum[:, :, : shape[2] // 2 + 1]


def _place(part: np.ndarray, low: np.ndarray, box: int) -> np.ndarray:
    """The window set into a map that is zero elsewhere."""
    volume = np.zeros((box,) * 3, np.float32)
    start = low[::-1].astype(int)
    into = tuple(slice(max(a, 0), min(a + n, box)) for a, n in zip(start, part.shape))
    volume[into] = part[tuple(slice(s.start - a, s.stop - a) for s, a in zip(into, start))]
    return volume


# ----- numpy -----


def _move(points: np.ndarray, offsets: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """Points ``(n, 3)`` under the affine of their group."""
    chosen = np.repeat(affine, np.diff(offsets), axis=0)
    return (chosen[:, :, :3] @ points[:, :, None])[:, :, 0] + chosen[:, :, 3]


def _spread(density: np.ndarray, places: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """Sum of splines ``[z, y, x]`` at ``places`` ``(n, 3)`` xyz; one that is not wholly inside is left out."""
    first = np.floor(places).astype(np.int64) - 1
    inside = ((first >= 0) & (first + 4 <= shape[::-1])).all(axis=1)
    first, places, density = first[inside], places[inside], density[inside]
    wx, wy, wz = (_weights(places[:, axis] - first[:, axis] - 1) for axis in range(3))
    corner = (first[:, 2] * shape[1] + first[:, 1]) * shape[2] + first[:, 0]
    total = np.zeros(shape[0] * shape[1] * shape[2])
    for z in range(4):
        for y in range(4):
            row, mass = corner + (z * shape[1] + y) * shape[2], density * wz[z] * wy[y]
            for x in range(4):
                total += np.bincount(row + x, mass * wx[x], len(total))
    return total.astype(np.float32).reshape(shape)


def _weights(t: np.ndarray) -> tuple[np.ndarray, ...]:
    """Cubic B-spline weights of four neighbouring voxels, ``t`` past the second of them."""
    s = 1 - t
    return s * s * s / 6, 2 / 3 - t * t * (1 + s) / 2, 2 / 3 - s * s * (1 + t) / 2, t * t * t / 6


# ----- numba -----


@lru_cache(maxsize=1)
def _compiled() -> ModuleType | None:
    """The compiled loops, or None where numba is missing or broken."""
    try:
        from . import push_numba
    except (ImportError, OSError):
        return None
    return push_numba

"""The kernel by which points are spread onto a grid, and its Fourier transform (see `nufft`)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

WIDTH = 6
OVERSAMPLING = 2
_BETA = 2.30 * WIDTH
TABLE = 1024  # steps between two grid points


def _kernel(distance: np.ndarray) -> np.ndarray:
    """Spreading kernel at ``distance`` in grid points; zero beyond WIDTH/2."""
    inside = np.clip(1 - (2 * distance / WIDTH) ** 2, 0, None)
    return np.where(inside > 0, np.exp(_BETA * (np.sqrt(inside) - 1)), 0.0)


@lru_cache(maxsize=1)
def kernel_table() -> np.ndarray:
    """Kernel values ``(TABLE + 1, WIDTH)`` float32: row = fraction between two grid points, column = tap."""
    fraction = np.arange(TABLE + 1)[:, None] / TABLE
    tap = np.arange(WIDTH)[None, :] - (WIDTH // 2 - 1)
    return _kernel(tap - fraction).astype(np.float32)


@lru_cache(maxsize=16)
def kernel_transform(box: int) -> np.ndarray:
    """Fourier transform of the kernel ``(box,)`` at the box's frequencies in numpy.fft order, by quadrature."""
    nodes, weights = np.polynomial.legendre.leggauss(200)
    distance = nodes * WIDTH / 2
    frequency = np.fft.fftfreq(box) / OVERSAMPLING
    phase = np.cos(2 * np.pi * frequency[:, None] * distance[None, :])
    return (phase * (_kernel(distance) * weights)[None, :]).sum(axis=1) * (WIDTH / 2)

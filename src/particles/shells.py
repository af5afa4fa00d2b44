"""Shells of an image's Fourier transform: averages over them, and curves spread over them."""

from __future__ import annotations

import numpy as np


def fourier_radius(box: int) -> np.ndarray:
    """(box, box//2+1) float: |k| of each element of ``numpy.fft.rfft2``, in units of 1 / field of view."""
    return np.hypot(np.fft.fftfreq(box)[:, None] * box, np.fft.rfftfreq(box) * box)


def shell_index(box: int) -> np.ndarray:
    """(box, box//2+1) int: round(|k|) of each element of ``numpy.fft.rfft2``; corners count as the last shell."""
    return np.minimum(np.rint(fourier_radius(box)).astype(np.int64), box // 2)


def spread(curve: np.ndarray, box: int) -> np.ndarray:
    """A (box//2+1,) curve by shell as a (box, box//2+1) array that multiplies ``numpy.fft.rfft2``."""
    return np.asarray(curve)[shell_index(box)]


def spread_by_group(curves: np.ndarray, group: np.ndarray, box: int) -> np.ndarray:
    """(g, shells) curves by optics group, as what multiplies ``numpy.fft.rfft2`` of images of these ``group`` (m,).

    (m, box, box//2+1), or (1, box, box//2+1) where all are of one group. ``box`` may be smaller than the curves'.
    """
    first = group[:1] if len(group) and np.all(group == group[0]) else group
    return curves[first][:, shell_index(box)]


def shell_mean(values: np.ndarray) -> np.ndarray:
    """(box//2+1,) mean by shell of a real (box, box//2+1) array; corners beyond the last shell are left out."""
    box = values.shape[0]
    kx = np.arange(box // 2 + 1)
    shell = np.rint(fourier_radius(box)).astype(np.int64)
    inside = shell <= box // 2
    weight = np.where((kx == 0) | (2 * kx == box), 1.0, 2.0) * np.ones((box, 1))  # the other half is its conjugate
    total = np.bincount(shell[inside], (weight * values)[inside], box // 2 + 1)
    return total / np.bincount(shell[inside], weight[inside], box // 2 + 1)

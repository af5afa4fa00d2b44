"""Fourier shell correlation, the area under it as CryoBench defines it, and the way from rigid to oracle."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy import fft


@lru_cache(maxsize=4)
def _shells(box: int) -> tuple[np.ndarray, np.ndarray]:
    """Shell number and multiplicity of each coefficient of an rfftn: shell i holds i − 1 ≤ radius < i."""
    full, last = np.fft.fftfreq(box, 1 / box), np.fft.rfftfreq(box, 1 / box)
    radius = np.sqrt(full[:, None, None] ** 2 + full[None, :, None] ** 2 + last[None, None, :] ** 2)
    copies = np.where((last == 0) | (last == box / 2), 1.0, 2.0)
    return (np.floor(radius) + 1).astype(np.int32).ravel(), np.broadcast_to(copies, radius.shape).ravel()


def fsc_curve(first: np.ndarray, second: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
    """FSC ``(D // 2,)`` of two maps ``(D, D, D)``, both multiplied by ``mask``.

    As CryoBench computes it: value i belongs to frequency i / D (cycles per voxel) and correlates the coefficients
    with i − 1 ≤ radius < i; value 0 is 1, and an empty shell counts 1.
    """
    if mask is not None:
        first, second = first * mask, second * mask
    box = first.shape[0]
    a, b = fft.rfftn(first).ravel(), fft.rfftn(second).ravel()
    shell, copies = _shells(box)

    def total(values: np.ndarray) -> np.ndarray:
        return np.bincount(shell, copies * values, minlength=box)[: box // 2]

    cross = total((a * b.conj()).real)
    power = np.sqrt(total(np.abs(a) ** 2) * total(np.abs(b) ** 2))
    curve = np.divide(cross, power, out=np.ones(box // 2), where=power > 0)
    curve[0] = 1.0
    return curve


def area(curve: np.ndarray) -> float:
    """Area under an FSC curve ``(D // 2,)`` over i / D by trapezoids: equal maps have (D/2 − 1) / D, just under 0.5."""
    return float(np.trapezoid(curve) if hasattr(np, "trapezoid") else np.trapz(curve)) / (2 * len(curve))


def resolution(curve: np.ndarray, pixel_size: float, threshold: float = 0.5) -> float:
    """Resolution (Å) at which a curve first falls below ``threshold``, interpolated; Nyquist if it never does."""
    below = np.flatnonzero(curve < threshold)
    if len(below) == 0:
        return 2 * pixel_size
    i = below[0]
    frequency = i - (threshold - curve[i]) / (curve[i - 1] - curve[i])
    return 2 * len(curve) * pixel_size / frequency


def way(model: float, rigid: float, oracle: float) -> float:
    """How far a model came from the rigid map (0) to the one that knows the true motion (1); NaN if none is better."""
    return (model - rigid) / (oracle - rigid) if oracle > rigid else float("nan")

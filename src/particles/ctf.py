"""The contrast transfer function in RELION's convention: positive near zero frequency for underfocus."""

from __future__ import annotations

import numpy as np

from .particles import Particles


def wavelength(voltage: np.ndarray) -> np.ndarray:
    """Relativistic electron wavelength in Å, with RELION's constants; ``voltage`` in kV."""
    volts = np.asarray(voltage, np.float64) * 1e3
    return 12.2643247 / np.sqrt(volts * (1 + volts * 0.978466e-6))


def frequencies(box: int, pixel_size: float) -> tuple[np.ndarray, np.ndarray]:
    """Spatial frequencies (1/Å) of ``numpy.fft.rfft2``: kx (1, box//2+1) and ky (box, 1)."""
    return np.fft.rfftfreq(box, pixel_size)[None, :], np.fft.fftfreq(box, pixel_size)[:, None]


def ctf_rfft(particles: Particles, box: int, pixel_size: float, rows: np.ndarray | slice | None = None) -> np.ndarray:
    """The CTF of particles on the grid of ``numpy.fft.rfft2``.

    Parameters
    ----------
    particles, rows : of which particles; all of them when ``rows`` is None.
    box, pixel_size : of the images it is to multiply, in pixels and Å.

    Returns
    -------
    (m, box, box//2+1) float32.
    """
    rows = slice(None) if rows is None else rows
    optics, group = particles.optics, particles.group[rows]
    return ctf_of(
        particles.defocus[rows],
        particles.phase_shift[rows],
        optics.voltage[group],
        optics.spherical_aberration[group],
        optics.amplitude_contrast[group],
        box,
        pixel_size,
    )


def ctf_of(
    defocus: np.ndarray,
    phase_shift: np.ndarray,
    voltage: np.ndarray,
    spherical_aberration: np.ndarray,
    amplitude_contrast: np.ndarray,
    box: int,
    pixel_size: float,
) -> np.ndarray:
    """The CTF from plain arrays: defocus (m, 3) Å, Å, degrees; phase_shift (m,) degrees; kV, mm and a fraction, (m,).

    sin(γ + asin(amplitude contrast)), γ = π λ Δf(θ) k² − π/2 Cs λ³ k⁴ + phase shift, and
    Δf(θ) = U cos²(θ − angle) + V sin²(θ − angle): RELION's ``CTF::getCTF``. Returns (m, box, box//2+1) float32.
    """
    kx, ky = frequencies(box, pixel_size)
    squared = kx**2 + ky**2
    lam = wavelength(voltage)
    u, v, angle = np.asarray(defocus, np.float64).T
    mean, half, twice = (u + v) / 2, (u - v) / 2, 2 * np.radians(angle)
    # cos 2(θ − angle) k² expanded, so that no arctan is taken on the grid
    linear = np.stack([mean, half * np.cos(twice), half * np.sin(twice)], -1) * (np.pi * lam)[:, None]
    constant = np.radians(phase_shift) + np.arcsin(amplitude_contrast)
    quartic = np.pi / 2 * np.asarray(spherical_aberration, np.float64) * 1e7 * lam**3
    out = np.empty((len(lam), box, box // 2 + 1), np.float32)
    for i in range(len(lam)):  # one image at a time keeps the working set in cache and memory flat
        phase = linear[i, 0] * squared + linear[i, 1] * (kx**2 - ky**2) + linear[i, 2] * (2 * kx * ky)
        out[i] = np.sin(phase - quartic[i] * squared**2 + constant[i])
    return out

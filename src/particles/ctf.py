"""The contrast transfer function in RELION's convention: positive near zero frequency for underfocus."""

from __future__ import annotations

import numpy as np

from .particles import Particles

BLOCK = 1 << 16  # elements worked on at a time: they stay in the processor's cache, and memory stays flat


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
    lam = wavelength(voltage)
    u, v, angle = np.asarray(defocus, np.float64).T
    mean, half, twice = (u + v) / 2, (u - v) / 2, 2 * np.radians(angle)
    # cos 2(θ − angle) k² expanded, so that no arctan is taken on the grid; in turns, of which the whole ones count not
    linear = np.stack([mean, half * np.cos(twice), half * np.sin(twice)]) * (lam / 2)
    constant = (np.radians(phase_shift) + np.arcsin(amplitude_contrast)) / (2 * np.pi)
    quartic = np.asarray(spherical_aberration, np.float64) * 1e7 * lam**3 / 4
    out = np.empty((len(lam), box, box // 2 + 1), np.float32)
    block = max(1, BLOCK // (box * (box // 2 + 1)))
    for first in range(0, len(lam), block):
        some = slice(first, first + block)
        _sines(linear[:, some, None, None], quartic[some, None, None], constant[some, None, None],
               *frequencies(box, pixel_size), out[some])  # fmt: skip
    return out


def _sines(
    linear: np.ndarray, quartic: np.ndarray, constant: np.ndarray, kx: np.ndarray, ky: np.ndarray, out: np.ndarray
) -> None:
    """Sin 2π(l₀ k² + l₁ (kx² − ky²) + 2 l₂ kx ky − q k⁴ + c) into ``out`` (m, box, box//2+1).

    What depends on kx or on ky alone is added as a row or a column. The phase, up to hundreds of turns, is float64; its
    part of a turn is float32, whose sine is several times faster and good to 1e-6.
    """
    along_x = (linear[0] + linear[1]) * kx**2 - quartic * kx**4 + constant
    along_y = (linear[0] - linear[1]) * ky**2 - quartic * ky**4
    turns = (-2 * quartic * ky**2) * kx
    turns += 2 * linear[2] * ky
    turns *= kx
    turns += along_x
    turns += along_y
    turns -= np.rint(turns)
    np.multiply(turns, 2 * np.pi, out=out, casting="same_kind")
    np.sin(out, out=out)

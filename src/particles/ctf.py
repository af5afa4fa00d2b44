"""The contrast transfer function in RELION's convention: positive near zero frequency for underfocus."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from .aberrations import even_phase, magnified, odd_phase
from .particles import MULTIPLIED, RECORDED, Optics, Particles

LEAST_CTF = 0.05  # images are divided by no less, or noise would be magnified without bound
BLOCK = 1 << 16  # elements worked on at a time: they stay in the processor's cache, and memory stays flat


def wavelength(voltage: np.ndarray) -> np.ndarray:
    """Relativistic electron wavelength in Å, with RELION's constants; ``voltage`` in kV."""
    volts = np.asarray(voltage, np.float64) * 1e3
    return 12.2643247 / np.sqrt(volts * (1 + volts * 0.978466e-6))


def frequencies(box: int, pixel_size: float) -> tuple[np.ndarray, np.ndarray]:
    """Spatial frequencies (1/Å) of ``numpy.fft.rfft2``: kx (1, box//2+1) and ky (box, 1)."""
    return np.fft.rfftfreq(box, pixel_size)[None, :], np.fft.fftfreq(box, pixel_size)[:, None]


def ctf_rfft(particles: Particles, box: int, pixel_size: float, rows: np.ndarray | slice | None = None) -> np.ndarray:
    """What multiplies the projections' transform in particles' images, on the grid of ``numpy.fft.rfft2``.

    The CTF with symmetric aberrations and anisotropic magnification, times B-factor and scale; its absolute value for
    images that were phase-flipped, and for those that were multiplied by their CTF once `unmultiplied`. The phase of
    antisymmetric aberrations is taken out of the images: `odd_factor`.

    Parameters
    ----------
    particles, rows : of which particles; all of them when ``rows`` is None.
    box, pixel_size : of the images it is to multiply, in pixels and Å.

    Returns
    -------
    (m, box, box//2+1) float32.
    """
    rows = slice(None) if rows is None else rows
    group = particles.group[rows]
    out = _signed_ctf(particles, box, pixel_size, rows)
    changed = particles.optics.ctf_state[group] != RECORDED
    if changed.any():
        out[changed] = np.abs(out[changed])
    b_factor, scale = particles.b_factor[rows], particles.scale[rows]
    if b_factor.any():
        for number in np.unique(group):
            same = np.flatnonzero(group == number)
            kx, ky = magnified(particles.optics, number, *frequencies(box, pixel_size))
            out[same] *= np.exp(-b_factor[same, None, None] / 4 * (kx**2 + ky**2)).astype(np.float32)
    if (scale != 1).any():
        out *= scale[:, None, None].astype(np.float32)
    return out


def _signed_ctf(particles: Particles, box: int, pixel_size: float, rows: np.ndarray | slice) -> np.ndarray:
    """The CTF (m, box, box//2+1) float32 with its sign, without B-factor and scale."""
    optics, group = particles.optics, particles.group[rows]
    plain = ~optics.even.any(axis=1) & (optics.magnification == np.eye(2)).all(axis=(1, 2))
    if plain[group].all():
        return ctf_of(*_imaging(particles, rows), box, pixel_size)
    numbers = np.arange(len(particles))[rows]
    out = np.empty((len(group), box, box // 2 + 1), np.float32)
    for number in np.unique(group):
        same = np.flatnonzero(group == number)
        imaging = _imaging(particles, numbers[same])
        if plain[number]:
            out[same] = ctf_of(*imaging, box, pixel_size)
        else:
            grid = frequencies(box, pixel_size)
            even = even_phase(optics, number, *grid)
            out[same] = _ctf_at(*imaging, *magnified(optics, number, *grid), even)
    return out


def _imaging(
    particles: Particles, rows: np.ndarray | slice
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Defocus, phase shift, voltage, spherical aberration and amplitude contrast of each particle."""
    optics, group = particles.optics, particles.group[rows]
    return (particles.defocus[rows], particles.phase_shift[rows], optics.voltage[group],
            optics.spherical_aberration[group], optics.amplitude_contrast[group])  # fmt: skip


def _ctf_at(
    defocus: np.ndarray,
    phase_shift: np.ndarray,
    voltage: np.ndarray,
    spherical_aberration: np.ndarray,
    amplitude_contrast: np.ndarray,
    kx: np.ndarray,
    ky: np.ndarray,
    even: np.ndarray,
) -> np.ndarray:
    """`ctf_of` at any frequencies (box, box//2+1) in 1/Å, with a symmetric phase ``even`` taken from γ."""
    linear, quartic, constant = _turns(defocus, phase_shift, voltage, spherical_aberration, amplitude_contrast)
    squared, across, diagonal = kx**2 + ky**2, kx**2 - ky**2, 2 * kx * ky
    out = np.empty((len(quartic), *even.shape), np.float32)
    for row in range(len(quartic)):
        turns = linear[0, row] * squared + linear[1, row] * across + linear[2, row] * diagonal
        turns += constant[row] - quartic[row] * squared**2 - even / (2 * np.pi)
        out[row] = np.sin(2 * np.pi * (turns - np.rint(turns)))
    return out


def unmultiplied(
    spectra: np.ndarray, particles: Particles, box: int, pixel_size: float, rows: np.ndarray
) -> np.ndarray:
    """Transforms (m, box, box//2+1) of images, divided by |CTF| where they had been multiplied by their CTF.

    They are then those of phase-flipped images with white noise; where the CTF is next to nothing, so is what is left.
    """
    multiplied = particles.optics.ctf_state[particles.group[rows]] == MULTIPLIED
    if not multiplied.any():
        return spectra
    spectra = spectra.copy()
    size = np.abs(_signed_ctf(particles, box, pixel_size, rows[multiplied]))
    spectra[multiplied] /= np.maximum(size, LEAST_CTF)
    return spectra


def odd_factor(particles: Particles, box: int, pixel_size: float, rows: np.ndarray) -> np.ndarray | None:
    """What the images' transforms are multiplied by to undo antisymmetric aberrations: (m, box, box//2+1) complex64.

    None where the particles have none, so that nobody multiplies by ones.
    """
    optics = particles.optics
    if not optics.odd.any():
        return None
    group = particles.group[rows]
    distinct, which = np.unique(group, return_inverse=True)
    factors = [
        _odd_factor(tuple(optics.odd[number]), tuple(optics.magnification[number].ravel()), box, pixel_size)
        for number in distinct
    ]
    return np.stack(factors)[which.ravel()] if len(distinct) else np.empty((0, box, box // 2 + 1), np.complex64)


@lru_cache(maxsize=64)
def _odd_factor(odd: tuple, magnification: tuple, box: int, pixel_size: float) -> np.ndarray:
    """``exp(−i φ)`` of one optics group; kept, since every batch asks for it."""
    unit = np.ones(1)
    optics = Optics(unit, unit, unit, unit, np.array([box]), ("",), np.array([odd]), np.zeros((1, 0)),
                    np.array(magnification).reshape(1, 2, 2))  # fmt: skip
    return np.exp(-1j * odd_phase(optics, 0, *frequencies(box, pixel_size))).astype(np.complex64)


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
    linear, quartic, constant = _turns(defocus, phase_shift, voltage, spherical_aberration, amplitude_contrast)
    out = np.empty((len(quartic), box, box // 2 + 1), np.float32)
    block = max(1, BLOCK // (box * (box // 2 + 1)))
    for first in range(0, len(quartic), block):
        some = slice(first, first + block)
        _sines(linear[:, some, None, None], quartic[some, None, None], constant[some, None, None],
               *frequencies(box, pixel_size), out[some])  # fmt: skip
    return out


def _turns(
    defocus: np.ndarray,
    phase_shift: np.ndarray,
    voltage: np.ndarray,
    spherical_aberration: np.ndarray,
    amplitude_contrast: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Terms of γ in turns: of k², kx² − ky² and 2 kx ky (3, m); of −k⁴ (m,); the constant (m,).

    cos 2(θ − angle) k² is expanded, so that no arctan is taken on the grid.
    """
    lam = wavelength(voltage)
    u, v, angle = np.asarray(defocus, np.float64).T
    mean, half, twice = (u + v) / 2, (u - v) / 2, 2 * np.radians(angle)
    linear = np.stack([mean, half * np.cos(twice), half * np.sin(twice)]) * (lam / 2)
    constant = (np.radians(phase_shift) + np.arcsin(amplitude_contrast)) / (2 * np.pi)
    return linear, np.asarray(spherical_aberration, np.float64) * 1e7 * lam**3 / 4, constant


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

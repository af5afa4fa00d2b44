"""The image model: an image's transform is CTF x odd aberrations x shift x the projection's, plus noise.

Everything that simulates images, compares with them or puts them into a map takes it from here.
"""

from __future__ import annotations

import numpy as np

from .ctf import ctf_rfft, odd_factor
from .particles import Particles
from .shells import spread_by_group


def observe(
    particles: Particles,
    spectra: np.ndarray,
    pixel_size: float,
    rows: np.ndarray,
    centred: bool = False,
    whitening: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """What images say of projections: spectra ``(m, D, D//2+1)``, and their transfer, float32.

    To noise, a spectrum is the transfer times the projection's, seen along `Particles.views` and shifted by the
    particle's shift, or not shifted where they are ``centred``.

    Parameters
    ----------
    spectra : ``(m, D, D//2+1)`` rfft2 of the images of particles ``rows``. pixel_size : of these images, Å.
    whitening : ``(g, shells)`` filter of each optics group that the images have been through.
    """
    box = spectra.shape[-2]
    if centred:
        # in place: out of place, numpy's last bits depend on how many images there are
        spectra = spectra.copy()
        spectra *= shift_phase(particles.shift[rows] / pixel_size, box)
    phase = odd_factor(particles, box, pixel_size, rows)
    if phase is not None:
        spectra = spectra * phase
    transfer = ctf_rfft(particles, box, pixel_size, rows)
    if whitening is not None:
        transfer *= spread_by_group(whitening, particles.group[rows], box)
    return spectra, transfer


def show(particles: Particles, projections: np.ndarray, pixel_size: float, rows: np.ndarray) -> np.ndarray:
    """Spectra ``(m, D, D//2+1)`` of the noiseless images of projections' spectra, which are shifted already."""
    box = projections.shape[-2]
    spectra = projections * ctf_rfft(particles, box, pixel_size, rows)
    phase = odd_factor(particles, box, pixel_size, rows)
    return spectra if phase is None else spectra * phase.conj()


def shift_phase(shift: np.ndarray, box: int) -> np.ndarray:
    """Phases ``(m, box, box // 2 + 1)`` that move images by ``shift`` ``(m, 2)`` pixels, (x, y)."""
    ky, kx = np.fft.fftfreq(box), np.fft.rfftfreq(box)
    y = np.exp(-2j * np.pi * ky * shift[:, 1:2]).astype(np.complex64)
    x = np.exp(-2j * np.pi * kx * shift[:, 0:1]).astype(np.complex64)
    return y[:, :, None] * x[:, None, :]

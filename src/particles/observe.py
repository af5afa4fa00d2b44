"""What particles' images say of the molecule's projections: their transforms, and what multiplied the projections'."""

from __future__ import annotations

import numpy as np

from .ctf import ctf_rfft, odd_factor
from .particles import Particles


def observe(
    particles: Particles, images: np.ndarray, pixel_size: float, rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Transforms (m, D, D//2+1) of ``images`` (m, D, D) of particles ``rows``, and their transfer, float32.

    To noise, a transform is the transfer times the projection's, seen along `Particles.views` and shifted by the
    particle's shift. ``pixel_size`` is that of the images, Å.
    """
    box = images.shape[-1]
    spectra = np.fft.rfft2(images)
    phase = odd_factor(particles, box, pixel_size, rows)
    return spectra if phase is None else spectra * phase, ctf_rfft(particles, box, pixel_size, rows)

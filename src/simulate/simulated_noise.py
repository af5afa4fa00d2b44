"""Gaussian noise, white or falling with frequency."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import fft


@dataclass(frozen=True)
class Background:
    """What images have beside their signal and a noise of variance 1.

    level : (n,) standard deviation of each image's noise; gradient : (n, 2) how much the background grows across the
    image along x and y, in standard deviations of a noise of variance 1
    """

    level: np.ndarray
    gradient: np.ndarray

    def ramps(self, rows: np.ndarray, box: int) -> np.ndarray:
        """Ramps ``(m, box, box)`` float32 of mean 0."""
        across = (np.arange(box) - (box - 1) / 2) / box
        x, y = self.gradient[rows].T
        return (x[:, None, None] * across + y[:, None, None] * across[:, None]).astype(np.float32)


def noise_spectrum(box: int, ratio: float) -> np.ndarray:
    """Noise power ``(box, box // 2 + 1)`` on the rfft2 grid, mean 1 over the whole transform.

    ratio : power at zero frequency over power at Nyquist; 1 is white. The power falls as a Gaussian of width a third
    of Nyquist onto a flat floor, as in micrographs, where solvent and the detector's response colour the noise.
    """
    radius = np.hypot(np.fft.fftfreq(box)[:, None], np.fft.rfftfreq(box)[None, :]) * 2
    edge = np.exp(-0.5 * 9)
    power = 1 + (ratio - 1) / (1 - ratio * edge) * np.exp(-0.5 * (3 * radius) ** 2)
    copies = np.full(box // 2 + 1, 2.0)
    copies[0] = 1
    copies[-1] = 1 if box % 2 == 0 else 2
    return power * (box * box / (power * copies).sum())


def draw_noise(rng: np.random.Generator, count: int, spectrum: np.ndarray | None, box: int) -> np.ndarray:
    """Noise images ``(count, box, box)`` float32 of variance 1; ``spectrum`` None is white."""
    noise = rng.standard_normal((count, box, box), dtype=np.float32)
    if spectrum is None:
        return noise
    coloured = fft.rfft2(noise) * np.sqrt(spectrum).astype(np.float32)
    return fft.irfft2(coloured, s=(box, box))

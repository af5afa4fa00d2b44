"""The noise around particles: its level in each image and its power by shell, and the filter that whitens it."""

from __future__ import annotations

import numpy as np

from .shells import shell_mean

_EDGE = 3.0  # pixels over which the disc's rim falls off, so that its own spectrum does not colour the noise's


def outside_disc(box: int, radius: float) -> np.ndarray:
    """(box, box) float32 weight of the background: 0 within ``radius`` pixels of the centre, 1 beyond a soft edge."""
    along = np.arange(box) - box // 2
    distance = np.hypot(along[:, None], along)
    return (0.5 - 0.5 * np.cos(np.pi * np.clip((distance - radius) / _EDGE, 0, 1))).astype(np.float32)


def subtract_background(images: np.ndarray, background: np.ndarray) -> np.ndarray:
    """(m, D, D) images minus each one's mean under the (D, D) weight ``background``."""
    mean = np.einsum("myx,yx->m", images, background) / background.sum()
    return images - mean[:, None, None].astype(np.float32)


def background_deviation(images: np.ndarray, background: np.ndarray) -> np.ndarray:
    """(m,) standard deviation of (m, D, D) images, their background subtracted, under the (D, D) weight of it."""
    total = np.einsum("myx,yx->m", np.square(images, dtype=np.float64), np.square(background, dtype=np.float64))
    return np.sqrt(total / np.sum(np.square(background, dtype=np.float64)))


class NoiseSpectrum:
    """Averages the power of the background of many images, by shell.

    White noise of unit variance per pixel has power 1 in every shell.
    """

    def __init__(self, background: np.ndarray) -> None:
        self._background = background
        self._sum = np.zeros((background.shape[0], background.shape[0] // 2 + 1))
        self.count = 0

    def add(self, images: np.ndarray) -> None:
        """Images (m, D, D), their background already subtracted."""
        spectrum = np.fft.rfft2(images * self._background)
        self._sum += np.sum(spectrum.real**2 + spectrum.imag**2, axis=0)
        self.count += len(images)

    def power(self) -> np.ndarray:
        """(D//2+1,) float64. Shell 0, which the subtraction emptied, is given shell 1's power."""
        power = shell_mean(self._sum) / (self.count * np.sum(np.square(self._background, dtype=np.float64)))
        power[0] = power[1]
        return power


def whitening_filter(power: np.ndarray) -> np.ndarray:
    """(D//2+1,) float32, 1/sqrt(power). Shells with hardly any noise (beyond a low-pass) are raised by 1000 at most."""
    floor = max(1e-6 * float(power.max()), 1e-30)
    return (1 / np.sqrt(np.maximum(power, floor))).astype(np.float32)

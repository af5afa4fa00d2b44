"""Maps split into octaves of frequency, and smoothed, by their Fourier transforms (origin at index 0, scipy)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import scipy.fft

from ...particles.prefetch import threads_here
from .fsc import fourier_shells

_OCTAVES = (0, 0.25, 0.5, 1)  # of the highest frequency: where a band ends and the next begins


class FrequencyBands:
    """Splits the spectra ``(N, N, N//2+1)`` of maps of one box; frequencies beyond N/2 are in no band."""

    def __init__(self, box: int) -> None:
        self._shape = (box, box, box)
        shell, inside = fourier_shells(box)
        ends = [round(part * (box // 2)) for part in _OCTAVES]
        band = np.searchsorted(ends, shell, side="left") - 1
        self._band = np.where(inside, np.maximum(band, 0), -1).astype(np.int8)

    def __len__(self) -> int:
        return len(_OCTAVES) - 1

    def split(self, spectrum: np.ndarray) -> Iterator[np.ndarray]:
        """The map ``(N, N, N)`` of each band, lowest frequencies first."""
        for number in range(len(self)):
            yield self.map(np.where(self._band == number, spectrum, 0))

    def map(self, spectrum: np.ndarray) -> np.ndarray:
        """The map ``(N, N, N)`` of a spectrum."""
        return scipy.fft.irfftn(spectrum, self._shape, workers=threads_here())

    def smoothed(self, volume: np.ndarray, deviation: float) -> np.ndarray:
        """A map ``(N, N, N)`` in a Gaussian window of that standard deviation, voxels; it wraps around."""
        box = self._shape[0]
        # F[exp(−x² / 2σ²) / norm](k) = exp(−2 π² σ² k²)
        full, half = (np.exp(-2 * (np.pi * deviation * f(box)) ** 2, dtype=np.float32)
                      for f in (np.fft.fftfreq, np.fft.rfftfreq))  # fmt: skip
        spectrum = scipy.fft.rfftn(volume, workers=threads_here())
        return self.map(spectrum * (full[:, None, None] * full[:, None] * half))

"""Two maps of halves of the particles, whoever solved them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...errors import InputError

SMALLEST_BOX = 16  # voxels, below which a Fourier shell has too few components to say anything


@dataclass(frozen=True, eq=False)
class HalfPair:
    """Half-maps, unfiltered and unmasked, of particles of which none is in both.

    first, second : (N, N, N) float32 [z, y, x]. pixel_size : Å per voxel.
    """

    first: np.ndarray
    second: np.ndarray
    pixel_size: float

    @property
    def box(self) -> int:
        """N."""
        return len(self.first)

    @property
    def mean(self) -> np.ndarray:
        """(N, N, N) float32, the mean of both."""
        return ((self.first + self.second) / 2).astype(np.float32)

    @property
    def frequency(self) -> np.ndarray:
        """(N//2+1,) 1/Å of the Fourier shells."""
        return np.arange(self.box // 2 + 1) / (self.box * self.pixel_size)

    def masked(self, mask: np.ndarray) -> HalfPair:
        """Both multiplied by a mask (N, N, N)."""
        return HalfPair(self.first * mask, self.second * mask, self.pixel_size)


def check_pair(pair: HalfPair, name: str = "The half-maps") -> None:
    """``InputError`` where two maps cannot be compared: of unlike or tiny boxes, not finite, or empty."""
    shapes = [half.shape for half in (pair.first, pair.second)]
    if shapes[0] != shapes[1] or len(set(shapes[0])) != 1 or len(shapes[0]) != 3:
        words = " and ".join(" x ".join(map(str, shape)) for shape in shapes)
        raise InputError(f"{name} have {words} voxels; give two cubes of the same box.")
    if pair.box < SMALLEST_BOX:
        raise InputError(f"{name} have a box of {pair.box} voxels, and a resolution needs {SMALLEST_BOX} at least.")
    if not (np.isfinite(pair.first).all() and np.isfinite(pair.second).all()):
        raise InputError(f"{name} hold values that are not numbers; reconstruct them again.")
    if not (pair.first.any() and pair.second.any()):
        raise InputError(f"{name}: one of them is empty; take particles for both halves.")

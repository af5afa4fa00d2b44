"""Two half-maps of rigid particles by weighted back-projection, and what they agree on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .backproject import BackProjector, soft_ball
from .fsc import THRESHOLD, fourier_shell_correlation, resolution, signal_share, weigh_shells


@dataclass(frozen=True)
class Reconstruction:
    """Maps ``(D, D, D)`` float32 [z, y, x] and what their halves agree on.

    first, second : of the halves of the particles, unfiltered. mean : of both, each shell weighted by the correlation
    to be expected with the true map. frequency : ``(D//2+1,)`` 1/Å. fsc : ``(D//2+1,)``; 1 at zero frequency.
    resolution : Å where the FSC falls below `THRESHOLD`; None where it is nowhere above.
    """

    first: np.ndarray
    second: np.ndarray
    mean: np.ndarray
    frequency: np.ndarray
    fsc: np.ndarray
    resolution: float | None


def reconstruct(sums: tuple[BackProjector, BackProjector], pixel_size: float) -> Reconstruction:
    """The maps of two halves' sums, and their FSC.

    No image shows what lies outside the sphere that fits the box: it is zero in all maps.
    """
    ball = soft_ball(sums[0].box, sums[0].box / 2 - 3)
    first, second = (half.map() * ball for half in sums)
    return of_halves(first, second, sums[0].merged(sums[1]).map() * ball, pixel_size)


def of_halves(first: np.ndarray, second: np.ndarray, both: np.ndarray, pixel_size: float) -> Reconstruction:
    """From half-maps and the map of all images, ``(D, D, D)`` each, unfiltered."""
    box, fsc = len(first), fourier_shell_correlation(first, second)
    fsc[0] = 1  # the mean density, of which prep has left nothing to compare
    frequency = np.arange(box // 2 + 1) / (box * pixel_size)
    mean = weigh_shells(both, np.sqrt(signal_share(fsc)))
    return Reconstruction(first, second, mean, frequency, fsc, resolution(frequency, fsc, THRESHOLD))

"""How wide a kernel about a state is best, at each place of the map and in each octave of frequency.

A wide kernel has many particles and little noise, but shows their mean; where nothing moves that is no fault. The
images of the nearest particles of one half of the data judge the maps of the other half's kernels: that map is best
which predicts them best (cross-validation by half-maps as in Gilles & Singer, PNAS 122, e2419140122, 2025, who compare
with the narrowest kernel's map in local windows). What a map V gains in log-likelihood over an empty one is
Re Σ V* F − ½ Σ W |V|² over Fourier space, with F the sum of those images times their transfer and W that of the squared
transfer. Written as a sum over voxels, in a window, it says of each place how good the map is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .backproject import BackProjector
from .frequency_bands import FrequencyBands
from .fsc import fourier_shell_correlation, fourier_shells, signal_share
from .kernel_shells import KernelShells

TARGET = 3  # nearest shells, whose images judge
WINDOW = 1 / 25  # of the box, the standard deviation of the window in which they do

Halves = tuple[BackProjector, BackProjector]


@dataclass(frozen=True, eq=False)
class KernelChoice:
    """The width that is best at each place.

    Attributes
    ----------
    which : ``(b, N, N, N)`` uint8 ``[z, y, x]``, in each band of frequency the number of a width; origin at index 0.
    gain : ``(b, w)`` nats that the whole map of each width gains over an empty one.
    """

    which: np.ndarray
    gain: np.ndarray


def kernel_sums(shells: KernelShells, sums: Sequence[Halves], width: float) -> Halves:
    """The two halves' sums of a kernel, from those of the shells."""
    weights = shells.weights(width)
    first, second = (BackProjector.weighted([halves[half] for halves in sums], weights) for half in (0, 1))
    return first, second


def choose_widths(shells: KernelShells, sums: Sequence[Halves]) -> KernelChoice:
    """Judge the kernel of each width by the nearest images, from the ``sums`` of each shell's two halves."""
    box = sums[0][0].box
    bands, judges = FrequencyBands(box), _judges(sums)
    best = np.full((len(bands), box, box, box), -np.inf, np.float32)
    which = np.zeros(best.shape, np.uint8)
    gain = np.zeros((len(bands), len(shells.widths)))
    for number, width in enumerate(shells.widths):
        own = _gain(bands, _filtered(kernel_sums(shells, sums, width)), judges)
        gain[:, number] = own.sum(axis=(1, 2, 3), dtype=float)
        for band, here in enumerate(_with_neighbours(own)):
            here = bands.smoothed(here, WINDOW * box)
            better = here > best[band]
            best[band][better], which[band][better] = here[better], number
    return KernelChoice(which, gain)


def _judges(sums: Sequence[Halves]) -> list[tuple[np.ndarray, np.ndarray]]:
    """(F, W) of the nearest images of each half."""
    nearest = sums[:TARGET]
    return [BackProjector.weighted([halves[half] for halves in nearest], [1] * len(nearest)).complete()
            for half in (0, 1)]  # fmt: skip


def _filtered(halves: Halves) -> tuple[np.ndarray, np.ndarray]:
    """Spectra of both halves' maps, each shell weighted by the signal's share of one half's power."""
    first, second = (half.spectrum() for half in halves)
    bands = FrequencyBands(halves[0].box)
    fsc = fourier_shell_correlation(bands.map(first), bands.map(second))
    fsc[0] = 1
    of_both = signal_share(fsc)
    share = of_both / (2 - of_both)  # s = 2 f / (1 + f) of the mean of two, f of one
    shell, _ = fourier_shells(halves[0].box)
    weight = share.astype(np.float32)[np.minimum(shell, len(share) - 1)]
    return first * weight, second * weight


def _gain(
    bands: FrequencyBands, spectra: tuple[np.ndarray, np.ndarray], judges: list[tuple[np.ndarray, np.ndarray]]
) -> np.ndarray:
    """Nats ``(b, N, N, N)`` that each voxel of the maps of ``spectra`` gains, each judged by the other half."""
    box = spectra[0].shape[0]
    total = np.zeros((len(bands), box, box, box), np.float32)
    for spectrum, (images, weight) in zip(spectra, reversed(judges), strict=True):
        # Σ_k conj(V) F over the whole space is N³ Σ_x v f; noise of variance 1 in pixels has power N² at each k
        maps, residuals = bands.split(spectrum), bands.split(images - weight * spectrum / 2)
        for band, (volume, residual) in enumerate(zip(maps, residuals, strict=True)):
            total[band] += box * volume * residual
    return total


def _with_neighbours(gain: np.ndarray) -> np.ndarray:
    """``(b, …)`` with each band's neighbours added: one band alone is noisy, and next octaves want like widths."""
    total = gain.copy()
    total[1:] += gain[:-1]
    total[:-1] += gain[1:]
    return total

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
from .kernel_shells import TEST_SHELLS, KernelShells

WINDOW = 1 / 25  # of the box, the standard deviation of the window in which they do
_PRICE = 1.0  # nats that a narrower kernel must gain in a window: noise alone gains as much (Akaike 1974)

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
    bands = FrequencyBands(box)
    tests = _test_maps(bands, sums)
    best = np.full((len(bands), box, box, box), -np.inf, np.float32)
    which = np.zeros(best.shape, np.uint8)
    gain = np.zeros((len(bands), len(shells.widths)))
    price = _PRICE / (4 * np.pi * (WINDOW * box) ** 2) ** 1.5  # per voxel; (4 π σ²)^(3/2) are in a Gaussian window
    for number in reversed(range(len(shells.widths))):
        own = _gain(bands, kernel_sums(shells, sums, shells.widths[number]), tests)
        gain[:, number] = own.sum(axis=(1, 2, 3), dtype=float)
        for band, here in enumerate(_with_neighbours(own)):
            here = bands.smoothed(here, WINDOW * box)
            better = here > best[band] + price
            best[band][better], which[band][better] = here[better], number
    return KernelChoice(which, gain)


@dataclass(frozen=True, eq=False)
class _TestMaps:
    """The nearest images: ``seen`` F of each half as maps of each band, and ``weight`` W of both."""

    seen: tuple[list[np.ndarray], list[np.ndarray]]
    weight: np.ndarray


def _test_maps(bands: FrequencyBands, sums: Sequence[Halves]) -> _TestMaps:
    first, second = (
        BackProjector.weighted(half, [1] * len(half)).complete() for half in zip(*sums[:TEST_SHELLS], strict=True)
    )
    return _TestMaps(([*bands.split(first[0])], [*bands.split(second[0])]), first[1] + second[1])


def _gain(bands: FrequencyBands, halves: Halves, tests: _TestMaps) -> np.ndarray:
    """Nats ``(b, N, N, N)`` that each voxel gains with the map of a kernel.

    What judges a map must not be in it, so that the first term is of each half's map and the other half's images. The
    second is of the map of all particles, which is the one that will be used: halves have twice its noise, and would
    want wider kernels than it does.
    """
    first, second, both = (sums.spectrum() for sums in (*halves, halves[0].merged(halves[1])))
    share = _signal(bands, first, second)
    first, second, both = first * share, second * share, both * share
    box = len(both)
    # Σ_k conj(V) F over the whole space is N³ Σ_x v f; noise of variance 1 in pixels has power N² at each k
    terms = zip(*map(bands.split, (first, second, both, tests.weight * both)), *tests.seen, strict=True)
    return np.stack([box * (v1 * f2 + v2 * f1 - v * w / 2) for v1, v2, v, w, f1, f2 in terms]).astype(np.float32)


def _signal(bands: FrequencyBands, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """``(N, N, N//2+1)``: the signal's share of the power of the mean of two halves' spectra, by shell."""
    fsc = fourier_shell_correlation(bands.map(first), bands.map(second))
    fsc[0] = 1
    shell, _ = fourier_shells(len(first))
    return signal_share(fsc).astype(np.float32)[np.minimum(shell, len(fsc) - 1)]


def _with_neighbours(gain: np.ndarray) -> np.ndarray:
    """``(b, …)`` with each band's neighbours added: one band alone is noisy, and next octaves want like widths."""
    total = gain.copy()
    total[1:] += gain[:-1]
    total[:-1] += gain[1:]
    return total

"""The map of a state from the images of the particles about it, each place by the kernel that is best there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .backproject import soft_ball, spreading
from .frequency_bands import FrequencyBands
from .fsc import THRESHOLD, fourier_shell_correlation, resolution, signal_share, weigh_shells
from .kernel_choice import WINDOW, Halves, KernelChoice, choose_widths, kernel_sums
from .kernel_shells import KernelShells
from .reconstruction import Reconstruction


@dataclass(frozen=True, eq=False)
class StateMap:
    """The map of one state.

    Attributes
    ----------
    maps : half-maps, map, and what the halves agree on. choice : of the kernels' widths. shells : the particles.
    width : ``(N, N, N)`` float32 ``[z, y, x]``, that of the kernel at each place, the mean of the bands of frequency.
    share : ``(w,)`` of the molecule's density that has each width.
    """

    maps: Reconstruction
    choice: KernelChoice
    shells: KernelShells
    width: np.ndarray
    share: np.ndarray

    @property
    def typical(self) -> tuple[float, float, float]:
        """Widths that a tenth, half and nine tenths of the molecule's density have at most."""
        inside = np.cumsum(self.share)
        low, middle, high = (self.shells.widths[np.searchsorted(inside, part)] for part in (0.1, 0.5, 0.9))
        return float(low), float(middle), float(high)


def state_map(shells: KernelShells, sums: Sequence[Halves], pixel_size: float) -> StateMap:
    """The map of the state about which the ``shells`` lie, from the ``sums`` of each shell's two halves."""
    choice = choose_widths(shells, sums)
    first, second, both = _composed(choice, shells, sums)
    box = len(first)
    fsc = fourier_shell_correlation(first, second)
    fsc[0] = 1  # the mean density, of which prep has left nothing to compare
    frequency = np.arange(box // 2 + 1) / (box * pixel_size)
    mean = weigh_shells(both, np.sqrt(signal_share(fsc)))
    maps = Reconstruction(first, second, mean, frequency, fsc, resolution(frequency, fsc, THRESHOLD))
    which = np.fft.fftshift(choice.which, axes=(1, 2, 3))
    density = np.maximum(mean, 0)
    widths = shells.widths.astype(np.float32)
    share = np.mean([np.bincount(band.ravel(), density.ravel(), len(widths)) for band in which], axis=0)
    return StateMap(maps, choice, shells, widths[which].mean(axis=0), share / max(share.sum(), 1e-30))


def _composed(choice: KernelChoice, shells: KernelShells, sums: Sequence[Halves]) -> tuple[np.ndarray, ...]:
    """Maps ``(N, N, N)`` float32 of half 1, half 2 and both, each place by its own kernel, with soft borders."""
    box = sums[0][0].box
    bands, total = FrequencyBands(box), np.zeros((3, box, box, box), np.float32)
    for number, width in enumerate(shells.widths):
        if not (choice.which == number).any():
            continue
        shares = [bands.smoothed((which == number).astype(np.float32), WINDOW * box / 2) for which in choice.which]
        first, second = kernel_sums(shells, sums, width)
        for volume, half in zip(total, (first, second, first.merged(second)), strict=True):
            for share, part in zip(shares, bands.split(half.spectrum()), strict=True):
                volume += share * part
    form = soft_ball(box, box / 2 - 3) / spreading(box).astype(np.float32)
    return tuple(np.fft.fftshift(volume) * form for volume in total)

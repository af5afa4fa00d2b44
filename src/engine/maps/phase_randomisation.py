"""What a mask alone makes two half-maps agree on (Chen et al. 2013, Ultramicroscopy 135, 24).

Beyond a shell the phases of both half-maps are replaced by random ones. Whatever correlation they then have inside a
mask is the mask's doing, and is taken off the masked correlation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .fsc import THRESHOLD, fourier_shell_correlation, fourier_shells, last_shell, resolution, spectrum_slabs
from .half_pair import HalfPair

RANDOM_FROM = 0.8  # of the unmasked FSC: phases are random from the shell where it first falls below (as in RELION)
_LOW = 3  # shells at low frequency that are never randomised: images without background may agree badly there
_SPARED = 2  # shells after that which are not corrected: there the true phases leak in


@dataclass(frozen=True, eq=False)
class MaskedFsc:
    """Correlations (s,) of two half-maps inside a mask.

    masked : as they are. randomised : with random phases beyond a shell. corrected : of the masked
    one what is not the mask's doing. resolution : Å where ``corrected`` falls below
    `fsc.THRESHOLD`; None where it is nowhere above.
    """

    masked: np.ndarray
    randomised: np.ndarray
    corrected: np.ndarray
    resolution: float | None


@dataclass(frozen=True, eq=False)
class RandomisedPair:
    """Half-maps whose phases are random from shell ``first_shell`` on, each with its own."""

    pair: HalfPair
    first_shell: int


def randomise_phases(pair: HalfPair, unmasked: np.ndarray, seed: int) -> RandomisedPair:
    """The pair with random phases from the shell where its ``unmasked`` FSC (s,) falls below `RANDOM_FROM`."""
    curve = np.concatenate([np.ones(_LOW), unmasked[_LOW:]])
    first_shell = min(last_shell(curve, RANDOM_FROM) + 1, len(unmasked) - 1)
    rng = np.random.default_rng((seed, 13))
    first, second = (_randomised(half, first_shell, rng) for half in (pair.first, pair.second))
    return RandomisedPair(HalfPair(first, second, pair.pixel_size), first_shell)


def _randomised(volume: np.ndarray, first_shell: int, rng: np.random.Generator) -> np.ndarray:
    """The map with its amplitudes, and from a shell on the phases of white noise, which are those of a real map."""
    from scipy import fft

    spectrum = fft.rfftn(volume.astype(np.float32))
    noise = fft.rfftn(rng.standard_normal(volume.shape, np.float32))
    for planes in spectrum_slabs(len(volume)):
        chosen = fourier_shells(len(volume), planes)[0] >= first_shell
        random = noise[planes][chosen]
        spectrum[planes][chosen] = np.abs(spectrum[planes][chosen]) * random / np.maximum(np.abs(random), 1e-20)
    del noise
    return fft.irfftn(spectrum, volume.shape, overwrite_x=True)


def masked_fsc(pair: HalfPair, randomised: RandomisedPair, mask: np.ndarray) -> MaskedFsc:
    """Correlations inside a soft mask (N, N, N): (masked − randomised) / (1 − randomised) beyond the random shell.

    Zero frequency counts as 1: no image says anything of the mean density.
    """
    masked, random = (_correlation(maps, mask) for maps in (pair, randomised.pair))
    corrected = masked.copy()
    beyond = slice(randomised.first_shell + _SPARED, None)
    floor = np.clip(random[beyond], 0, 0.999)
    corrected[beyond] = np.where(masked[beyond] < floor, 0, (masked[beyond] - floor) / (1 - floor))
    return MaskedFsc(masked, random, corrected, resolution(pair.frequency, corrected, THRESHOLD))


def _correlation(pair: HalfPair, mask: np.ndarray) -> np.ndarray:
    inside = pair.masked(mask)
    curve = fourier_shell_correlation(inside.first, inside.second)
    curve[0] = 1
    return curve

"""Sharpening of a map by a B-factor that is read from the decay of its signal (Rosenthal & Henderson 2003)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .fsc import shell_power, signal_share, weigh_shells
from .half_pair import HalfPair

LOWEST = 10.0  # Å, where the fit begins: coarser than that the decay is of the molecule's shape, not Wilson's
_FEWEST_SHELLS = 5  # that a line is fitted to
_FINEST = 0.92  # of the last shell, where the fit ends: beyond it interpolation and the images' edge damp the map
_NARROWEST = 0.005  # 1/Å² of the fit's range at least, that of 10 to 8.2 Å


@dataclass(frozen=True, eq=False)
class Guinier:
    """The logarithm of the signal's amplitude by squared frequency, and the line through it.

    square : (s,) 1/Å² of the shells. amplitude : (s,) ln of the signal's amplitude, NaN where there is none.
    b_factor : Å², negative: the map is multiplied by exp(−B s² / 4); None where no line was fitted. offset : of the
    line at zero frequency. fitted : (coarsest, finest) Å of its range. refusal : why no line was fitted, a sentence.
    """

    square: np.ndarray
    amplitude: np.ndarray
    b_factor: float | None
    offset: float
    fitted: tuple[float, float] | None
    refusal: str = ""


def fit_guinier(pair: HalfPair, mask: np.ndarray, corrected: np.ndarray, resolution: float | None) -> Guinier:
    """Fit the signal's decay between 10 Å and the ``resolution`` (Å) that the ``corrected`` FSC (s,) supports.

    The last 8 % of the shells are left out. The signal's amplitude is that of the masked mean of the half-maps times
    √(2 FSC / (1 + FSC)), as noise adds to the power of a shell. All shells count alike, as in RELION.
    """
    square = pair.frequency**2
    power = shell_power(pair.mean * mask) * signal_share(corrected)
    amplitude = np.full(len(power), np.nan)
    amplitude[power > 0] = np.log(power[power > 0]) / 2
    if resolution is None or resolution >= LOWEST:
        reached = "no resolution" if resolution is None else f"{resolution:.1f} Å"
        return _refused(square, amplitude, f"the map reaches {reached}, and a B-factor shows from {LOWEST:.0f} Å on")
    finest = min(1 / resolution, _FINEST * pair.frequency[-1]) * (1 + 1e-6)
    chosen = (pair.frequency >= 1 / LOWEST) & (pair.frequency <= finest) & np.isfinite(amplitude)
    shells = int(chosen.sum())
    if shells < _FEWEST_SHELLS or np.ptp(square[chosen]) < _NARROWEST:
        why = f"there are {shells} shells from {LOWEST:.0f} to {1 / finest:.1f} Å, too few for a line"
        return _refused(square, amplitude, why)
    slope, offset = np.polyfit(square[chosen], amplitude[chosen], 1)
    ends = 1 / pair.frequency[chosen]
    return Guinier(square, amplitude, float(4 * slope), float(offset), (float(ends[0]), float(ends[-1])))


def _refused(square: np.ndarray, amplitude: np.ndarray, why: str) -> Guinier:
    return Guinier(square, amplitude, None, float("nan"), None, f"No B-factor was fitted: {why}.")


def sharpen(pair: HalfPair, corrected: np.ndarray, b_factor: float) -> np.ndarray:
    """The mean of the half-maps (N, N, N), its shells weighted by √(2 FSC / (1 + FSC)) and sharpened by B (Å²)."""
    return weigh_shells(pair.mean, np.sqrt(signal_share(corrected)) * b_factor_weights(pair, b_factor))


def b_factor_weights(pair: HalfPair, b_factor: float) -> np.ndarray:
    """(s,) exp(−B s² / 4): what a B-factor (Å², negative sharpens) multiplies the shells by."""
    return np.exp(-b_factor / 4 * pair.frequency**2)

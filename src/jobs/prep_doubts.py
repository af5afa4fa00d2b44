"""What a poor agreement of the check comes from: contrast, hand, pixel size, poses."""

from __future__ import annotations

import numpy as np

from ..engine.backproject import fourier_shell_correlation
from ..particles.resample import resample_map
from .prep_check import Check, Halves, low_shells
from .prep_read import Consensus

_CLEARER = 0.15  # how much better another explanation must be to be named


def doubt(halves: Halves, check: Check, consensus: Consensus | None) -> str | None:
    """A sentence on what is wrong, or None."""
    if consensus is None:
        return _doubt_halves(check.halves, check.count)
    return _doubt_consensus(halves, check, consensus) or _doubt_pixel_size(halves, check, consensus)


def _doubt_halves(halves: np.ndarray, count: int) -> str | None:
    if low_shells(halves) >= 0.2 or count < 200:
        return None
    return (f"two halves of {count} images hardly agree (mean correlation of the low shells "
            f"{low_shells(halves):.2f}): are poses and CTF those of these images?")  # fmt: skip


def _doubt_pixel_size(halves: Halves, check: Check, consensus: Consensus) -> str | None:
    """A sentence when the consensus fits clearly better with another pixel size, over the shells that carry signal."""
    box, weak = check.density.shape[0], np.flatnonzero(check.halves[2:] < 0.3)
    last = max(4, weak[0] + 2 if len(weak) else len(check.halves))

    def score(scale: float) -> float:
        framed = resample_map(consensus.density, consensus.pixel_size * scale, box, halves.pixel_size)
        return float(np.mean(fourier_shell_correlation(check.density, framed * halves.mask)[2:last]))

    scores = {scale: score(scale) for scale in (0.9, 0.925, 0.95, 0.975, 1.0, 1.025, 1.05, 1.075, 1.1)}
    scale = max(scores, key=scores.__getitem__)
    if scores[scale] < max(scores[1.0] + 0.02, 0.2):
        return None
    return (f"the pixel size looks wrong: the consensus fits the images better with about "
            f"{consensus.pixel_size * scale:.3g} Å than with its {consensus.pixel_size:.4g} Å (mean correlation "
            f"{scores[scale]:.2f} instead of {scores[1.0]:.2f}).")  # fmt: skip


def _doubt_consensus(halves: Halves, check: Check, consensus: Consensus) -> str | None:
    """A sentence naming what explains a poor agreement best, or None where the agreement is good."""
    box = check.density.shape[0]

    def score(candidate: np.ndarray) -> float:
        return low_shells(fourier_shell_correlation(check.density, candidate * halves.mask))

    found = score(consensus.framed)
    others = {
        "contrast looks inverted: give contrast": -found,
        "the hand looks wrong (the mirrored map fits better): flip the map, or use poses of the same hand": score(
            np.roll(consensus.framed[::-1], 1 - box % 2, 0)
        ),
    }
    reason, best = max(others.items(), key=lambda item: item[1])
    if best > found + _CLEARER and best > 0.2:
        return f"back-projection and consensus agree poorly (mean correlation of the low shells {found:.2f}): {reason}."
    if found < 0.3:
        return (f"back-projection and consensus agree poorly (mean correlation of the low shells {found:.2f}): are the "
                "poses and the map from the same refinement?")  # fmt: skip
    return None

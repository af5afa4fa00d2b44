"""What a poor agreement of the check comes from: contrast, hand, pixel size, poses."""

from __future__ import annotations

import numpy as np

from ...engine.maps.back_projection_check import Check, Halves
from ...engine.maps.fsc import fourier_shell_correlation, low_shells
from ...errors import InputError
from ...mesh.map_files import radius_grid
from ...mesh.mask import cut_fraction
from ...particles.resample import resample_map
from .prep_ctf_doubts import doubt_ctf
from .prep_read import Consensus

_CLEARER = 0.15  # how much better another explanation must be to be named
_OUTSIDE, _COARSE = 0.1, 20.0  # share of the strong density that may be outside the disc; Å to which it is looked at
_FEWEST = 5  # particles in a half
_REFINEMENT = "from the same refinement"
_SCALES = (0.9, 0.92, 0.94, 0.96, 0.98, 1.0, 1.02, 1.04, 1.06, 1.08, 1.1)  # of the consensus' pixel size
_FINE = (-0.015, -0.01, -0.005, 0.0, 0.005, 0.01, 0.015)  # added to the best of them
_SAME, _BETTER = 0.0075, 0.005  # a scale that is none, and a correlation that is none better


def doubt(halves: Halves, check: Check, consensus: Consensus | None) -> str | None:
    """A sentence on what is wrong, or None."""
    if min(map(len, halves.rows)) < _FEWEST:
        return f"too few particles ({halves.count}) for the check to say anything."
    if consensus is None:
        return doubt_ctf(halves, check, None) or _doubt_halves(check.halves, check.count)
    poor = _doubt_consensus(halves, check, consensus)
    if poor is not None and _REFINEMENT not in poor:
        return poor
    return doubt_ctf(halves, check, consensus) or poor or _doubt_pixel_size(halves, check, consensus)


def doubt_radius(consensus: Consensus | None, radius: float, pixel_size: float) -> str | None:
    """A sentence where the disc of ``radius`` Å leaves much of the consensus outside, where noise is measured."""
    if consensus is None:
        return None
    disc = (radius_grid(len(consensus.framed)) * pixel_size <= radius).astype(np.float32)
    try:
        outside = cut_fraction(consensus.framed, disc, pixel_size, _COARSE)
    except InputError:
        return None  # what is molecule there cannot be told
    if outside < _OUTSIDE:
        return None
    return (f"{outside:.0%} of the consensus' strong density lies outside the disc of {radius:.0f} Å, where noise is "
            "measured: give a greater --radius, or a larger --crop.")  # fmt: skip


def _doubt_halves(halves: np.ndarray, count: int) -> str | None:
    if low_shells(halves) >= 0.2 or count < 200:
        return None
    return (f"two halves of {count} images hardly agree (mean correlation of the low shells "
            f"{low_shells(halves):.2f}): are poses and CTF those of these images, and do they "
            "show a particle?")  # fmt: skip


def _doubt_pixel_size(halves: Halves, check: Check, consensus: Consensus) -> str | None:
    """A sentence when the consensus fits clearly better with another pixel size, over the shells that carry signal."""
    box, weak = check.density.shape[0], np.flatnonzero(check.halves[2:] < 0.3)
    last = max(4, weak[0] + 2 if len(weak) else len(check.halves))

    def score(scale: float) -> float:
        framed = resample_map(consensus.density, consensus.pixel_size * scale, box, halves.pixel_size)
        return float(np.mean(fourier_shell_correlation(check.density, framed * halves.mask)[2:last]))

    coarse = max(_SCALES, key=score)
    scale = max((coarse + step for step in _FINE), key=score)
    best, now = score(scale), score(1.0)
    if abs(scale - 1) < _SAME or best < 0.2 or best - now < max(_BETTER, 0.25 * (1 - best)):
        return None
    return (f"the pixel size looks wrong: the consensus fits the images better with about "
            f"{consensus.pixel_size * scale:.4g} Å than with its {consensus.pixel_size:.4g} Å (mean correlation "
            f"{best:.3f} instead of {now:.3f}). If it is the map's that is wrong, give --pixel-size; if it is the "
            "particles', mend their file.")  # fmt: skip


def _doubt_consensus(halves: Halves, check: Check, consensus: Consensus) -> str | None:
    """A sentence naming what explains a poor agreement best, or None where the agreement is good."""
    box = check.density.shape[0]

    def score(candidate: np.ndarray) -> float:
        return low_shells(fourier_shell_correlation(check.density, candidate * halves.mask))

    level = score(consensus.framed)
    others = {
        "contrast looks inverted: leave --contrast out, or give the other one": -level,
        "the hand looks wrong (the mirrored map fits better): flip the map, or use poses of the same hand": score(
            np.roll(consensus.framed[::-1], 1 - box % 2, 0)
        ),
    }
    reason, best = max(others.items(), key=lambda item: item[1])
    if best > level + _CLEARER and best > 0.2:
        return f"back-projection and consensus agree poorly (mean correlation of the low shells {level:.2f}): {reason}."
    if level < 0.3:
        return (f"back-projection and consensus agree poorly (mean correlation of the low shells {level:.2f}): are the "
                f"poses and the map {_REFINEMENT}, and is the file's CTF theirs?")  # fmt: skip
    return None

"""Whether the images' CTF is the one that the file says: other states and other units of it are tried."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from ...engine.maps.back_projection_check import Check, Halves, back_project
from ...engine.maps.fsc import fourier_shell_correlation
from ...particles import ImageStack, Particles
from ...particles.ctf import ctf_rfft
from ...particles.particles import PHASE_FLIPPED, RECORDED
from ...particles.shells import fourier_radius
from .prep_read import Consensus

_MOST = 1000  # images that are tried with another CTF
_CLEARER, _CLEARER_HALVES = 0.08, 0.04  # how much better, in mean correlation, another CTF must be to be named
_SIGNAL, _SHELLS = 0.3, 8  # correlation of shells that tell something, and the fewest that are looked at
_LEAST = 0.15  # mean correlation of a CTF that is named
_OPPOSITE = -0.2  # correlation with the consensus of shells that show the opposite, and not nothing
_NEXT_TO_NOTHING = 0.15  # of a CTF
_DEFOCUS = {
    10.0: "the defocus looks ten times too small, as in nm: multiply it (_rlnDefocusU and _rlnDefocusV) by 10",
    1e4: "the defocus looks as if in µm: multiply it (_rlnDefocusU and _rlnDefocusV) by 10,000",
    0.1: "the defocus looks ten times too large: divide it (_rlnDefocusU and _rlnDefocusV) by 10",
    -1.0: "the defocus looks of the wrong sign (positive is underfocus): change the sign of _rlnDefocusU and "
    "_rlnDefocusV",
}
_FLIPPED = "the images look phase-flipped: give --ctf-state phase-flipped (or _rlnCtfDataArePhaseFlipped 1 in the file)"
_MULTIPLIED = (
    "the images look multiplied by their CTF: give --ctf-state multiplied (or _rlnCtfDataAreCtfPremultiplied 1 in the "
    "file)"
)
_NOT_FLIPPED = "the images do not look phase-flipped or multiplied by their CTF: give --ctf-state recorded"


@dataclass(frozen=True)
class _Trial:
    """How well one CTF explains the images: by the halves' agreement, and with the consensus, shell by shell."""

    halves: np.ndarray
    consensus: np.ndarray | None

    @property
    def curve(self) -> np.ndarray:
        """The better of the two."""
        return self.halves if self.consensus is None else self.consensus

    def score(self, last: int) -> float:
        """Mean correlation of the shells from 2 to ``last``; whether contrast is inverted does not matter."""
        return abs(float(np.mean(self.curve[2:last])))


def doubt_ctf(halves: Halves, check: Check, consensus: Consensus | None) -> str | None:
    """A sentence on the CTF, or None where it is the file's as far as can be told."""
    first, second = halves.rows
    some = replace(halves, rows=(first[: _MOST // 2], second[: _MOST // 2]))
    now = _try(some, some.prepared, consensus)
    trials = [(_try(some, particles, consensus), text) for particles, text in _others(some.prepared, consensus)]
    best_curve = np.max([np.abs(trial.curve) for trial in (now, *(trial for trial, _ in trials))], axis=0)
    weak = np.flatnonzero(best_curve[2:] < _SIGNAL)
    last = max(_SHELLS, weak[0] + 2 if len(weak) else len(best_curve))
    best, text = max(trials, key=lambda trial: trial[0].score(last))
    score, before = best.score(last), now.score(last)
    if score > max(_LEAST, before + (_CLEARER_HALVES if consensus is None else _CLEARER)):
        text = _MULTIPLIED if text == _FLIPPED and _noise_has_ctf(some) else text
        what = "consensus and images" if consensus is not None else "halves of the images"
        return (f"{what} agree better with another CTF than the file's (mean correlation {score:.2f} instead of "
                f"{before:.2f}): {text}.")  # fmt: skip
    return _opposite(check)


def _opposite(check: Check) -> str | None:
    """Name shells in a row that show the opposite of the consensus, though others agree with it."""
    if check.consensus is None:
        return None
    negative = (check.consensus < _OPPOSITE) & (np.arange(len(check.consensus)) >= 2)
    pairs = np.flatnonzero(negative[1:] & negative[:-1])
    if len(pairs) == 0 or check.consensus[2:].max() < _SIGNAL:
        return None
    first, last = pairs[0], np.flatnonzero(negative)[-1]
    return (f"the images show the opposite of the consensus at {1 / check.frequency[first]:.1f} to "
            f"{1 / check.frequency[last]:.1f} Å (correlation down to {check.consensus.min():.2f}), as a wrong CTF "
            "makes it: compare defocus, its unit, voltage, amplitude contrast and pixel size with the CTF estimation, "
            "and say with --ctf-state whether the images were phase-flipped or multiplied by their CTF.")  # fmt: skip


def _others(particles: Particles, consensus: Consensus | None) -> Iterator[tuple[Particles, str]]:
    """The particles with another CTF, and what is to be done where that one is right."""
    optics = particles.optics
    flipped = np.all(optics.ctf_state[np.unique(particles.group)] != RECORDED)
    state = RECORDED if flipped else PHASE_FLIPPED
    other = replace(optics, ctf_state=np.full(len(optics), state, np.int8))
    yield replace(particles, optics=other), _NOT_FLIPPED if flipped else _FLIPPED
    for factor, text in _DEFOCUS.items():
        if factor < 0 and consensus is None:
            continue  # nearly the same CTF times −1: halves agree as well
        defocus = particles.defocus * [factor, factor, 1.0]
        if np.abs(defocus[:, :2]).max() < 2e5:  # 20 µm: nobody defocuses more
            yield replace(particles, defocus=defocus), text


def _try(halves: Halves, particles: Particles, consensus: Consensus | None) -> _Trial:
    def transfer_of(rows: np.ndarray) -> np.ndarray:
        return ctf_rfft(particles, len(halves.mask), halves.pixel_size, rows)

    sums = [back_project(halves, rows, halves.filter, transfer_of=transfer_of) for rows in halves.rows]
    curve = fourier_shell_correlation(*(half.map() * halves.mask for half in sums))
    if consensus is None:
        return _Trial(curve, None)
    density = sums[0].merged(sums[1]).map() * halves.mask
    return _Trial(curve, fourier_shell_correlation(density, consensus.framed * halves.mask))


def _noise_has_ctf(halves: Halves) -> bool:
    """Whether the images have hardly any power where their CTF is next to nothing, as multiplying by it makes it.

    Recorded and phase-flipped images have their noise there.
    """
    prepared, box = halves.prepared, len(halves.mask)
    radius = fourier_radius(box)
    shell = np.rint(radius).astype(np.int64)
    fine = (shell >= box // 8) & (shell < box // 2)
    weak, all_of_them = np.zeros(2), np.zeros(2)  # (sum, count)
    for rows in halves.rows:
        some = rows[:200]
        powers = np.abs(np.fft.rfft2(ImageStack(prepared).read(some))) ** 2
        for power, ctf in zip(powers, np.abs(ctf_rfft(prepared, box, halves.pixel_size, some))):
            for total, chosen in ((weak, fine & (ctf < _NEXT_TO_NOTHING)), (all_of_them, fine)):
                total += power[chosen].sum(), chosen.sum()
    return bool(weak[1] > 0 and weak[0] / weak[1] < 0.35 * all_of_them[0] / all_of_them[1])

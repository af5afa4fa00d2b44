"""Why a map under motion may be worse than the rigid one: causes in the order of their evidence; reads no file.

Each cause has a number and the value from which it matters, and is as likely as the number is times that value. Where
two are alike, the order is that in which such maps usually go wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .motion_numbers import MotionNumbers
from .verdict import AGAINST, FOR, NOT_MEASURED, OPEN, Evidence, angstroms, judge_halves, judge_held_out, judge_null

SOFT_STRAIN = 0.15  # r.m.s. principal strain: a domain that bends at a hinge has some per cent
UNKNOWN_SHARE = 0.5  # of a latent's variance that its image leaves unknown
CUT_SHARE = 0.05  # of the density that lies outside the mask
JUNK_SHARE = 0.10  # of the images
HALVED = 5.34  # 2π² e² / d² = ln 2: where errors of e Å along each axis halve amplitudes, d = e √(2π² / ln 2)
LIKELY, UNLIKELY = "likely", "less likely"


@dataclass(frozen=True)
class MapNumbers:
    """What may explain a worse map; None is what has not been measured.

    Attributes
    ----------
    motion : of the model. resolution : Å, of the rigid map.
    strain : r.m.s. principal strain of the mesh's cells. rigidity : how strongly that was held back, 1 by default.
    particles : in the map. unknown : share of the latents' variance that the images leave unknown, 0 to 1.
    cut : share of the density outside the mesh's mask.
    pose_error : Å, of a point at the radius of gyration along each axis, as training found poses to be off.
    poses_corrected : whether the map was made with those errors taken out.
    junk : share of the images that are no particles.
    """

    motion: MotionNumbers
    resolution: float | None = None
    strain: float | None = None
    rigidity: float = 1.0
    particles: int | None = None
    unknown: float | None = None
    cut: float | None = None
    pose_error: float | None = None
    poses_corrected: bool = False
    junk: float | None = None


@dataclass(frozen=True)
class Cause:
    """One cause: `LIKELY`, `UNLIKELY` or `NOT_MEASURED`, with what speaks for that. ``strength`` from 1: likely."""

    name: str
    level: str
    strength: float
    sentence: str


def worse_map_causes(numbers: MapNumbers) -> tuple[Cause, ...]:
    """Why the map may be worse: the likely causes, the strongest first, then the others."""
    order = {LIKELY: 0, UNLIKELY: 1, NOT_MEASURED: 2}
    causes = [make(numbers) for make in _CAUSES]
    return tuple(sorted(causes, key=lambda cause: (order[cause.level], -cause.strength)))


def _over_fitted(numbers: MapNumbers) -> Cause:
    motion = numbers.motion
    tests = [judge_held_out(motion.held_out), judge_halves(motion.agreement, motion.labels), judge_null(motion.null)]
    measured = [test for test in tests if test.stance != NOT_MEASURED]
    if not measured:
        return _unknown("over-fitted motion", "flexrec diagnose null or train --halves tells.")
    strength = sum(_STRENGTH[test.stance] for test in measured) / len(measured)
    against: list[Evidence] = [test for test in measured if test.stance != FOR] or measured
    advice = " Fewer latent dimensions or a higher rigidity fit less noise." if strength >= 1 else ""
    return _cause("over-fitted motion", strength, " ".join(test.sentence for test in against) + advice)


_STRENGTH = {AGAINST: 3.0, OPEN: 0.8, FOR: 0.2}


def _too_soft(numbers: MapNumbers) -> Cause:
    name = "too soft a mesh"
    if numbers.strain is None:
        return _unknown(name, "The training has not kept the mesh's strain.")
    strength = numbers.strain / SOFT_STRAIN
    advice = f" Train again with a rigidity above {numbers.rigidity:g}." if strength >= 1 else ""
    return _cause(name, strength, f"The mesh's r.m.s. strain is {100 * numbers.strain:.1f} %; bending at a hinge has "
                  f"some per cent, {100 * SOFT_STRAIN:.0f} % and more tears density apart.{advice}")  # fmt: skip


def _too_few(numbers: MapNumbers) -> Cause:
    name = "too few particles, or too weak images"
    if numbers.unknown is None:
        return _unknown(name, "How well each image tells its latents is not known.")
    count = "" if numbers.particles is None else f" ({numbers.particles:,} particles)"
    advice = " More particles help; so do fewer latent dimensions." if numbers.unknown >= UNKNOWN_SHARE else ""
    return _cause(name, numbers.unknown / UNKNOWN_SHARE, f"The images leave {100 * numbers.unknown:.0f} % of the "
                  f"latents' variance unknown{count}; from {100 * UNKNOWN_SHARE:.0f} % on, particles are placed along "
                  f"the motion by chance more than by their image.{advice}")  # fmt: skip


def _mask_cuts(numbers: MapNumbers) -> Cause:
    name = "a mask that cuts density"
    if numbers.cut is None:
        return _unknown(name, "How much density lies outside the mesh's mask was not measured.")
    advice = " Make the mesh again with a lower mask threshold, or with a mask of your own." \
        if numbers.cut >= CUT_SHARE else ""
    return _cause(name, numbers.cut / CUT_SHARE, f"{100 * numbers.cut:.1f} % of the rigid map's density lies outside "
                  f"the mesh's mask and is left out of the map under motion.{advice}")  # fmt: skip


def _poses(numbers: MapNumbers) -> Cause:
    name = "errors of the poses"
    if numbers.pose_error is None or numbers.resolution is None:
        return _unknown(name, "The training has not looked for errors of the poses (--poses), or found none.")
    limit = HALVED * numbers.pose_error
    strength = limit / numbers.resolution * (0.5 if numbers.poses_corrected else 1.0)
    used = "they were taken out as far as the images tell them" if numbers.poses_corrected else "they are still there"
    advice = " Let the reconstruction use and refine the corrected poses." if strength >= 1 else ""
    return _cause(name, strength, f"Training found poses to be off by {angstroms(numbers.pose_error)} along each axis, "
                  f"which halves the amplitudes at {angstroms(limit)}; {used}.{advice}")  # fmt: skip


def _junk(numbers: MapNumbers) -> Cause:
    name = "images that are no particles"
    if numbers.junk is None:
        return _unknown(name, "The training has not looked for images that are no particles (--junk).")
    advice = " Leave the selection 'junk' out, and train again." if numbers.junk >= JUNK_SHARE else ""
    return _cause(name, numbers.junk / JUNK_SHARE,
                  f"{100 * numbers.junk:.1f} % of the images are no particles of this molecule, as far as the training "
                  f"could tell.{advice}")  # fmt: skip


_CAUSES: tuple[Callable[[MapNumbers], Cause], ...] = (_over_fitted, _too_soft, _too_few, _mask_cuts, _poses, _junk)


def _cause(name: str, strength: float, sentence: str) -> Cause:
    return Cause(name, LIKELY if strength >= 1 else UNLIKELY, strength, sentence)


def _unknown(name: str, sentence: str) -> Cause:
    return Cause(name, NOT_MEASURED, 0.0, sentence)

"""Is a motion real? From numbers to a level, a sentence and the evidence; nothing here reads a file.

Three tests can speak. Each has a threshold with a reason:

held-out gain: a gain on images that were not fitted is 0 for a motion made of noise, to within its standard error.
    Three errors above 0 happen once in 740 trainings of a rigid molecule; below two it is what noise gives.
halves: two models of independent halves find the same motion m only where it is in the images. With errors of their
    own, of mean square e² each, m² is the true motion's square plus e² and the difference's square d² is 2 e², so that
    the true motion's share of what is found is 1 − d² / 2 m². Below d = m that is more than half; above d = 1.2 m, less
    than a quarter.
null: the same training of a rigid molecule shows what fitting noise gives. Trainings of other noise give other gains,
    and by more than the standard error over the images: but k latents fitted to an image of nothing but noise gain
    k / 2 nats at most on average (half of a χ² of k degrees of freedom), so that two such trainings differ by no more.
    Beyond that by three errors is a motion; within half of that, and two errors, is noise. The test is blunt where
    each image says little of its latents; images that were held out then say more, and decide.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from .motion_numbers import Agreement, HeldOut, MotionNumbers, NullTest, is_number, part_label

SUPPORTED, NOT_BEYOND_NOISE = "supported", "not beyond noise"
UNDECIDED, NOT_MEASURED = "undecided", "not measured"
FOR, AGAINST, OPEN = "for", "against", "open"
SURE, DOUBTFUL = 3.0, 2.0  # standard errors
SAME, OTHER = 1.0, 1.2  # difference of the halves over the motion: more than half is shared, less than a quarter
NOISE = 0.5  # nats per image and latent that two trainings of noise may differ by


@dataclass(frozen=True)
class Evidence:
    """What one test says: `FOR` the motion, `AGAINST` it, `OPEN` where it decides nothing, `NOT_MEASURED`.

    Attributes
    ----------
    name : of the test. stance : as above. clause : for the verdict's sentence. sentence : by itself.
    """

    name: str
    stance: str
    clause: str
    sentence: str


@dataclass(frozen=True)
class Verdict:
    """``level`` is one of the four above; ``advice`` is what to do next, or empty."""

    level: str
    sentence: str
    evidence: tuple[Evidence, ...]
    advice: str = ""


def judge_motion(numbers: MotionNumbers) -> Verdict:
    """Whether a motion is supported by the images."""
    halves = judge_halves(numbers.agreement, numbers.labels)
    evidence = (judge_held_out(numbers.held_out), halves, judge_null(numbers.null))
    level = _level(evidence)
    clauses = [each.clause for each in evidence if each.stance != NOT_MEASURED and each.clause]
    reason = f": {', '.join(clauses)}" if clauses else ", for nothing has tested it yet"
    return Verdict(level, f"{motion_text(numbers)}, {level}{reason}.", evidence, _advice(level, evidence))


def motion_text(numbers: MotionNumbers) -> str:
    """How large the motion is, and where, in words."""
    if numbers.motion is None:
        return "Change of the map"
    if numbers.most is None:
        return f"Motion of {angstroms(numbers.motion)}"
    parts, size = numbers.most
    *first, last = map(str, parts)
    where = f"parts {', '.join(first)} and {last}" if first else f"part {last}"
    return f"Motion of {angstroms(size)} in {where} ({angstroms(numbers.motion)} over all of the molecule)"


def _level(evidence: tuple[Evidence, ...]) -> str:
    """Images that were held out decide, or where they do not, what a rigid molecule gives; halves may object."""
    held_out, halves, null = (each.stance for each in evidence)
    if {held_out, halves, null} == {NOT_MEASURED}:
        return NOT_MEASURED
    deciding = held_out if held_out in (FOR, AGAINST) else null
    if deciding == FOR:
        return UNDECIDED if halves == AGAINST else SUPPORTED
    if deciding == AGAINST:
        return UNDECIDED if null == FOR else NOT_BEYOND_NOISE
    return UNDECIDED


def _advice(level: str, evidence: tuple[Evidence, ...]) -> str:
    if level in (SUPPORTED, NOT_BEYOND_NOISE):
        return ""
    missing = {each.name for each in evidence if each.stance == NOT_MEASURED}
    tests = [text for name, text in _TESTS.items() if name in missing]
    if tests:
        return f"To know, run {' or '.join(tests)}."
    return ("The tests do not say the same, or are not sharp enough: more particles, fewer latent dimensions or a "
            "higher rigidity make them sharper.")  # fmt: skip


HELD_OUT, HALVES, NULL = "held-out images", "independent halves", "null test"
_TESTS = {HELD_OUT: "flexrec train --halves (a gain on images that were not fitted)",
          NULL: "flexrec diagnose null (what a rigid molecule gives)"}  # fmt: skip


def judge_held_out(held_out: HeldOut | None) -> Evidence:
    """What the gain on images that were not fitted says."""
    if held_out is None or not (is_number(held_out.gain) and is_number(held_out.error) and held_out.error > 0):
        return Evidence(HELD_OUT, NOT_MEASURED, "", "No images were held out, so no gain on such images is known.")
    gain, error = held_out.gain, held_out.error
    stance = FOR if gain > SURE * error else AGAINST if gain < DOUBTFUL * error else OPEN
    words = {FOR: "more than noise gives", AGAINST: "what noise gives", OPEN: "too little to be sure"}[stance]
    limit = f", up to {angstroms(held_out.resolution)}" if stance == FOR and is_number(held_out.resolution) else ""
    return Evidence(
        HELD_OUT, stance, f"held-out gain {with_error(gain, error)} nats per image",
        f"Images that were not fitted are explained {'better' if gain >= 0 else 'worse'} by "
        f"{with_error(abs(gain), error)} nats each than by the rigid map{limit}: {words} ({gain / error:.1f} standard "
        "errors).",
    )  # fmt: skip


def judge_halves(agreement: Agreement | None, labels: tuple[int, ...] = ()) -> Evidence:
    """What the agreement of two models of independent halves says, in the part that moves most, by its label."""
    if agreement is None or not is_number(agreement.difference) or not agreement.motion > 0:
        return Evidence(HALVES, NOT_MEASURED, "", "No two models of independent halves are there to be compared.")
    place = max(range(len(agreement.parts)), key=lambda i: agreement.parts[i][1], default=None)
    difference, motion = (agreement.difference, agreement.motion) if place is None else agreement.parts[place]
    where = "" if place is None or len(agreement.parts) < 2 else f" in part {part_label(place, labels)}"
    ratio = difference / motion if motion > 0 else math.inf
    stance = FOR if ratio < SAME else AGAINST if ratio > OTHER else OPEN
    words = {FOR: "they found the same motion", AGAINST: "they did not find the same motion",
             OPEN: "about half of what they found is the same"}[stance]  # fmt: skip
    verb = "disagree by" if stance == AGAINST else "agree to"
    return Evidence(
        HALVES, stance, f"halves {verb} {angstroms(difference)}",
        f"Two models of independent halves of the particles differ by {angstroms(difference)}{where}; the motion "
        f"there, each state laid as a whole, is {angstroms(motion)}: {words}.",
    )  # fmt: skip


def judge_null(null: NullTest | None) -> Evidence:
    """What the same training of a rigid molecule says."""
    if null is None or not all(map(is_number, (*vars(null.real).values(), *vars(null.rigid).values()))):
        return Evidence(NULL, NOT_MEASURED, "", "No rigid molecule was trained in the same way, so what fitting noise "
                        "gives is not known.")  # fmt: skip
    real, rigid = null.real, null.rigid
    beyond, error = real.gain - rigid.gain, math.hypot(real.error, rigid.error)
    noise = NOISE * null.latent_dims
    stance = FOR if beyond > noise + SURE * error else AGAINST if beyond < noise / 2 + DOUBTFUL * error else OPEN
    words = {FOR: "the motion is more than fitting noise gives", AGAINST: "that is what fitting noise gives",
             OPEN: "that is a little more than fitting noise gives, and not enough to be sure"}[stance]
    both = (f"{with_error(real.gain, real.error)} nats per image and {angstroms(real.motion)} of motion where a rigid "
            f"molecule gives {with_error(rigid.gain, rigid.error)} nats and {angstroms(rigid.motion)}")  # fmt: skip
    return Evidence(NULL, stance, both, f"The images give {both}: {words}.")


def angstroms(value: float | None) -> str:
    """``6.0 Å``; two digits that mean something."""
    if value is None or not math.isfinite(value):
        return "an unknown number of Å"
    return f"{value:.1f} Å" if abs(value) >= 0.95 else f"{value:.2f} Å"


def with_error(value: float, error: float) -> str:
    """``31 ± 2``: as many digits as the error has one that means something."""
    if not error > 0 or not math.isfinite(error):
        return f"{value:.3g}"
    digits = max(0, -math.floor(math.log10(error)))
    if round(error, digits) >= 10**-digits * 10:
        digits = max(0, digits - 1)
    return f"{value:.{digits}f} ± {error:.{digits}f}"

"""The report of a null test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...errors import InputError
from ...explore.motion_numbers import NullTest
from ...explore.verdict import AGAINST, FOR, NOT_BEYOND_NOISE, SUPPORTED, UNDECIDED, angstroms, judge_null, with_error
from ...figures.report_page import Grid, Page, Picture, Section
from ..part_labels import labels_of_training
from . import report_texts as texts
from .finding import BAD, DOUBTFUL, GOOD, Finding
from .report_records import NULL, null_test, number, read_values

NULL_TEST = "null"  # its name among the tests
_LEVELS = {FOR: SUPPORTED, AGAINST: NOT_BEYOND_NOISE}
_VERDICTS = {FOR: GOOD, AGAINST: BAD}


def null_finding(folder: Path) -> Finding | None:
    """What a null test in a diagnose job's folder says, as one test of several; None where there is none."""
    record, null = read_values(folder / NULL), null_test(folder)
    if null is None:
        return None
    evidence = judge_null(null)
    rows = (("gain on fitted images, real and rigid (nats per image)",
             ", ".join(with_error(each.gain, each.error) for each in _pair(null))),
            ("motion, real and rigid", ", ".join(angstroms(each.motion) for each in _pair(null))))  # fmt: skip
    sentence = f"{record.get('sentence', '')} {evidence.sentence.rpartition(': ')[2].capitalize()}"
    return Finding(NULL_TEST, _VERDICTS.get(evidence.stance, DOUBTFUL), sentence, texts.NULL[1], rows,
                   (("null.png", ""),), {}, str(record.get("model", "")))  # fmt: skip


def null_page(folder: Path) -> Page:
    """The page of a diagnose job that has made a null test; ``InputError`` where it has not."""
    record, null = read_values(folder / NULL), null_test(folder)
    if null is None:
        raise InputError(f"{folder}: has no {NULL} yet; wait until the job is done, or resume it.")
    evidence = judge_null(null)
    model = Path(str(record.get("model", ""))).name
    rows = [("gain on fitted images (nats per image)", *(with_error(each.gain, each.error) for each in _pair(null))),
            ("motion of an image's state, r.m.s.", *(angstroms(each.motion) for each in _pair(null))),
            *_parts(folder, record), *_information(record), *_held_out(record)]  # fmt: skip
    picture = folder / "null.png"
    return Page(
        f"FlexRec: null test {folder.name} of {model}, project {folder.absolute().parent.name}",
        _LEVELS.get(evidence.stance, UNDECIDED),
        f"{record.get('sentence', '')} {evidence.sentence.rpartition(': ')[2].capitalize()}",
        (
            Section("Side by side", (), Grid(("", "the real images", "a rigid molecule"), tuple(rows))),
            Section("Pictures", (), None, (Picture(picture),) if picture.is_file() else ()),
            Section("How the numbers were made", (), Grid(("number", "how it was made"),
                    (texts.NULL, texts.FITTED_GAIN, texts.MOTION))),
        ),
    )  # fmt: skip


def _pair(null: NullTest) -> tuple[Any, Any]:
    return null.real, null.rigid


def _of_real_and_rigid(record: dict[str, Any], name: str) -> list[list[float]]:
    sides = (record.get(side) for side in ("real", "rigid"))
    return [each[name] if isinstance(each, dict) and isinstance(each.get(name), list) else [] for each in sides]


def _parts(folder: Path, record: dict[str, Any]) -> list[tuple[str, str, str]]:
    parts = list(zip(*_of_real_and_rigid(record, "parts")))
    if len(parts) < 2:
        return []
    labels = labels_of_training(folder / str(record.get("model", "")), len(parts))
    return [(f"motion of part {label}", angstroms(real), angstroms(rigid)) for label, (real, rigid)
            in zip(labels, parts)]  # fmt: skip


def _information(record: dict[str, Any]) -> list[tuple[str, str, str]]:
    sides = [", ".join(f"{value:.2g}" for value in values[:6]) for values in _of_real_and_rigid(record, "information")]
    return [("signal over noise of the leading motions", sides[0], sides[1])] if all(sides) else []


def _held_out(record: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Where both trainings have held images out."""
    both = []
    for side in ("real", "rigid"):
        halves = (record.get(side) or {}).get("halves")
        gain, error = (number(halves, name) if isinstance(halves, dict) else None
                       for name in ("held_out_gain", "held_out_gain_error"))  # fmt: skip
        both.append(None if gain is None or error is None else with_error(gain, error))
    return [("held-out gain (nats per image)", both[0], both[1])] if both[0] and both[1] else []

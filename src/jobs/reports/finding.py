"""What a test of a trained model has found: a verdict, a sentence, its numbers and its pictures, in a file each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..record import write_json
from .report_records import read_values

GOOD, DOUBTFUL, BAD, LEFT_OUT = "good", "doubtful", "bad", "not measured"
LEVELS = (BAD, DOUBTFUL, GOOD, LEFT_OUT)  # as they matter


@dataclass(frozen=True)
class Finding:
    """What one test says.

    Attributes
    ----------
    test : its name. level : `GOOD`, `DOUBTFUL`, `BAD` or `LEFT_OUT`. sentence : what it found, with its numbers.
    reading : how to read the numbers and the pictures. rows : names of numbers, and the numbers as text.
    pictures : names of files in the job's folder, and the sentences below them.
    numbers : the same numbers for programs.
    model : the training's folder, as seen from the job's.
    """

    test: str
    level: str
    sentence: str
    reading: str = ""
    rows: tuple[tuple[str, str], ...] = ()
    pictures: tuple[tuple[str, str], ...] = ()
    numbers: dict[str, Any] = field(default_factory=dict)
    model: str = ""


def finding_file(folder: Path, test: str) -> Path:
    """Where a test's finding is kept."""
    return folder / f"{test}.json"


def write_finding(folder: Path, finding: Finding) -> None:
    """Keep it in a job's folder."""
    record = {name: getattr(finding, name) for name in finding.__dataclass_fields__ if name != "numbers"}
    write_json(finding_file(folder, finding.test), {**record, "numbers": finding.numbers})


def read_finding(folder: Path, test: str) -> Finding | None:
    """What a test has kept; None where it has not been made, or its file is damaged."""
    record = read_values(finding_file(folder, test))
    if not isinstance(record.get("sentence"), str) or record.get("level") not in LEVELS:
        return None
    numbers = record.get("numbers")
    return Finding(test, record["level"], record["sentence"], str(record.get("reading", "")),
                   _pairs(record.get("rows")), _pairs(record.get("pictures")),
                   numbers if isinstance(numbers, dict) else {}, str(record.get("model", "")))  # fmt: skip


def _pairs(values: Any) -> tuple[tuple[str, str], ...]:
    if not isinstance(values, list):
        return ()
    return tuple((str(each[0]), str(each[1])) for each in values if isinstance(each, list) and len(each) == 2)


def worst(levels: Iterable[str]) -> str:
    """The level that matters most."""
    known = [level for level in levels if level in LEVELS]
    return min(known, key=LEVELS.index) if known else LEFT_OUT

"""The report of a diagnose job: a verdict of each test on top, then each with its numbers, pictures and reading."""

from __future__ import annotations

from pathlib import Path

from ...errors import InputError
from ...figures.report_page import Grid, Page, Picture, Section
from .finding import BAD, DOUBTFUL, GOOD, LEFT_OUT, LEVELS, Finding, read_finding, worst
from .null_report import NULL_TEST, null_finding, null_page

_SUMMARY = {BAD: "Something is wrong with this training", DOUBTFUL: "Some of this training is doubtful",
            GOOD: "No test finds anything wrong with this training", LEFT_OUT: "Nothing could be tested"}  # fmt: skip
# causes before what follows from them: junk and wrong poses make parts seem to fade, strain the mesh, pile latents up
_CAUSES_FIRST = ("junk", "motion", "halves", NULL_TEST, "strain")


def finding_in(folder: Path, test: str) -> Finding | None:
    """What a diagnose job has found by a test; None where it has not made it."""
    finding = read_finding(folder, test)
    return null_finding(folder) if finding is None and test == NULL_TEST else finding


def diagnose_page(folder: Path) -> Page:
    """The page of a diagnose job; ``InputError`` where no test is done yet."""
    names = sorted(path.stem for path in folder.glob("*.json"))
    findings = [finding for finding in (finding_in(folder, name) for name in names) if finding is not None]
    findings.sort(key=lambda finding: (LEVELS.index(finding.level), _place(finding)))  # what matters most comes first
    if not findings:
        raise InputError(f"{folder}: no test is done yet; wait until one is, or resume the job.")
    if [finding.test for finding in findings] == [NULL_TEST]:
        return null_page(folder)
    level = worst(finding.level for finding in findings if finding.level != LEFT_OUT)
    model = next((Path(finding.model).name for finding in findings if finding.model), "")
    table = Grid(("test", "verdict", "what it found"),
                 tuple((finding.test, finding.level, finding.sentence) for finding in findings))  # fmt: skip
    return Page(
        f"FlexRec: tests {folder.name} of {model}, project {folder.absolute().parent.name}",
        level,
        f"{_SUMMARY[level]}{_named(findings, level)}.{_cause(findings, level)}",
        (Section("The tests", (), table),
         *(_section(folder, finding) for finding in findings if finding.level != LEFT_OUT)),
    )  # fmt: skip


def _named(findings: list[Finding], level: str) -> str:
    names = [finding.test for finding in findings if finding.level == level]
    return f": {', '.join(names)}" if level in (BAD, DOUBTFUL) else ""


def _place(finding: Finding) -> int:
    return _CAUSES_FIRST.index(finding.test) if finding.test in _CAUSES_FIRST else len(_CAUSES_FIRST)


def _cause(findings: list[Finding], level: str) -> str:
    """The likely cause: what the first of the tests says that speak against the training."""
    return f" First of all: {findings[0].sentence}" if level in (BAD, DOUBTFUL) else ""


def _section(folder: Path, finding: Finding) -> Section:
    pictures = tuple(Picture(folder / name, caption) for name, caption in finding.pictures if (folder / name).is_file())
    rows = tuple(finding.rows)
    grid = Grid(("number", "value"), rows) if rows else None
    texts = tuple(filter(None, (finding.sentence, finding.reading)))
    return Section(f"{finding.test}: {finding.level}", texts, grid, pictures)

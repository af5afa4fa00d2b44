"""A report as data: what its HTML and its PDF both show. Texts are plain; what writes them escapes them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Picture:
    """A PNG file, or a GIF (which a PDF leaves out), and the sentence below it."""

    path: Path
    caption: str = ""


@dataclass(frozen=True)
class Grid:
    """A table: ``headings`` and ``rows`` of as many texts."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Section:
    """A heading with paragraphs, a table and pictures below it, in this order."""

    title: str
    paragraphs: tuple[str, ...] = ()
    grid: Grid | None = None
    pictures: tuple[Picture, ...] = ()


@dataclass(frozen=True)
class Page:
    """A report: ``level`` is a word for how sure ``sentence`` is, ``notes`` what a reader must know before all else."""

    title: str
    level: str
    sentence: str
    sections: tuple[Section, ...]
    notes: tuple[str, ...] = ()


# of a word for how sure a sentence is: background and text, 7:1 or more apart
LEVEL_COLOURS = {
    "supported": ("#d7f0dc", "#0b4a1e"),
    "not beyond noise": ("#fbdcd9", "#7a1209"),
    "undecided": ("#fdf0cc", "#5c4300"),
    "good": ("#d7f0dc", "#0b4a1e"),
    "bad": ("#fbdcd9", "#7a1209"),
    "doubtful": ("#fdf0cc", "#5c4300"),
    "not measured": ("#e6e6e6", "#333333"),
}
OTHER_LEVEL = ("#dfeaf7", "#123a66")


def level_colours(level: str) -> tuple[str, str]:
    """Background and text colour of a level."""
    return LEVEL_COLOURS.get(level, OTHER_LEVEL)

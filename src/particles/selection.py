"""A selection of particles: named, coloured, combined, kept in the project."""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..atomic import atomic_path
from ..errors import InputError

FOLDER = "selections"
# Okabe & Ito: told apart by the colour-blind too; the blues last, for particles are blue where nothing colours them
COLOURS = ("#e69f00", "#009e73", "#cc79a7", "#f0e442", "#d55e00", "#0072b2", "#56b4e9")
_JOINS: dict[str, Callable] = {"and": np.intersect1d, "or": np.union1d, "not": np.setdiff1d}
_FORMAT, _VERSION = "flexrec-selection", 1
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 _.+-]{0,62}[A-Za-z0-9_.+-])?")
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")


@dataclass(frozen=True, eq=False)
class Selection:
    """Some of the particles of one prep job.

    Attributes
    ----------
    name : letters, digits, blanks and _ . + -. rows : ``(m,)`` int64, sorted, each once, from 0.
    count : of all particles. particles : their `particles_identity`, empty where it is not known.
    colour : ``#rrggbb``. made : how, in words.
    """

    name: str
    rows: np.ndarray
    count: int
    particles: str = ""
    colour: str = COLOURS[0]
    made: str = ""

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def mask(self) -> np.ndarray:
        """``(count,)`` bool."""
        mask = np.zeros(self.count, bool)
        mask[self.rows] = True
        return mask

    def is_of(self, count: int, particles: str) -> bool:
        """Whether it can be of these particles; what is not known of either speaks for it."""
        return self.count == count and (not self.particles or not particles or self.particles == particles)


def make_selection(
    name: str, chosen: np.ndarray, count: int, particles: str = "", colour: str = COLOURS[0], made: str = ""
) -> Selection:
    """A selection of ``chosen``: a mask ``(count,)`` or rows in any order. ``InputError`` where something is amiss."""
    if not _NAME.fullmatch(name):
        raise InputError(f"{name!r} cannot be a selection's name; use up to 64 letters, digits, blanks and _ . + -.")
    if not _COLOUR.fullmatch(colour):
        raise InputError(f"{colour!r} is no colour; give it as #rrggbb, such as #e69f00.")
    chosen = np.asarray(chosen)
    rows = np.flatnonzero(chosen) if chosen.dtype == bool else _sorted(chosen.astype(np.int64))
    if (chosen.dtype == bool and len(chosen) != count) or (len(rows) and not 0 <= rows[0] <= rows[-1] < count):
        raise InputError(f"Selection {name!r} names rows that are not among the {count} particles; count from 0.")
    return Selection(name, rows, count, particles, colour.lower(), made)


def _sorted(rows: np.ndarray) -> np.ndarray:
    """Each row once, in order; half a million that are so already are not sorted again."""
    return rows if (rows[1:] > rows[:-1]).all() else np.unique(rows)


def combined(first: Selection, how: str, second: Selection) -> Selection:
    """``first`` and ``second``, or either, or the first without the second: ``how`` is "and", "or" or "not".

    Name and colour are those of the first.
    """
    if not first.is_of(second.count, second.particles):
        raise InputError(f"Selections {first.name!r} and {second.name!r} are of different particles; combine those of "
                         "one prep job.")  # fmt: skip
    join: Callable[[np.ndarray, np.ndarray], np.ndarray] = _JOINS[how]
    made = f"({first.made or first.name}) {'and not' if how == 'not' else how} {second.name}"
    return replace(first, rows=join(first.rows, second.rows), made=made)


def inverted(selection: Selection) -> Selection:
    """All the other particles, under the same name."""
    return replace(selection, rows=np.flatnonzero(~selection.mask), made=f"not ({selection.made or selection.name})")


def save_selection(project: Path, selection: Selection) -> Path:
    """Write ``selections/NAME.npz`` in the project, in place of one of the same name; returns its path."""
    folder = project / FOLDER
    folder.mkdir(exist_ok=True)
    path = folder / f"{selection.name}.npz"
    # four bytes a row and no compression, which takes longer than everything else about a lasso
    rows = selection.rows.astype(np.int32) if selection.count < 1 << 31 else selection.rows
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        np.savez(
            file, format=_FORMAT, version=_VERSION, name=selection.name, rows=rows, count=selection.count,
            particles=selection.particles, colour=selection.colour, made=selection.made,
        )  # fmt: skip
    return path


def load_selection(project: Path, name: str) -> Selection:
    """The selection of that name in a project; ``InputError`` where there is none, or its file is damaged."""
    path = project / FOLDER / f"{name}.npz"
    if not _NAME.fullmatch(name) or not path.is_file():
        known = ", ".join(selection_names(project)) or "none yet"
        raise InputError(f"There is no selection {name!r} in {project}; it has {known}.")
    return _read(path, name)


def _read(path: Path, name: str) -> Selection:
    try:
        with np.load(path, allow_pickle=False) as file:
            if str(file["format"]) != _FORMAT or int(file["version"]) != _VERSION:
                raise ValueError("another format or version")
            rows, count = np.asarray(file["rows"]), int(file["count"])
            about = [str(file[word]) for word in ("particles", "colour", "made")]
    except (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: not a selection FlexRec can read ({error}); make it again.") from error
    if rows.ndim != 1 or rows.dtype.kind != "i" or count < 1:
        raise InputError(f"{path}: not a selection FlexRec can read (rows are no list of numbers); make it again.")
    return make_selection(name, rows, count, *about)


def selection_names(project: Path) -> Sequence[str]:
    """Names of the selections of a project, in alphabetical order."""
    files = (project / FOLDER).glob("*.npz") if (project / FOLDER).is_dir() else ()
    return sorted(path.stem for path in files if _NAME.fullmatch(path.stem))


def remove_selection(project: Path, name: str) -> None:
    """Delete a selection, and the outline it was drawn with; ``InputError`` where there is none of that name."""
    load_selection(project, name)
    os.unlink(project / FOLDER / f"{name}.npz")
    outline_path(project, name).unlink(missing_ok=True)


def outline_path(project: Path, name: str) -> Path:
    """Where the outline of a lasso is kept beside its selection."""
    return project / FOLDER / f"{name}.lasso.csv"


def next_colour(project: Path) -> str:
    """A colour that the project's selections have used least."""
    return COLOURS[len(selection_names(project)) % len(COLOURS)]

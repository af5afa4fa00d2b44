"""What leaves FlexRec of a selection: its rows of the particle file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..particles import Particles
from ..particles.prepared import STAR
from ..particles.selection import Selection
from ..particles.stack_paths import is_file
from ..particles.star_words import split_words
from ..particles.subset import save_anew, save_rows
from ..particles.symmetry import COPY
from .selection_state import check_particles
from .trained_model import Trained


def save_particles(trained: Trained, selection: Selection, file: Path) -> str:
    """Write a selection's rows of the particle file that prep was given: see `particles.subset.save_rows`.

    Where that file is gone, a .star is written of prep's own particles, and a list of numbers all the same. Copies that
    prep has made of particles are rows of their own, with the poses of the copies. Returns what is to be said of the
    file, or nothing.
    """
    check_particles(trained, selection)
    _refuse_own(trained, file)
    rows, kind = trained.source_rows(selection.rows), Path(file).suffix.lower()
    copied = COPY in trained.particles.columns
    if kind not in (".star", ".cs"):
        save_rows(None, np.unique(rows) if copied else rows, file)
        return ""
    if copied and kind == ".cs":
        raise InputError(f"{file}: the particles were expanded by symmetry, and copies with poses of their own are "
                         "written as .star alone, which cryoSPARC imports; write one.")  # fmt: skip
    try:
        source = trained.source
    except InputError:
        if kind == ".cs":
            raise InputError(f"{file}: a .cs is written from the particle file, and {trained.recorded_source} is no "
                             "longer there; write a .star, which cryoSPARC imports, or a list of numbers."
                             ) from None  # fmt: skip
        save_anew(trained.particles, selection.rows, file)
    else:
        if trained.model.origin is not None and kind == ".star":
            save_anew(trained.particles, selection.rows, file)  # with the poses and the CTF that it was trained with
        elif copied:
            save_anew(_copies(trained, selection.rows), np.arange(len(rows)), file)
        else:
            save_rows(source, rows, file)
    return note_on(trained, file)


def _refuse_own(trained: Trained, file: Path) -> None:
    """``InputError`` where a selection would take the place of all the particles that it was chosen from."""
    for own in (trained.particles.source, trained.recorded_source):
        if own is not None and Path(own).exists() and file.exists() and file.samefile(own):
            raise InputError(f"{file}: holds all the particles that the selection was chosen from, and would be lost; "
                             "choose another name.")  # fmt: skip


def _copies(trained: Trained, rows: np.ndarray) -> Particles:
    """The source's particles with the poses of prep's ``rows`` ``(m,)``, and the number of the copy."""
    source, own = trained.source_particles.take(trained.source_rows(rows)), trained.particles
    columns = source.columns | {COPY: np.asarray(own.columns[COPY])[rows]}
    return replace(source, rotation=own.rotation[rows], columns=columns)


def can_save_cs(trained: Trained) -> bool:
    """Whether particles can be written as .cs: only those of a .cs that is still there, each once."""
    try:
        return trained.source.suffix == ".cs" and COPY not in trained.particles.columns
    except InputError:
        return False


def note_on(trained: Trained, file: Path) -> str:
    """What is to be said of particles written to a file, or nothing.

    That they are prep's own; of a .cs's particles in a .star, that they are dark, and that RELION refuses .mrc stacks.
    """
    if Path(file).suffix.lower() != ".star":
        return ""
    try:
        source = trained.source
    except InputError:
        return "" if trained.model.origin is not None else _preps_own(trained)
    if source.suffix != ".cs":
        return ""
    notes = []
    if trained.dark:
        notes.append(f"protein is dark in these images, as {source.name} says and no .star can: invert them for "
                     "RELION, which takes it as white, and give cryoSPARC the sign when it imports them")  # fmt: skip
    if _names_mrc(file):
        notes.append("the stacks are named .mrc, which RELION takes for maps: for it, link them under names in .mrcs")
    return "; ".join(notes)


def _names_mrc(file: Path) -> bool:
    """Whether the first particle of a .star is in a stack named so."""
    if not is_file(file):
        return False
    with open(file, "rb") as lines:
        first = next((line for line in lines if b"@" in line), b"")
    return any(b"@" in word and word.endswith(b".mrc") for word in split_words(first))


def _preps_own(trained: Trained) -> str:
    prep, optics = trained.prepared, trained.particles.optics
    lost = "" if any(is_file(stack) for stack in trained.particles.stacks) else ", which are not here either"
    return (f"they are those of {prep.name}/{STAR}, as the file that prep was given is gone: images of "
            f"{optics.box[0]} pixels of {optics.pixel_size[0]:.4g} Å{lost}")  # fmt: skip

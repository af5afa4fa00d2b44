"""Some rows of a particle file as a file of the same kind: what a selection is exported as."""

from __future__ import annotations

import os
import pickle
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..atomic import atomic_path
from ..errors import InputError
from .columns import objects, texts_of
from .cryosparc import load_whole_cs
from .particles import Particles
from .read import read_particles
from .stack_paths import StackPaths, folders_of, is_file, split_name
from .star import particle_table_name
from .star_table import StarTable, read_parts, read_tables
from .write import write_star, write_tables

_BODY = re.compile("images_body_[0-9]+")  # of a multi-body refinement: row by row with the particles
INDEX_SUFFIXES = (".txt", ".npy", ".npz", ".pkl")


def save_rows(source: Path | None, rows: np.ndarray, target: str | os.PathLike[str]) -> None:
    """Write rows ``(m,)``, from 0 and in this order, of the particle file ``source`` to ``target``; None will do
    for a list.

    ``target`` is a .star or .cs, or a list of the row numbers: .txt (one a line), .npy (int64), .npz (array ``ind``) or
    .pkl (the int64 array alone, as cryoDRGN's ``--ind`` reads it).
    STAR rows keep every word letter by letter, and all other tables come with them, those of a multi-body refinement's
    bodies with the same rows; only where the stacks are not found
    from the target's folder as they are from the file's are they named by their absolute paths. .cs rows keep all
    fields; a .cs becomes a .star with every column. ``InputError`` where the kinds do not go together. The file appears
    whole or not at all.
    """
    target, rows = Path(target), np.asarray(rows, np.int64)
    _check_target(target, rows)
    kind = target.suffix.lower()
    if kind in INDEX_SUFFIXES:
        _write_index(target, rows)
    elif kind not in (".cs", ".star"):
        raise InputError(f"{target}: particles are written as .star, .cs, or their numbers as .txt, .npy, .npz or "
                         ".pkl; choose one of these.")  # fmt: skip
    elif source is None:
        raise InputError(f"{target}: the particle file is not known; write the particles' numbers (.txt, .npy, .npz, "
                         ".pkl).")  # fmt: skip
    elif kind == ".cs":
        _write_cs(source, rows, target)
    else:
        _write_star_rows(source, rows, target)


def save_anew(particles: Particles, rows: np.ndarray, target: str | os.PathLike[str]) -> None:
    """Write rows ``(m,)``, from 0 and in this order, of particles in memory as a .star, every column kept."""
    target, rows = Path(target), np.asarray(rows, np.int64)
    _check_target(target, rows)
    write_star(target, particles.take(_checked(rows, len(particles), particles.source)))


def _check_target(target: Path, rows: np.ndarray) -> None:
    if not target.parent.is_dir():
        raise InputError(f"{target}: there is no folder {target.parent}; make it first.")
    if not len(rows):
        raise InputError(f"{target}: no particles are selected, so there is nothing to write.")


def _write_index(target: Path, rows: np.ndarray) -> None:
    with atomic_path(target) as temporary, open(temporary, "wb") as file:
        if target.suffix.lower() == ".txt":
            file.write("".join(f"{row}\n" for row in rows.tolist()).encode())
        elif target.suffix.lower() == ".npy":
            np.save(file, rows)
        elif target.suffix.lower() == ".pkl":
            pickle.dump(rows, file, protocol=4)  # an array and nothing else: what reads it may refuse all other things
        else:
            np.savez(file, ind=rows)


def _write_cs(source: Path, rows: np.ndarray, target: Path) -> None:
    if source.suffix != ".cs":
        raise InputError(f"{target}: the particles come from {source.name}, and only particles of a .cs can be written "
                         "as .cs; write a .star, which cryoSPARC imports.")  # fmt: skip
    data = load_whole_cs(source)
    with atomic_path(target) as temporary, open(temporary, "wb") as file:
        np.save(file, data[_checked(rows, len(data), source)], allow_pickle=False)


def _write_star_rows(source: Path, rows: np.ndarray, target: Path) -> None:
    if source.suffix != ".star":
        save_anew(read_particles(source, require=()), rows, target)
        return
    parts = read_parts(source)
    name = particle_table_name(source, read_tables(source, parts))
    particles = next(place for place, part in enumerate(parts) if part.name == name and "rlnImageName" in part)
    count = len(parts[particles])
    _checked(rows, count, source)
    for place, part in enumerate(parts):
        if place != particles and not (_BODY.fullmatch(part.name) and len(part) == count):
            continue
        words = {tag: values[rows] for tag, values in part.words.items()}
        if place == particles and not _names_hold(part, target):
            words["rlnImageName"] = objects(_absolute(source, texts_of(words["rlnImageName"])))
        parts[place] = replace(part, words=words, length=len(rows))
    write_tables(target, parts)


def _absolute(source: Path, names: list[str]) -> Iterable[str]:
    """Image names with the paths at which their stacks were found."""
    paths = StackPaths(source, None)
    for text in names:
        number, name = split_name(text)
        yield f"{number}@{paths.path(name)}" if number else str(paths.path(name))


def _checked(rows: np.ndarray, count: int, source: Path) -> np.ndarray:
    if rows.min() < 0 or rows.max() >= count:
        raise InputError(f"{source}: has {count} particles, and row {rows.max()} is wanted; it was changed since prep; "
                         "put the old file there again.")  # fmt: skip
    return rows


def _names_hold(table: StarTable, target: Path) -> bool:
    """Whether the stacks that are found from the file's folder, or one above it, are those that the target leads to."""
    names = {split_name(text)[1] for text in table.texts("rlnImageName")}
    return all(_found(name, table.path) in (None, _found(name, target)) for name in names)


def _found(name: str, file: Path) -> Path | None:
    paths = (folder / name for folder in folders_of(file))
    return next((path.resolve() for path in paths if is_file(path)), None)

"""Some rows of a particle file as a file of the same kind: what a selection is exported as."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from ..atomic import atomic_path
from ..errors import InputError
from .cryosparc import load_cs
from .particles import Particles
from .paths import is_file
from .read import read_particles
from .star import particle_table_name
from .star_table import StarTable, read_tables
from .write import write_star

INDEX_SUFFIXES = (".txt", ".npy", ".npz")


def save_rows(source: Path | None, rows: np.ndarray, target: str | os.PathLike[str]) -> None:
    """Write rows ``(m,)``, from 0 and in this order, of the particle file ``source`` to ``target``; None will do
    for a list.

    ``target`` is a .star or .cs, or a list of the row numbers: .txt (one a line), .npy (int64) or .npz (array ``ind``).
    STAR rows are copied as they stand, with all other tables, and .cs rows with all fields; a .cs becomes a .star with
    every column. ``InputError`` where the kinds do not go together. The file appears whole or not at all.
    """
    target, rows = Path(target), np.asarray(rows, np.int64)
    _check_target(target, rows)
    kind = target.suffix.lower()
    if kind in INDEX_SUFFIXES:
        _write_index(target, rows)
    elif kind == ".cs":
        _write_cs(source, rows, target)
    elif kind == ".star":
        _write_star_rows(source, rows, target)
    else:
        raise InputError(f"{target}: particles are written as .star, .cs, or their numbers as .txt, .npy or .npz; "
                         "choose one of these.")  # fmt: skip


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
        else:
            np.savez(file, ind=rows)


def _write_cs(source: Path, rows: np.ndarray, target: Path) -> None:
    if source.suffix != ".cs":
        raise InputError(f"{target}: the particles come from {source.name}, and only particles of a .cs can be written "
                         "as .cs; write a .star, which cryoSPARC imports.")  # fmt: skip
    data = load_cs(source)
    with atomic_path(target) as temporary, open(temporary, "wb") as file:
        np.save(file, data[_checked(rows, len(data), source)], allow_pickle=False)


def _write_star_rows(source: Path, rows: np.ndarray, target: Path) -> None:
    tables = read_tables(source) if source.suffix == ".star" else {}
    table = tables[particle_table_name(source, tables)] if tables else None
    if table is not None and _names_hold(table, target):
        _checked(rows, len(table), source)
        lines = _lines_of(source, table)
        if lines is not None:
            before, data, after = lines
            with atomic_path(target) as temporary, _text_file(temporary, "w") as file:
                file.writelines([*before, *(data[row] for row in rows), *after])
            return
    save_anew(read_particles(source, require=()), rows, target)


def _checked(rows: np.ndarray, count: int, source: Path) -> np.ndarray:
    if rows.min() < 0 or rows.max() >= count:
        raise InputError(f"{source}: has {count} particles, and row {rows.max()} is wanted; it was changed since prep; "
                         "put the old file there again.")  # fmt: skip
    return rows


def _names_hold(table: StarTable, target: Path) -> bool:
    """Whether the stacks that are found from the file's folder, or one above it, are found from the target's too."""
    names = {text.rpartition("@")[2] for text in table.texts("rlnImageName")}
    return all(_found(name, target) or not _found(name, table.path) for name in names)


def _found(name: str, file: Path) -> bool:
    return any(is_file(folder / name) for folder in file.resolve().parents)


def _text_file(path: Path, mode: str):
    """Every byte as it stands: other encodings and line ends too."""
    return open(path, mode, encoding="utf-8", errors="surrogateescape", newline="")


def _lines_of(source: Path, table: StarTable) -> tuple[list[str], list[str], list[str]] | None:
    """The file's lines before, in and after the rows of ``table``; None where its rows are not one line each."""
    with _text_file(source, "r") as file:
        lines = file.readlines()
    titles = [i for i, line in enumerate(lines) if line.strip() == f"data_{table.name}"]
    if len(titles) != 1:
        return None
    start = titles[0] + 1
    while start < len(lines) and (lines[start].strip() in ("", "loop_") or lines[start].lstrip()[0] in "_#"):
        start += 1
    end = start + len(table)
    data, rest = lines[start:end], lines[end:]
    words = len(table.tags)
    one_each = len(data) == len(table) and all(len(line.split()) == words for line in data)
    ended = not rest or not rest[0].strip() or rest[0].lstrip()[0] == "#"
    if not one_each or not ended or not data[-1].endswith("\n"):
        return None
    return lines[:start], data, rest

"""Particles to a RELION 3.1 STAR file."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from ..atomic import atomic_path
from .columns import texts_of
from .particles import MULTIPLIED, PHASE_FLIPPED, Optics, Particles
from .rotations import matrix_to_euler
from .star_table import StarTable
from .star_words import quoted

_PIECE = 4096


def write_star(path: str | os.PathLike[str], particles: Particles) -> None:
    """Write the particles as RELION 3.1 reads them: an optics table and a particle table, every column kept; those
    that FlexRec does not use letter by letter.

    Stacks at or below the star's folder are named relative to it, others by their absolute path. Poses or CTF that are
    NaN (absent in the source) are left out. The file appears whole or not at all.
    """
    path = Path(path)
    with atomic_path(path) as temporary, _text_file(temporary) as file:
        file.write("# version 30001\n\ndata_optics\n\n")
        _write_loop(file, _optics_columns(particles.optics))
        file.write("\n# version 30001\n\ndata_particles\n\n")
        _write_loop(file, _particle_columns(particles, path.resolve().parent))


def write_tables(path: str | os.PathLike[str], parts: list[StarTable]) -> None:
    """Write the loops and pairs of a STAR file, all words as they are, with what tells RELION the version.

    The file appears whole or not at all.
    """
    with atomic_path(path) as temporary, _text_file(temporary) as file:
        title = None
        for part in parts:
            if part.name != title:
                file.write("".join(f"{comment}\n" for comment in part.comments) + f"\ndata_{part.name}\n\n")
            title = part.name
            words = {tag: _stored_words(values) for tag, values in part.words.items()}
            if part.pairs:
                file.writelines(f"_{tag} {next(values)}\n" for tag, values in words.items())
            else:
                _write_loop(file, words)
            file.write("\n")


def _text_file(path: Path) -> TextIO:
    return open(path, "w", encoding="utf-8", errors="surrogateescape", newline="\n")


def _write_loop(file: TextIO, columns: Mapping[str, Iterable[str]]) -> None:
    file.write("loop_\n")
    file.writelines(f"_{tag} #{number}\n" for number, tag in enumerate(columns, 1))
    file.writelines(" ".join(row) + "\n" for row in zip(*columns.values()))


def _optics_columns(optics: Optics) -> dict[str, Iterable[str]]:
    columns: dict[str, Iterable] = {
        "rlnOpticsGroup": _words(np.arange(1, len(optics) + 1)),
        "rlnOpticsGroupName": map(quoted, optics.name),
        "rlnVoltage": optics.voltage,
        "rlnSphericalAberration": optics.spherical_aberration,
        "rlnAmplitudeContrast": optics.amplitude_contrast,
        "rlnImagePixelSize": _words(optics.pixel_size),
        "rlnImageSize": _words(optics.box),
        "rlnImageDimensionality": _words(np.full(len(optics), 2)),
        **_aberration_columns(optics),
    }
    known = {tag: values for tag, values in columns.items() if not _absent(values)}
    return {tag: _words(values) if isinstance(values, np.ndarray) else values for tag, values in known.items()}


def _aberration_columns(optics: Optics) -> dict[str, Iterable[str]]:
    """What is not as in a perfect microscope; the beam tilt stands among the antisymmetric coefficients."""
    columns: dict[str, Iterable[str]] = {}
    for tag, values in (("rlnOddZernike", optics.odd), ("rlnEvenZernike", optics.even)):
        if values.any():
            columns[tag] = ["[" + ",".join(_words(row)) + "]" for row in values]
    if (optics.magnification != np.eye(2)).any():
        for i, j in np.ndindex(2, 2):
            columns[f"rlnMagMat{i}{j}"] = optics.magnification[:, i, j]
    for tag, state in (("rlnCtfDataArePhaseFlipped", PHASE_FLIPPED), ("rlnCtfDataAreCtfPremultiplied", MULTIPLIED)):
        if (optics.ctf_state == state).any():
            columns[tag] = (optics.ctf_state == state).astype(int)
    return columns


def _particle_columns(particles: Particles, folder: Path) -> dict[str, Iterable[str]]:
    columns: dict[str, Iterable[str]] = {
        "rlnImageName": _image_names(particles, folder),
        "rlnOpticsGroup": _words(particles.group + 1),
    }
    if not _absent(particles.rotation):
        angles = matrix_to_euler(particles.rotation)
        columns |= zip(("rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi"), map(_words, angles))
    if not _absent(particles.shift):
        columns |= zip(("rlnOriginXAngst", "rlnOriginYAngst"), map(_words, particles.shift.T))
    if not _absent(particles.defocus):
        columns |= zip(("rlnDefocusU", "rlnDefocusV", "rlnDefocusAngle"), map(_words, particles.defocus.T))
    columns["rlnPhaseShift"] = _words(particles.phase_shift)
    if particles.b_factor.any():
        columns["rlnCtfBfactor"] = _words(particles.b_factor)
    if (particles.scale != 1).any():
        columns["rlnCtfScalefactor"] = _words(particles.scale)
    if particles.half.any():
        columns["rlnRandomSubset"] = _words(particles.half)
    for tag, values in particles.columns.stored.items():
        if tag not in columns:
            columns[_label(tag, columns)] = _stored_words(values)
    return columns


def _label(name: str, known: Collection[str]) -> str:
    """A column's name as a word that all readers take for one; a cryoSPARC field may be called anything."""
    label = re.sub(r"[^!\"$-~]", "_", name) or "_"
    return label if label not in known else _label(label + "_", known)


def _image_names(particles: Particles, folder: Path) -> Iterable[str]:
    """000001@stack of each particle; the quotes of a name with blanks go around the whole word."""
    words = [quoted(f"0@{_relative(stack, folder)}").partition("0@") for stack in particles.stacks]
    return (f"{words[s][0]}{i + 1:06d}@{words[s][2]}" for s, i in zip(particles.stack, particles.index))


def _absent(values: Iterable) -> bool:
    return isinstance(values, np.ndarray) and values.dtype.kind == "f" and bool(np.isnan(values).all())


def _words(values: np.ndarray) -> Iterator[str]:
    """Text of each number, made as it is written; ten significant digits."""
    if values.dtype.kind == "f":
        return (f"{value:.10g}" for value in _python_values(values))
    return (str(int(value)) for value in _python_values(values))


def _stored_words(values: np.ndarray) -> Iterator[str]:
    """Words of a column that is kept: those that were read, or all digits that a number has."""
    if values.dtype.kind in "SUO":
        return map(quoted, map(str, _python_values(values)))
    if values.dtype.kind == "f":
        digits = {2: 5, 4: 9}.get(values.dtype.itemsize)
        return map(repr if digits is None else f"{{:.{digits}g}}".format, _python_values(values))
    return _words(values)


def _python_values(values: np.ndarray) -> Iterator[Any]:
    """The values as Python's own objects, which take much memory, so made a few at a time."""
    for start in range(0, len(values), _PIECE):
        yield from texts_of(values[start : start + _PIECE])


def _relative(stack: Path, folder: Path) -> str:
    return str(stack.relative_to(folder)) if stack.is_relative_to(folder) else str(stack)

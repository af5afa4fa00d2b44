"""Particles to a RELION 3.1 STAR file."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ..atomic import atomic_path
from .particles import MULTIPLIED, PHASE_FLIPPED, Optics, Particles
from .rotations import matrix_to_euler


def write_star(path: str | os.PathLike[str], particles: Particles) -> None:
    """Write the particles as RELION 3.1 reads them: an optics table and a particle table, every column kept.

    Stacks at or below the star's folder are named relative to it, others by their absolute path. Poses or CTF that are
    NaN (absent in the source) are left out. The file appears whole or not at all.
    """
    path = Path(path)
    with atomic_path(path) as temporary, open(temporary, "w", encoding="utf-8") as file:
        file.write("# version 30001\n\n")
        _write_loop(file, "optics", _optics_columns(particles.optics))
        file.write("\n# version 30001\n\n")
        _write_loop(file, "particles", _particle_columns(particles, path.resolve().parent))


def _write_loop(file, name: str, columns: dict[str, Iterable[str]]) -> None:
    file.write(f"data_{name}\n\nloop_\n")
    file.writelines(f"_{tag} #{number}\n" for number, tag in enumerate(columns, 1))
    file.writelines(" ".join(row) + "\n" for row in zip(*columns.values()))


def _optics_columns(optics: Optics) -> dict[str, Iterable[str]]:
    columns = {
        "rlnOpticsGroup": _words(np.arange(1, len(optics) + 1)),
        "rlnOpticsGroupName": _words(np.array(optics.name)),
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
    # the quotes of a name with blanks go around the whole word: 000001@ belongs to it
    words = [_quoted(f"@{_relative(stack, folder)}").partition("@") for stack in particles.stacks]
    columns: dict[str, Iterable[str]] = {
        "rlnImageName": (f"{words[s][0]}{i + 1:06d}@{words[s][2]}" for s, i in zip(particles.stack, particles.index)),
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
    return columns | {tag: _words(values) for tag, values in particles.columns.items() if tag not in columns}


def _absent(values: Iterable) -> bool:
    return isinstance(values, np.ndarray) and values.dtype.kind == "f" and bool(np.isnan(values).all())


def _words(values: np.ndarray) -> Iterable[str]:
    """Text of each value, made as it is written; ten significant digits."""
    if values.dtype.kind == "f":
        return (f"{value:.10g}" for value in values.tolist())
    if values.dtype.kind in "iub":
        return (str(int(value)) for value in values.tolist())
    return (_quoted(str(value)) for value in values.tolist())


def _quoted(text: str) -> str:
    """A STAR word: in quotes where it is empty, has blanks, or would read as something else."""
    if text and not any(c.isspace() for c in text) and text[0] not in "_#$'\"[];" and not text.lower().startswith(
        ("data_", "loop_", "save_", "stop_", "global_")):  # fmt: skip
        return text
    text = text.replace("\n", " ").replace("\r", " ")
    return f"'{text}'" if "'" not in text else f'"{text}"'


def _relative(stack: Path, folder: Path) -> str:
    return str(stack.relative_to(folder)) if stack.is_relative_to(folder) else str(stack)

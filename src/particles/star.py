"""Particles from RELION STAR files: 3.0 (one table), 3.1 and 5 (an optics table and a particle table)."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..errors import InputError
from .mrc import read_header
from .particles import InputWarning, Optics, Particles
from .paths import StackPaths, is_file
from .rotations import euler_to_matrix
from .star_table import StarTable, read_tables

_ANGLES = ("rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi")
_DEFOCUS = ("rlnDefocusU", "rlnDefocusV", "rlnDefocusAngle")
_MICROSCOPE = ("rlnVoltage", "rlnSphericalAberration", "rlnAmplitudeContrast")
_SHIFTS = ("rlnOriginXAngst", "rlnOriginYAngst", "rlnOriginX", "rlnOriginY")
_PIXEL = ("rlnImagePixelSize", "rlnPixelSize", "rlnDetectorPixelSize", "rlnMagnification")
_USED = {"rlnImageName", "rlnOpticsGroup", "rlnPhaseShift", "rlnRandomSubset", *_ANGLES, *_DEFOCUS, *_SHIFTS}


def read_star(path: Path, image_root: Path | None, require: tuple[str, ...]) -> Particles:
    """The particles of a RELION STAR file; see ``read_particles``."""
    tables = read_tables(path)
    table = tables[particle_table_name(path, tables)]
    optics_table = tables.get("optics")
    _refuse_missing(table, optics_table, require)
    stacks, stack, index = _image_names(table, image_root)
    if optics_table is None:
        optics, group = _optics_from_particles(table, require)
    else:
        optics, group = _optics_from_table(optics_table, table, require)
    optics = _with_headers(path, optics, group, stacks, stack)
    used = _USED if optics_table is not None else _USED | {*_MICROSCOPE, *_PIXEL, "rlnImageSize"}
    return Particles(
        stacks=stacks,
        stack=stack,
        index=index,
        rotation=_rotation(table),
        shift=_shift(table, optics.pixel_size[group]),
        defocus=_or_nan(table, _DEFOCUS),
        phase_shift=table.numbers("rlnPhaseShift") if "rlnPhaseShift" in table else np.zeros(len(table)),
        group=group,
        half=_half(table),
        optics=optics,
        columns={tag: table.values(tag) for tag in table.tags if tag not in used},
        source=path.resolve(),
    )


def particle_table_name(path: Path, tables: dict[str, StarTable]) -> str:
    """Which of a file's tables is that of the particles; ``InputError`` where none is."""
    for name in ("particles", "images", "", *tables):
        if name in tables and "rlnImageName" in tables[name]:
            return name
    raise InputError(f"{path}: no table with the column _rlnImageName; give the STAR file of extracted particles.")


def _refuse_missing(table: StarTable, optics: StarTable | None, require: tuple[str, ...]) -> None:
    if len(table) == 0:
        raise InputError(f"{table.path}: data_{table.name} has no particles; give a file with particles.")
    needed = {"pose": (_ANGLES, "poses", "a refinement"), "ctf": (_DEFOCUS, "CTF parameters", "CTF estimation")}
    for what in require:
        tags, noun, origin = needed[what]
        missing = [f"_{tag}" for tag in tags if tag not in table]
        if missing:
            raise InputError(f"{table.path}: no {noun} ({', '.join(missing)} missing in data_{table.name}); give the "
                             f"particles as they come from {origin}.")  # fmt: skip
    if "ctf" in require and optics is not None and _flagged(optics, "rlnCtfDataAreCtfPremultiplied"):
        raise InputError(f"{table.path}: its images are already multiplied by the CTF (_rlnCtfDataAreCtfPremultiplied)"
                         "; extract them without that.")  # fmt: skip


def _flagged(table: StarTable, tag: str) -> bool:
    return tag in table and bool(np.any(table.numbers(tag) != 0))


def _image_names(table: StarTable, image_root: Path | None) -> tuple[tuple[Path, ...], np.ndarray, np.ndarray]:
    """(stacks, stack (n,), index (n,)) of ``_rlnImageName``, "000001@path" from one; a plain path is image one."""
    paths = StackPaths(table.path, image_root)
    names = table.texts("rlnImageName")
    stack, index = np.empty(len(names), np.int32), np.empty(len(names), np.int64)
    for row, text in enumerate(names):
        number, at, name = text.rpartition("@")
        if (at and not number.isdecimal()) or not name or number.strip("0") == "" != number:
            raise InputError(f"{table.path}: _rlnImageName {text!r} (particle {row + 1}) is not of the form "
                             "000001@stack.mrcs; mend the file.")  # fmt: skip
        stack[row], index[row] = paths.number(name), int(number or 1) - 1
    return paths.paths, stack, index


def _rotation(table: StarTable) -> np.ndarray:
    if any(tag not in table for tag in _ANGLES):
        return np.full((len(table), 3, 3), np.nan)
    return euler_to_matrix(*(table.numbers(tag) for tag in _ANGLES))


def _shift(table: StarTable, pixel_size: np.ndarray) -> np.ndarray:
    """(n, 2) Å: RELION 3.1's columns are in Å, 3.0's in pixels; a file without either is centred."""
    if "rlnOriginXAngst" in table and "rlnOriginYAngst" in table:
        return np.stack([table.numbers("rlnOriginXAngst"), table.numbers("rlnOriginYAngst")], -1)
    if "rlnOriginX" in table and "rlnOriginY" in table:
        return np.stack([table.numbers("rlnOriginX"), table.numbers("rlnOriginY")], -1) * pixel_size[:, None]
    return np.zeros((len(table), 2))


def _or_nan(table: StarTable, tags: tuple[str, ...]) -> np.ndarray:
    columns = [table.numbers(tag) if tag in table else np.full(len(table), np.nan) for tag in tags]
    return np.stack(columns, -1)


def _half(table: StarTable) -> np.ndarray:
    if "rlnRandomSubset" not in table:
        return np.zeros(len(table), np.int8)
    half = table.numbers("rlnRandomSubset")
    return np.where((half == 1) | (half == 2), half, 0).astype(np.int8)


# ---------------------------------------------------------------------------- optics


def _optics_from_table(table: StarTable, particles: StarTable, require: tuple[str, ...]) -> tuple[Optics, np.ndarray]:
    number = table.numbers("rlnOpticsGroup") if "rlnOpticsGroup" in table else np.arange(1, len(table) + 1)
    rows = {int(value): row for row, value in enumerate(number)}
    asked = particles.numbers("rlnOpticsGroup") if "rlnOpticsGroup" in particles else np.full(len(particles), number[0])
    unknown = set(asked.astype(int).tolist()) - set(rows)
    if unknown:
        raise InputError(f"{table.path}: _rlnOpticsGroup {min(unknown)} is used by particles but not in data_optics; "
                         "export both tables from one job.")  # fmt: skip
    _warn_unmodelled(table)
    size = table.numbers("rlnImageSize") if "rlnImageSize" in table else np.zeros(len(table))
    named = "rlnOpticsGroupName" in table
    names = table.texts("rlnOpticsGroupName") if named else [f"opticsGroup{int(value)}" for value in number]
    optics = Optics(*_microscope(table, require), _pixel_size(table), size.astype(np.int64), tuple(names))
    return optics, np.array([rows[int(value)] for value in asked], np.int32)


def _optics_from_particles(table: StarTable, require: tuple[str, ...]) -> tuple[Optics, np.ndarray]:
    """RELION 3.0 repeats the microscope in every row; equal rows make an optics group."""
    size = table.numbers("rlnImageSize") if "rlnImageSize" in table else np.zeros(len(table))
    settings = np.stack([*_microscope(table, require), _pixel_size(table), size], -1)
    distinct, group = np.unique(settings, axis=0, return_inverse=True, equal_nan=False)
    if np.isnan(settings).any():
        distinct, group = np.unique(np.nan_to_num(settings, nan=-1), axis=0, return_inverse=True)
        distinct = np.where(distinct == -1, np.nan, distinct)
    names = tuple(f"opticsGroup{row + 1}" for row in range(len(distinct)))
    voltage, aberration, contrast, pixel_size, box = distinct.T
    optics = Optics(voltage, aberration, contrast, pixel_size, box.astype(np.int64), names)
    return optics, group.ravel().astype(np.int32)


def _microscope(table: StarTable, require: tuple[str, ...]) -> list[np.ndarray]:
    """Voltage, spherical aberration and amplitude contrast; RELION takes an absent amplitude contrast as 0."""
    columns = []
    for tag in _MICROSCOPE:
        if tag in table:
            columns.append(table.numbers(tag))
        elif "ctf" in require and tag != "rlnAmplitudeContrast":
            raise InputError(f"{table.path}: no CTF parameters (_{tag} missing in data_{table.name}); give the "
                             "particles as they come from CTF estimation.")  # fmt: skip
        else:
            columns.append(np.full(len(table), 0.0 if tag == "rlnAmplitudeContrast" else np.nan))
    return columns


def _pixel_size(table: StarTable) -> np.ndarray:
    """(n,) Å from the image pixel size or, in RELION 3.0, 10⁴ detector pixel (µm) / magnification."""
    for tag in ("rlnImagePixelSize", "rlnPixelSize"):
        if tag in table:
            return table.numbers(tag)
    if "rlnDetectorPixelSize" in table and "rlnMagnification" in table:
        return 1e4 * table.numbers("rlnDetectorPixelSize") / table.numbers("rlnMagnification")
    return np.full(len(table), np.nan)  # filled from a stack's header, or refused, by _with_headers


def _no_pixel_size(path: Path) -> InputError:
    return InputError(f"{path}: no pixel size (_rlnImagePixelSize, or _rlnDetectorPixelSize with _rlnMagnification) "
                      "in the file nor in its stack's header; add it to the file.")  # fmt: skip


def _with_headers(path: Path, optics: Optics, group: np.ndarray, stacks: tuple[Path, ...], stack: np.ndarray) -> Optics:
    """Box and pixel size of groups that name none, from the header of one of their stacks, where that is there."""
    box, pixel_size = optics.box.copy(), optics.pixel_size.copy()
    for row in np.flatnonzero((box == 0) | np.isnan(pixel_size)):
        members = np.flatnonzero(group == row)
        if len(members) and is_file(stacks[stack[members[0]]]):
            header = read_header(stacks[stack[members[0]]])
            box[row] = box[row] or header.columns
            if np.isnan(pixel_size[row]) and header.pixel_size > 0:
                pixel_size[row] = header.pixel_size
                warnings.warn(f"{path}: names no pixel size; {header.pixel_size:g} Å is taken from the header of "
                              f"{stacks[stack[members[0]]].name}.", InputWarning, stacklevel=2)  # fmt: skip
    if np.isnan(pixel_size).any():
        raise _no_pixel_size(path)
    return replace(optics, box=box, pixel_size=pixel_size)


def _warn_unmodelled(optics: StarTable) -> None:
    """Say what the optics table corrects and FlexRec does not."""
    tags = ("rlnMagMat00", "rlnMagMat01", "rlnMagMat10", "rlnMagMat11")
    if all(tag in optics for tag in tags):
        matrices = np.stack([optics.numbers(tag) for tag in tags], -1)
        worst = float(np.abs(matrices - [1, 0, 0, 1]).max())
        if worst > 0.01:
            warnings.warn(f"{optics.path}: the magnification matrix (_rlnMagMat) differs from identity by up to "
                          f"{100 * worst:.1f} %; FlexRec does not correct it: re-extract with corrected magnification "
                          "if detail at the rim matters.", InputWarning, stacklevel=2)  # fmt: skip
    if any(_flagged(optics, tag) for tag in ("rlnBeamTiltX", "rlnBeamTiltY") if tag in optics):
        warnings.warn(f"{optics.path}: beam tilt and higher aberrations are given; FlexRec does not correct them "
                      "(they matter beyond about 4 Å).", InputWarning, stacklevel=2)  # fmt: skip

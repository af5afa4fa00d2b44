"""Particles from RELION STAR files: 3.0 (one table), 3.1 and 5 (an optics table and a particle table)."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np

from ..errors import InputError
from .columns import Columns
from .halves import divided
from .particles import InputWarning, Particles
from .rotations import euler_to_matrix
from .stack_paths import StackPaths, split_name
from .star_optics import (
    DETECTOR,
    MAGNIFICATION,
    MICROSCOPE,
    STATES,
    TILT,
    ZERNIKE,
    CtfTables,
    read_optics,
    with_headers,
)
from .star_table import StarTable, read_tables

_ANGLES = ("rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi")
_DEFOCUS = ("rlnDefocusU", "rlnDefocusV", "rlnDefocusAngle")
_MOST_DEGREES = 1e5  # what is beyond is no angle, but a word of another column
_SHIFTS = ("rlnOriginXAngst", "rlnOriginYAngst", "rlnOriginX", "rlnOriginY")
_IMAGE = ("rlnPhaseShift", "rlnCtfBfactor", "rlnCtfScalefactor")  # of a particle's CTF, beside its defocus
_OTHER_FILES = {  # a column of each, and what they list
    "rlnExperimentalDataStarFile": "the settings of a refinement",
    "rlnReferenceImage": "a refinement's maps",
    "rlnTomoTiltSeriesStarFile": "tilt series",
    "rlnMicrographMovieName": "movies",
    "rlnCoordinateX": "picked coordinates",
    "rlnMicrographName": "micrographs",
    "cisTEMPositionInStack": "particles of cisTEM",
}
_USED = {"rlnImageName", "rlnOpticsGroup", "rlnRandomSubset", *_ANGLES, *_DEFOCUS, *_SHIFTS, *_IMAGE, *TILT,
         *MAGNIFICATION, *STATES, *MICROSCOPE, "rlnImagePixelSize", "rlnPixelSize", *DETECTOR, "rlnImageSize",
         *ZERNIKE, "rlnImageDimensionality"}  # fmt: skip


def read_star(path: Path, image_root: Path | None, require: tuple[str, ...]) -> Particles:
    """The particles of a RELION STAR file; see ``read_particles``."""
    tables = read_tables(path)
    table = tables[particle_table_name(path, tables)]
    ctf = CtfTables(table, tables.get("optics"))
    _refuse_subtomograms(ctf, tables.get("general"))
    _refuse_missing(table, tables.get("optics"), require)
    stacks, stack, index = _image_names(table, image_root)
    optics, group = read_optics(ctf, require)
    optics = with_headers(path, optics, group, stacks, stack)
    return Particles(
        stacks=stacks,
        stack=stack,
        index=index,
        rotation=_rotation(table),
        shift=_shift(ctf, optics.pixel_size[group]),
        defocus=_defocus(ctf),
        phase_shift=ctf.values("rlnPhaseShift", 0.0),
        group=group,
        half=_half(table),
        optics=optics,
        columns=Columns({tag: words for tag, words in table.words.items() if tag not in _USED}),
        source=path.absolute(),
        b_factor=ctf.values("rlnCtfBfactor", 0.0),
        scale=ctf.values("rlnCtfScalefactor", 1.0),
    )


def particle_table_name(path: Path, tables: dict[str, StarTable]) -> str:
    """Which of a file's tables is that of the particles; ``InputError`` where none is."""
    for name in ("particles", "images", "", *tables):
        if name in tables and "rlnImageName" in tables[name]:
            return name
    tags = {tag for table in tables.values() for tag in table.tags}
    what = next((f", but lists {noun}" for tag, noun in _OTHER_FILES.items() if tag in tags), "")
    raise InputError(f"{path}: has no table with the column _rlnImageName{what}; give the STAR file of extracted "
                     "particles, such as the data.star of a refinement.")  # fmt: skip


def _refuse_subtomograms(tables: CtfTables, general: StarTable | None) -> None:
    """``InputError`` for particles of tilt series, each a small volume or a stack of its tilts."""
    table, flag = tables.particles, "rlnTomoSubTomosAre2DStacks"
    dimension = tables.of_optics("rlnImageDimensionality", 2.0)
    why = ""
    if (dimension != 2).any():
        why = f"_rlnImageDimensionality {dimension[dimension != 2][0]:g}"
    elif general is not None and flag in general and general.numbers(flag).any():
        why = f"_{flag}"
    elif "rlnTomoVisibleFrames" in table:
        why = "_rlnTomoVisibleFrames"
    elif "rlnCtfImage" in table and _DEFOCUS[0] not in tables:
        why = "_rlnCtfImage"
    if why:
        raise InputError(f"{table.path}: its particles are subtomograms of tilt series ({why}), and FlexRec takes "
                         "single images; give the particles of a single-particle refinement.")  # fmt: skip


def _refuse_missing(table: StarTable, optics: StarTable | None, require: tuple[str, ...]) -> None:
    if len(table) == 0:
        raise InputError(f"{table.path}: data_{table.name} has no particles; give a file with particles.")
    known = {*table.tags, *(() if optics is None else optics.tags)}
    needed = {"pose": (_ANGLES, table.tags, "poses", "a refinement"),
              "ctf": (_DEFOCUS, known, "CTF parameters", "CTF estimation")}  # fmt: skip
    for what in require:
        tags, there, noun, origin = needed[what]
        missing = [f"_{tag}" for tag in tags if tag not in there]
        if missing:
            raise InputError(f"{table.path}: no {noun} ({', '.join(missing)} missing in data_{table.name}); give the "
                             f"particles as they come from {origin}.")  # fmt: skip


def _image_names(table: StarTable, image_root: Path | None) -> tuple[tuple[Path, ...], np.ndarray, np.ndarray]:
    """(stacks, stack (n,), index (n,)) of ``_rlnImageName``, "000001@path" from one; a plain path is image one."""
    paths = StackPaths(table.path, image_root)
    names = table.texts("rlnImageName")
    stack, index = np.empty(len(names), np.int32), np.empty(len(names), np.int64)
    for row, text in enumerate(names):
        number, name = split_name(text)
        if not name or number.strip("0") == "" != number or len(number.strip("0")) > 10:
            raise InputError(f"{table.path}: _rlnImageName {text!r} (particle {row + 1}) is not of the form "
                             "000001@stack.mrcs; mend the file.")  # fmt: skip
        stack[row], index[row] = paths.number(name), int(number or 1) - 1
    return paths.paths, stack, index


def _rotation(table: StarTable) -> np.ndarray:
    if any(tag not in table for tag in _ANGLES):
        return np.full((len(table), 3, 3), np.nan)
    angles = (table.numbers(tag) for tag in _ANGLES)
    return euler_to_matrix(*(np.where(np.abs(angle) < _MOST_DEGREES, angle, np.nan) for angle in angles))


def _shift(tables: CtfTables, pixel_size: np.ndarray) -> np.ndarray:
    """(n, 2) Å; a file without shifts is centred.

    RELION 3.1's columns are in Å, 3.0's in pixels. Of a file that has both, RELION's converter takes the pixels where
    there is no optics table, which makes it one of version 3.0; later versions know the others only.
    """
    table, shifts = tables.particles, {}
    for tags, unit in ((_SHIFTS[:2], 1.0), (_SHIFTS[2:], pixel_size[:, None])):
        there = [tag for tag in tags if tag in table]
        if len(there) == 1:
            missing = tags[1 - tags.index(there[0])]
            raise InputError(f"{table.path}: data_{table.name} has _{there[0]}, but no _{missing}; export both.")
        if there:
            shifts[tags] = np.stack([table.numbers(tag) for tag in tags], -1) * unit
    if not shifts:
        return np.zeros((len(table), 2))
    first = _SHIFTS[2:] if tables.optics is None and _SHIFTS[2:] in shifts else next(iter(shifts))
    if len(shifts) == 2:
        apart = np.abs(np.subtract(*shifts.values())).max()
        if apart > 0.01:
            warnings.warn(f"{table.path}: _rlnOriginXAngst and _rlnOriginX, with the pixel size, differ by up to "
                          f"{apart:.3g} Å; _{first[0]} is taken, as RELION does.",
                          InputWarning, stacklevel=2)  # fmt: skip
    return shifts[first]


def _defocus(tables: CtfTables) -> np.ndarray:
    """(n, 3); NaN where absent."""
    return np.stack([tables.values(tag, np.nan) for tag in _DEFOCUS], -1)


def _half(table: StarTable) -> np.ndarray:
    """(n,) int8; particles that are all of one half, as where one half was picked out, are as if never divided."""
    if "rlnRandomSubset" not in table:
        return np.zeros(len(table), np.int8)
    half = table.numbers("rlnRandomSubset")
    return divided(np.where((half == 1) | (half == 2), half, 0).astype(np.int8))

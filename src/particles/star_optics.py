"""Optics groups and CTFs of RELION STAR files: each value from the table where RELION looks for it."""

from __future__ import annotations

import warnings
from collections import Counter
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np

from ..errors import InputError
from .aberrations import with_beam_tilt
from .ctf import wavelength
from .mrc import read_header
from .particles import MULTIPLIED, PHASE_FLIPPED, RECORDED, InputWarning, Optics
from .stack_paths import is_file
from .star_table import StarTable, read_parts, read_tables

MICROSCOPE = {"rlnVoltage": np.nan, "rlnSphericalAberration": np.nan, "rlnAmplitudeContrast": 0.0}
PIXEL_SIZES = ("rlnImagePixelSize", "rlnPixelSize", "rlnMicrographPixelSize", "rlnMicrographOriginalPixelSize")
DETECTOR = ("rlnDetectorPixelSize", "rlnMagnification")
TILT = ("rlnBeamTiltX", "rlnBeamTiltY")
ZERNIKE = ("rlnOddZernike", "rlnEvenZernike")
MAGNIFICATION = ("rlnMagMat00", "rlnMagMat01", "rlnMagMat10", "rlnMagMat11")
STATES = ("rlnCtfDataArePhaseFlipped", "rlnCtfDataAreCtfPremultiplied", "rlnCtfDataAreCtfCorrected")
# columns that either table may have, and where RELION takes them from when both do
_OF_PARTICLES_FIRST = (*MICROSCOPE, "rlnPhaseShift", "rlnCtfBfactor", "rlnCtfScalefactor")
_OF_OPTICS = ("rlnImagePixelSize", "rlnImageSize", *TILT, *MAGNIFICATION, *STATES)
# columns that change images, which no other line of this file or of star.py knows, and what is to be said of each
_UNMODELLED = {
    "rlnMtfFileName": "the detector's MTF is not divided out; maps fall off with it",
    "rlnMicrographPreExposure": "the damage of an exposure before these images is not modelled",
    "rlnMagnificationCorrection": "magnification corrections of single images are not applied",
}


class CtfTables:
    """The particle table and, where there is one, the optics table.

    RELION's ``CTF::readByGroup`` looks in both, first for what the particles say; its ``ObservationModel`` takes pixel
    sizes, boxes, beam tilts, magnification matrices and what was done to the images from the optics table.

    ``row`` (n,) is each particle's row of the optics table.
    """

    def __init__(self, particles: StarTable, optics: StarTable | None) -> None:
        self.particles, self.optics = particles, optics
        self.row = np.zeros(len(particles), np.int64) if optics is None else _optics_rows(particles, optics)

    def __contains__(self, tag: str) -> bool:
        return tag in self.particles or (self.optics is not None and tag in self.optics)

    def values(self, tag: str, default: float) -> np.ndarray:
        """A column (n,) of numbers: that of the particle table, else that of the optics table, else ``default``."""
        if tag in self.particles:
            return self.particles.numbers(tag)
        if self.optics is not None and tag in self.optics:
            return self.optics.numbers(tag)[self.row]
        return np.full(len(self.particles), default)

    def of_optics(self, tag: str, default: float) -> np.ndarray:
        """As `values`, but the optics table's column is taken first."""
        if self.optics is not None and tag in self.optics:
            return self.optics.numbers(tag)[self.row]
        return self.values(tag, default)

    def texts(self, tag: str) -> list[str] | None:
        """Words of a column, one for each row of the table that describes optics; None where it has none."""
        table = self.particles if self.optics is None else self.optics
        return table.texts(tag) if tag in table else None

    @property
    def path(self) -> Path:
        """The file."""
        return self.particles.path


def _optics_rows(particles: StarTable, optics: StarTable) -> np.ndarray:
    """Each particle's row of the optics table, (n,)."""
    number = optics.numbers("rlnOpticsGroup") if "rlnOpticsGroup" in optics else np.arange(1.0, len(optics) + 1)
    if len(optics) == 0:
        raise InputError(f"{optics.path}: data_optics has no rows; export the particles again.")
    if len(np.unique(number)) < len(number) or not np.array_equal(number, np.rint(number)):
        raise InputError(f"{optics.path}: _rlnOpticsGroup of data_optics names a group twice, or is no whole number; "
                         "mend the file.")  # fmt: skip
    if "rlnOpticsGroup" not in particles:
        if len(optics) > 1:
            raise InputError(f"{optics.path}: data_optics has {len(optics)} groups, but data_{particles.name} has no "
                             "column _rlnOpticsGroup that says which particle is of which; export it too.")  # fmt: skip
        return np.zeros(len(particles), np.int64)
    group = particles.numbers("rlnOpticsGroup")
    order = np.argsort(number)
    place = np.minimum(np.searchsorted(number[order], group), len(number) - 1)
    rows = order[place]
    unknown = np.flatnonzero(number[rows] != group)
    if len(unknown):
        raise InputError(f"{optics.path}: _rlnOpticsGroup {group[unknown[0]]:g} is used by particles but not in "
                         "data_optics; export both tables from one job.")  # fmt: skip
    return rows


def read_optics(tables: CtfTables, require: tuple[str, ...]) -> tuple[Optics, np.ndarray]:
    """The optics groups and each particle's (n,) int32.

    Particles of one row of the optics table that differ in what an optics group has are parted into several groups.
    Without an optics table, as in RELION 3.0, equal particles make a group. Box 0 and pixel size NaN where not told.
    """
    _refuse_no_microscope(tables, require)
    _warn_unmodelled(tables)
    _warn_contradictions(tables)
    settings = [tables.values(tag, default) for tag, default in MICROSCOPE.items()]
    settings += [_pixel_size(tables), tables.of_optics("rlnImageSize", 0.0), _ctf_state(tables)]
    settings += [tables.of_optics(tag, 0.0) for tag in TILT]
    settings += [tables.of_optics(tag, float(tag[-1] == tag[-2])) for tag in MAGNIFICATION]
    first, group = _kinds(tables, settings)
    voltage, aberration, contrast, pixel_size, box, state, *rest = (values[first] for values in settings)
    odd, even = (_zernike(tables, tag, first) for tag in ZERNIKE)
    tilt = np.stack(rest[:2], -1)
    if tilt.any():
        odd = with_beam_tilt(odd, tilt, aberration, wavelength(voltage))
    optics = Optics(
        voltage, aberration, contrast, pixel_size, whole_boxes(box), _names(tables, tables.row[first]), odd, even,
        np.stack(rest[2:], -1).reshape(-1, 2, 2), state.astype(np.int8),
    )  # fmt: skip
    return optics, group


def stated_width(path: Path) -> float | None:
    """Å across the images of a STAR file, where its optics table says the same of all groups; else None.

    The table of the particles, which takes seconds where they are many, is not read.
    """
    optics = read_tables(path, read_parts(path, first=True)).get("optics")
    if optics is None or PIXEL_SIZES[0] not in optics or "rlnImageSize" not in optics:
        return None
    widths = optics.numbers(PIXEL_SIZES[0]) * optics.numbers("rlnImageSize")
    return float(widths[0]) if len(widths) and widths[0] > 0 and (widths == widths[0]).all() else None


def _kinds(tables: CtfTables, settings: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """The first particle of each kind, in the order of the optics table, and each particle's kind (n,) int32."""
    varying = [values for values in settings if not _constant(values)]
    for tag in ZERNIKE:
        if tables.optics is None and tag in tables.particles:
            varying.append(np.unique(tables.particles.texts(tag), return_inverse=True)[1])
    if not varying or (tables.optics is not None and not _particles_say(tables)):
        _, first, group = np.unique(tables.row, return_index=True, return_inverse=True)
        return first, group.ravel().astype(np.int32)
    columns = np.nan_to_num(np.stack([tables.row, *varying], -1).astype(np.float64), nan=-1e300)
    _, first, group = np.unique(columns, axis=0, return_index=True, return_inverse=True)
    return first, group.ravel().astype(np.int32)


def _constant(values: np.ndarray) -> bool:
    return bool(np.array_equal(values, np.broadcast_to(values[:1], values.shape), equal_nan=values.dtype.kind == "f"))


def _particles_say(tables: CtfTables) -> bool:
    """Whether the particle table has columns of its own of what an optics group has."""
    tags = (*MICROSCOPE, *PIXEL_SIZES, *DETECTOR, *TILT, *MAGNIFICATION, *STATES, "rlnImageSize")
    return any(tag in tables.particles for tag in tags)


def whole_boxes(box: np.ndarray) -> np.ndarray:
    """Boxes as int64; what is no number of pixels becomes -1, which is refused with the other values."""
    fine = np.isfinite(box) & (box == np.rint(box)) & (np.abs(box) < 1e6)
    return np.where(fine, box, -1).astype(np.int64)


def _names(tables: CtfTables, rows: np.ndarray) -> tuple[str, ...]:
    """A name for each group; those of one name, as the parts of one row of the optics table, are numbered."""
    given = tables.texts("rlnOpticsGroupName") if tables.optics is not None else None
    if given is None:
        number = np.arange(1, len(rows) + 1)
        if tables.optics is not None and "rlnOpticsGroup" in tables.optics and len(np.unique(rows)) == len(rows):
            number = tables.optics.numbers("rlnOpticsGroup")[rows].astype(int)
        return tuple(f"opticsGroup{value}" for value in number)
    names = [given[row] for row in rows]
    total, numbers = Counter(names), {name: count(1) for name in names}
    return tuple(name if total[name] == 1 else f"{name}_{next(numbers[name])}" for name in names)


def _refuse_no_microscope(tables: CtfTables, require: tuple[str, ...]) -> None:
    """RELION takes an absent amplitude contrast as 0, which is said; an absent voltage or Cs are no CTF."""
    if "ctf" not in require:
        return
    for tag in ("rlnVoltage", "rlnSphericalAberration"):
        if tag not in tables:
            where = "data_optics nor in " if tables.optics is not None else ""
            raise InputError(f"{tables.path}: no CTF parameters (_{tag} missing in {where}data_{tables.particles.name}"
                             "); give the particles as they come from CTF estimation.")  # fmt: skip
    if "rlnAmplitudeContrast" not in tables:
        _say(tables, "names no amplitude contrast (_rlnAmplitudeContrast), so 0 is taken, as RELION does; add the "
                     "column if CTF estimation took another (0.1 and 0.07 are usual)")  # fmt: skip


def _ctf_state(tables: CtfTables) -> np.ndarray:
    """What the file says was done to the images, (n,); ``InputError`` where that cannot be undone."""
    flipped, multiplied, corrected = (tables.of_optics(tag, 0.0) != 0 for tag in STATES)
    if corrected.any():
        raise InputError(f"{tables.path}: its images are corrected for their CTF already (_{STATES[2]}), which leaves "
                         "nothing to weigh them by; extract them without that.")  # fmt: skip
    return np.where(multiplied, MULTIPLIED, np.where(flipped, PHASE_FLIPPED, RECORDED))


def _zernike(tables: CtfTables, tag: str, first: np.ndarray) -> np.ndarray:
    """Coefficients (g, c) of a column of lists such as [0.1,-2,3], for groups whose first particles are ``first``."""
    words = tables.texts(tag)
    if words is None:
        return np.zeros((len(first), 0))
    lists = [_numbers(words[i], tag, tables.path) for i in (first if tables.optics is None else tables.row[first])]
    out = np.zeros((len(first), max(map(len, lists), default=0)))
    for row, values in enumerate(lists):
        out[row, : len(values)] = values
    return out


def _numbers(word: str, tag: str, path: Path) -> list[float]:
    try:
        values = [float(part) for part in word.strip("[] ").split(",") if part.strip()]
    except ValueError:
        values = [np.nan]
    if not np.isfinite(values).all() or len(values) > 60:
        raise InputError(f"{path}: _{tag} {word[:40]!r} is no list of numbers such as [0.1,-2,3]; mend the file.")
    return values


# ---------------------------------------------------------------------------- pixel size


def _pixel_size(tables: CtfTables) -> np.ndarray:
    """(n,) Å; NaN where no column tells.

    As RELION: in files of version 3.0, which have no optics table, 10⁴ detector pixel (µm) / magnification overrules
    all else; later, the pixel size of the images comes first, and those of micrographs stand in for it.
    """
    sizes = {tag: tables.of_optics(tag, np.nan) for tag in PIXEL_SIZES if tag in tables}
    if all(tag in tables for tag in DETECTOR):
        with np.errstate(divide="ignore", invalid="ignore"):
            detector = 1e4 * np.divide(*(tables.of_optics(tag, np.nan) for tag in DETECTOR))
        of_detector = {"rlnDetectorPixelSize / _rlnMagnification": detector}
        sizes = of_detector | sizes if tables.optics is None else sizes | of_detector
    if not sizes:
        return np.full(len(tables.particles), np.nan)
    (tag, chosen), *others = sizes.items()
    for other, values in others:
        if other in ("rlnMicrographPixelSize", "rlnMicrographOriginalPixelSize"):
            continue  # images may have been made smaller since
        if (np.abs(values / chosen - 1) > 1e-3).any():
            _say(tables, f"_{tag} says {chosen[0]:.4g} Å a pixel and _{other} {values[0]:.4g} Å; the first is taken, "
                         "as RELION does")  # fmt: skip
    if tag in ("rlnMicrographPixelSize", "rlnMicrographOriginalPixelSize"):
        _say(tables, f"there is no pixel size of the images; _{tag}, {chosen[0]:.4g} Å, is taken, as RELION does: "
                     "wrong if they were downsampled")  # fmt: skip
    return chosen


def _say(tables: CtfTables, text: str) -> None:
    warnings.warn(f"{tables.path}: {text}.", InputWarning, stacklevel=2)


def _warn_unmodelled(tables: CtfTables) -> None:
    """Say what the file has and FlexRec does not model."""
    for tag, text in _UNMODELLED.items():
        table = next((t for t in (tables.particles, tables.optics) if t is not None and tag in t), None)
        if table is not None and any(word.strip("0.") not in ("", "None", "null") for word in table.texts(tag)):
            _say(tables, f"{text} (_{tag})")


def _warn_contradictions(tables: CtfTables) -> None:
    """Name columns that both tables have, with other values."""
    if tables.optics is None:
        return
    for tag in (*_OF_PARTICLES_FIRST, *_OF_OPTICS):
        if tag not in tables.particles or tag not in tables.optics:
            continue
        own, groups = tables.particles.numbers(tag), tables.optics.numbers(tag)[tables.row]
        apart = np.flatnonzero(~np.isclose(own, groups, rtol=1e-3, equal_nan=True))
        if len(apart):
            row, taken = apart[0], "optics" if tag in _OF_OPTICS else tables.particles.name
            _say(tables, f"_{tag} of {len(apart)} particles is not that of their optics group ({own[row]:.6g} and "
                         f"{groups[row]:.6g} for particle {row + 1}); that of data_{taken} is taken, as RELION "
                         "does")  # fmt: skip


def with_headers(path: Path, optics: Optics, group: np.ndarray, stacks: tuple[Path, ...], stack: np.ndarray) -> Optics:
    """The optics, with box (pixels) and pixel size (Å) of groups that name none from the header of one of their stacks.

    ``group`` (n,) is the optics group and ``stack`` (n,) the number in ``stacks`` of each particle.
    ``InputError`` where a group's pixel size is in neither.
    """
    box, pixel_size = optics.box.copy(), optics.pixel_size.copy()
    used = np.unique(group)
    for row in used[(box[used] == 0) | np.isnan(pixel_size[used])]:
        named = stacks[stack[np.flatnonzero(group == row)[0]]]
        if not is_file(named):
            continue
        header = read_header(named)
        box[row] = box[row] or header.columns
        if np.isnan(pixel_size[row]) and header.pixel_size > 0:
            pixel_size[row] = header.pixel_size
            warnings.warn(f"{path}: names no pixel size; {header.pixel_size:g} Å is taken from the header of "
                          f"{named.name}.", InputWarning, stacklevel=2)  # fmt: skip
    if np.isnan(pixel_size[used]).any():
        raise InputError(f"{path}: no pixel size (_rlnImagePixelSize, or _rlnDetectorPixelSize with _rlnMagnification) "
                         "in the file nor in its stack's header; add it to the file.")  # fmt: skip
    return replace(optics, box=box, pixel_size=pixel_size)

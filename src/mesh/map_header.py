"""The header of a map's MRC file, in whichever byte order it makes sense, as ChimeraX takes it."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..particles.mrc import HEADER_BYTES

_LARGEST = 1 << 16  # voxels along an axis: beyond, the byte order is the other one
_IMOD_STAMP, _IMOD_WORDS = 1146047817, 152  # of IMOD's programs, and where it and their flags stand
_SKEW = 0.5  # degrees off a right angle that are still taken for one
_SIGNED = 1  # IMOD's flag of bytes that go from -128
_OTHER_FILES = {
    b"\x1f\x8b": "is compressed (gzip); unpack it, with gunzip for instance, and give the map.",
    b"BZh": "is compressed (bzip2); unpack it, with bunzip2 for instance, and give the map.",
    b"\xfd7zXZ": "is compressed (xz); unpack it, with unxz for instance, and give the map.",
    b"PK\x03\x04": "is a zip archive; unpack it and give the map.",
    b"\x89HDF": "is an HDF5 file and no MRC map; save the map as .mrc, in ChimeraX for instance.",
}


def read_map_header(path: Path) -> np.record:
    """The header with mrcfile's names of its fields; ``InputError`` where the file is another one, or too short.

    Neither the machine stamp nor the mode tells the byte order, both being wrong or the same in some programs' files.
    """
    from mrcfile.dtypes import HEADER_DTYPE

    raw = _first_bytes(path)
    for order in "<>":
        header = np.frombuffer(raw, HEADER_DTYPE.newbyteorder(order)).view(np.recarray)[0]
        if 0 < header.nx < _LARGEST and 0 <= header.mode < 128:
            return header
    raise InputError(f"{path}: is no MRC map (its first bytes are no MRC header); give a map in .mrc format.")


def _first_bytes(path: Path) -> bytes:
    try:
        with open(path, "rb") as file:
            raw = file.read(HEADER_BYTES)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); is the path right?") from error
    for start, words in _OTHER_FILES.items():
        if raw.startswith(start):
            raise InputError(f"{path}: {words}")
    if len(raw) < HEADER_BYTES:
        raise InputError(f"{path}: only {len(raw)} bytes long, so no MRC map; copy it again.")
    return raw


def unsigned_bytes(header: np.record) -> bool:
    """Whether bytes (mode 0) go from 0 to 255, not from -128 to 127: where IMOD says so, and in the old MRC format."""
    stamp, flags = struct.unpack_from(f"{header.dtype['nx'].byteorder}2i", header.tobytes(), _IMOD_WORDS)
    return not flags & _SIGNED if stamp == _IMOD_STAMP else header.map != b"MAP "


def by_axis(header: np.record, names: tuple[str, str, str]) -> np.ndarray:
    """Values (3,) along x, y and z of columns, rows and sections, which the header may have in another order."""
    order, values = axis_order(header), [int(header[name]) for name in names]
    return np.array([values[order.index(axis)] for axis in (1, 2, 3)])


def axis_order(header: np.record) -> list[int]:
    """Which axis, 1 for x to 3 for z, columns, rows and sections are along; in that order where it makes no sense."""
    order = [int(header[name]) for name in ("mapc", "mapr", "maps")]
    return order if sorted(order) == [1, 2, 3] else [1, 2, 3]


def voxel_sizes(header: np.record) -> np.ndarray:
    """Å per voxel along x, y, z; 0 where the header does not say."""
    length = np.array([header.cella[name] for name in "xyz"], np.float64)
    count = np.array([header[name] for name in ("mx", "my", "mz")], np.float64)
    return length / count if (length > 0).all() and (count > 0).all() else np.zeros(3)


def check_right_angles(path: Path, header: np.record) -> None:
    """``InputError`` for a map on a skew grid, as of a crystal; angles that cannot be count as 90°, as in ChimeraX."""
    angles = np.array([header.cellb[name] for name in ("alpha", "beta", "gamma")], np.float64)
    possible = ((angles > 0) & (angles < 180)).all() and angles.sum() < 360 and angles.max() < angles.sum() / 2
    if possible and np.abs(angles - 90).max() > _SKEW:
        shown = ", ".join(f"{angle:.4g}" for angle in angles)
        raise InputError(f"{path}: its axes are at {shown}°; FlexRec needs right angles: resample it on such a grid.")

"""The header of an MRC image stack or map: what is needed to read images from it by offset."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import InputError

_TYPES = {0: "i1", 1: "i2", 2: "f4", 6: "u2", 12: "f2"}
HEADER_BYTES = 1024


@dataclass(frozen=True)
class MrcHeader:
    """Shape and layout of an MRC file.

    Parameters
    ----------
    columns, rows : pixels along x and y. sections : images the header announces. whole : images the file really holds.
    dtype : numpy type of a pixel, with its byte order. offset : bytes before the first image.
    pixel_size : Å, 0 if unset.
    """

    columns: int
    rows: int
    sections: int
    whole: int
    dtype: np.dtype
    offset: int
    pixel_size: float

    @property
    def image_bytes(self) -> int:
        """Bytes of one image."""
        return self.columns * self.rows * self.dtype.itemsize


def read_header(path: Path) -> MrcHeader:
    """The header of the MRC file; ``InputError`` where there is none, or it is not MRC or of a mode without images."""
    try:
        with open(path, "rb") as file:
            raw = file.read(HEADER_BYTES)
            size = file.seek(0, 2)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); is the path right?") from error
    if len(raw) < HEADER_BYTES:
        raise InputError(f"{path}: only {len(raw)} bytes long, so not an MRC file; copy or extract it again.")
    if raw[:2] == b"\x1f\x8b":
        raise InputError(f"{path}: is compressed by gzip; unpack it (gunzip) and name the unpacked file.")
    order = _byte_order(path, raw)
    columns, rows, sections, mode = struct.unpack(f"{order}4i", raw[:16])
    if mode not in _TYPES:
        raise InputError(f"{path}: MRC mode {mode} is not an image FlexRec reads; convert it to mode 2 (float32).")
    dtype = np.dtype(order + _TYPES[mode])
    offset = HEADER_BYTES + struct.unpack(f"{order}i", raw[92:96])[0]
    if min(columns, rows, sections) < 1 or not HEADER_BYTES <= offset <= max(size, HEADER_BYTES):
        raise InputError(f"{path}: the MRC header is damaged ({columns} x {rows} x {sections}); write the file again.")
    samples, length = struct.unpack(f"{order}i", raw[28:32])[0], struct.unpack(f"{order}f", raw[40:44])[0]
    pixel_size = length / samples if samples > 0 and np.isfinite(length) else 0.0
    whole = min(sections, (size - offset) // (columns * rows * dtype.itemsize))
    return MrcHeader(columns, rows, sections, whole, dtype, offset, pixel_size)


def _byte_order(path: Path, raw: bytes) -> str:
    """'<' or '>', whichever makes mode and size plausible (machine stamps are often wrong)."""
    for order in "<>":
        columns, rows, _, mode = struct.unpack(f"{order}4i", raw[:16])
        if 0 <= mode <= 127 and 0 < columns < 1 << 20 and 0 < rows < 1 << 20:
            return order
    raise InputError(f"{path}: not an MRC file (its first bytes are no MRC header); give a .mrcs stack.")


def stack_header(count: int, box: int, pixel_size: float) -> bytes:
    """The 1024 header bytes (MRC2014, mode 2, little-endian) of a stack of ``count`` square images."""
    raw = bytearray(HEADER_BYTES)
    struct.pack_into("<10i", raw, 0, box, box, count, 2, 0, 0, 0, box, box, 1)
    struct.pack_into("<6f3i", raw, 40, box * pixel_size, box * pixel_size, pixel_size, 90, 90, 90, 1, 2, 3)
    struct.pack_into("<3f", raw, 76, 0, -1, -2)  # maximum below minimum: statistics not determined (MRC2014)
    raw[104:108], raw[208:212], raw[212:216] = b"MRCO", b"MAP ", b"\x44\x44\x00\x00"
    struct.pack_into("<i", raw, 108, 20140)
    struct.pack_into("<f", raw, 216, -1.0)
    return bytes(raw)

"""Damaged STAR files, stacks and maps, made of good ones; for fuzz_inputs.py.

Every function takes the bytes of a good file and a `random.Random` and returns those of a damaged one.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable

import numpy as np

Mutation = Callable[[bytes, random.Random], bytes]

WORDS = [b"nan", b"inf", b"-inf", b"1e309", b"-1e309", b"1e-320", b"", b'""', b"99999999999999999999",
         b"-9223372036854775809", b"-1", b"0", b"1", b"2", b"007", b"1_000", b"0x10", b"1,5", b"1e5", b"None",
         b"<NA>", "é".encode(), b"\xe9", b"\xff\xfe", b"\xe2\x80\xa8", b"x" * 100_000, b"'", b'"open', b"#", b"data_",
         b"loop_", b"_rlnImageName", b";", b"\x00", b"\x1b[2J", b"000000@a.mrcs", b"@", b"3@",
         b"99999999999@particles.mrcs", b"5@../../../etc/passwd", b"3@/dev/zero", b"4000000000@particles.mrcs",
         b"[1,2,3]", b"[nan]", b"[1e300,2]", b"[" + b"1," * 500 + b"]", b"+5", b".", b"?", b"1e", b"--1",
         b"1 2"]  # fmt: skip
NUMBERS = [0, 1, -1, 2, 7, 127, 128, 255, 1 << 15, 1 << 16, 1 << 20, (1 << 31) - 1, -(1 << 31), 1 << 30, 1024, 48, 64]
FLOATS = [0.0, -1.0, float("nan"), float("inf"), -float("inf"), 1e-30, 1e30, 3.4e38, 1e-45, 0.5, 1e4]


# ---------------------------------------------------------------------------- any bytes


def flipped(data: bytes, rng: random.Random) -> bytes:
    """Some bits of some bytes turned, more of them near the beginning, where headers are."""
    changed = bytearray(data)
    reach = len(changed) if rng.random() < 0.5 else min(len(changed), 1200)
    for _ in range(rng.choice((1, 2, 8, 60))):
        changed[rng.randrange(reach)] ^= 1 << rng.randrange(8)
    return bytes(changed)


def cut(data: bytes, rng: random.Random) -> bytes:
    """Without its end."""
    return data[: rng.randrange(len(data) + 1)]


def doubled(data: bytes, rng: random.Random) -> bytes:
    """A piece repeated, or all of it."""
    if rng.random() < 0.2:
        return data + data
    start, size = rng.randrange(len(data)), rng.choice((1, 4, 100, 5000))
    return data[: start + size] + data[start:]


def dropped(data: bytes, rng: random.Random) -> bytes:
    """Without a piece in the middle."""
    start, size = rng.randrange(len(data)), rng.choice((1, 4, 100, 5000))
    return data[:start] + data[start + size :]


def nothing(data: bytes, rng: random.Random) -> bytes:
    """Empty, zeros, or noise."""
    return rng.choice((b"", b"\0" * 3000, rng.randbytes(3000), b"\n" * 3000, data[:1]))


BYTES: list[Mutation] = [flipped, flipped, cut, doubled, dropped, nothing]


# ---------------------------------------------------------------------------- STAR


def _lines(data: bytes) -> list[bytes]:
    return data.split(b"\n")


def lines_changed(data: bytes, rng: random.Random) -> bytes:
    """Lines dropped, repeated or in another place."""
    lines = _lines(data)
    for _ in range(rng.choice((1, 1, 3))):
        place, how = rng.randrange(len(lines)), rng.randrange(4)
        if how == 0 and len(lines) > 1:
            del lines[place]
        elif how == 1:
            lines.insert(rng.randrange(len(lines)), lines[place])
        elif how == 2:
            lines.insert(
                place, rng.choice((b"", b"# comment", b"loop_", b"data_", b"data_particles", b"data_optics", b"_x"))
            )
        else:
            lines[place] = rng.choice(lines)
    return b"\n".join(lines)


def word_replaced(data: bytes, rng: random.Random) -> bytes:
    """One or several words replaced by what may be misread."""
    lines = _lines(data)
    for _ in range(rng.choice((1, 1, 1, 5))):
        place = rng.randrange(len(lines))
        words = lines[place].split()
        if words:
            words[rng.randrange(len(words))] = rng.choice(WORDS)
            lines[place] = b" ".join(words)
    return b"\n".join(lines)


def column_replaced(data: bytes, rng: random.Random) -> bytes:
    """One word of every row replaced, in one of the tables."""
    lines, word = _lines(data), rng.choice(WORDS)
    width = rng.choice([len(line.split()) for line in lines if len(line.split()) > 2] or [3])
    column = rng.randrange(width)
    for place, line in enumerate(lines):
        words = line.split()
        if len(words) == width and words[0][:1] not in (b"_", b"#"):
            words[column] = word
            lines[place] = b" ".join(words)
    return b"\n".join(lines)


def labels_changed(data: bytes, rng: random.Random) -> bytes:
    """A label renamed, exchanged with another, twice, or another column's."""
    lines = _lines(data)
    labels = [place for place, line in enumerate(lines) if line.startswith(b"_")]
    if not labels:
        return data
    one, other, how = rng.choice(labels), rng.choice(labels), rng.randrange(4)
    if how == 0:
        lines[one] = rng.choice((b"_rlnOriginX", b"_rlnPhaseShift", b"_rlnOddZernike", b"_rlnMagMat00",
                                 b"_rlnVoltage", b"_",
                                 b"_rlnDetectorPixelSize", b"_rlnImageSize", b"_rlnOpticsGroup", b"_rlnRandomSubset",
                                 b"\xff"))  # fmt: skip
    elif how == 1:
        lines[one], lines[other] = lines[other], lines[one]
    elif how == 2:
        lines[one] = lines[other]
    else:
        lines[one] = b"_unknown" + lines[one][1:]
    return b"\n".join(lines)


def tables_changed(data: bytes, rng: random.Random) -> bytes:
    """The tables in another order, one of them twice, gone, or renamed."""
    parts = data.split(b"data_")
    head, tables = parts[0], [b"data_" + part for part in parts[1:]] or [data]
    how = rng.randrange(4)
    if how == 0:
        tables.reverse()
    elif how == 1:
        tables.append(rng.choice(tables))
    elif how == 2:
        del tables[rng.randrange(len(tables))]
    else:
        tables = [
            t.replace(b"data_optics", rng.choice((b"data_", b"data_x", b"DATA_OPTICS", b"data_particles")))
            for t in tables
        ]
    return head + b"".join(tables)


def encoded(data: bytes, rng: random.Random) -> bytes:
    """In another encoding, or with other line ends."""
    text = data.decode("utf-8", "replace")
    how = rng.randrange(7)
    if how < 4:
        return text.encode(("utf-16", "utf-8-sig", "utf-32", "cp037")[how], "replace")
    return data.replace(b"\n", (b"\r\n", b"\r", b"\v")[how - 4])


STAR: list[Mutation] = [*BYTES, lines_changed, word_replaced, word_replaced, word_replaced, column_replaced,
                        column_replaced,
                        labels_changed, tables_changed, encoded]  # fmt: skip


# ---------------------------------------------------------------------------- MRC


def mrc_header_changed(data: bytes, rng: random.Random) -> bytes:
    """Some of the header's 256 numbers replaced; the first ones, that say what is in the file, more often."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 5))):
        word = rng.choice((0, 1, 2, 3, 7, 8, 9, 10, 11, 12, 16, 17, 18, 23, 49, 50, 52, 53, rng.randrange(256)))
        if rng.random() < 0.5:
            struct.pack_into("<i", changed, 4 * word, rng.choice(NUMBERS))
        else:
            struct.pack_into("<f", changed, 4 * word, rng.choice(FLOATS))
    return bytes(changed)


def mrc_mode_changed(data: bytes, rng: random.Random) -> bytes:
    """Another type of voxel, or another byte order, than the file has."""
    if rng.random() < 0.3:
        return np.frombuffer(data[:1024], "<i4").byteswap().tobytes() + data[1024:]
    return data[:12] + struct.pack("<i", rng.choice((0, 1, 3, 4, 5, 6, 7, 12, 101, -1, 99))) + data[16:]


def voxels_changed(data: bytes, rng: random.Random) -> bytes:
    """Voxels that are no numbers, or too large."""
    changed = bytearray(data)
    value = struct.pack("<f", rng.choice((float("nan"), float("inf"), -float("inf"), 3e38, 1e-45, 0.0)))
    places = range(1024, len(changed) - 3, 4)
    for place in places if rng.random() < 0.3 else rng.sample(places, min(len(places), 20)):
        changed[place : place + 4] = value
    return bytes(changed)


MRC: list[Mutation] = [*BYTES, mrc_header_changed, mrc_header_changed, mrc_header_changed, mrc_header_changed,
                       mrc_mode_changed,
                       voxels_changed]  # fmt: skip

"""Damaged .cs files, made of good ones, as in fuzz_mutations.py; for fuzz_inputs.py.

A pickle that is put into one would write the file named by ``MARK`` if anybody executed it.
"""

from __future__ import annotations

import io
import os
import pickle
import random
import struct
import tempfile
from pathlib import Path

import numpy as np
from fuzz_mutations import BYTES, FLOATS, Mutation

MARK = Path(tempfile.gettempdir()) / "flexrec-fuzz-pickle-was-run"
NAMES = ("blob/sign", "ctf/anisomag", "alignments3D/alpha", "ctf/exp_group_id", "a b", "é")
KINDS = ("f2", "f8", "i1", "i8", "u8", "S8", "U8", "c16", "?", "M8[s]", "V4", "O", ("f4", (3, 3)), ("f4", (0,)),
         ("i4", (2,)), ("S4", (2,)), [("a", "f4"), ("b", "i4")], ("O", (2,)), ">f4", ">i8")  # fmt: skip


class Trap:
    """What a pickle can do: it makes ``MARK`` when it is loaded."""

    def __reduce__(self) -> tuple:
        return os.system, (f"touch {MARK}",)


def saved(array: np.ndarray) -> bytes:
    """The array as a file."""
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


def values_changed(data: bytes, rng: random.Random) -> bytes:
    """A field's value, or all of them, replaced by one that cannot be."""
    array = np.load(io.BytesIO(data))
    for _ in range(rng.choice((1, 1, 3))):
        name = rng.choice(array.dtype.names)
        rows = slice(None) if rng.random() < 0.5 else rng.randrange(max(len(array), 1))
        kind = array[name].dtype.kind
        if kind == "f":
            value = rng.choice([*FLOATS, 1e300])
        elif kind in "iu":
            info = np.iinfo(array[name].dtype)
            value = rng.choice((info.max, info.min, 0, info.max // 2))
        else:
            value = rng.choice((b"", b"\xff\xfe", b"../" * 10, b">x", b"/dev/zero", b"a\nb"))
        if len(array):
            with np.errstate(all="ignore"):
                array[name][rows] = value
    return saved(array)


def fields_changed(data: bytes, rng: random.Random) -> bytes:
    """A field of another type or shape, renamed, gone, twice as wide; or a pickle in its place."""
    array = np.load(io.BytesIO(data))
    name, how = rng.choice(array.dtype.names), rng.randrange(4)
    new = [(field, array.dtype[field]) for field in array.dtype.names]
    place = array.dtype.names.index(name)
    if how == 0:
        del new[place]
    elif how == 1:
        new[place] = (rng.choice((name + "x", *NAMES)), array.dtype[name])
    else:
        new[place] = (name, rng.choice(KINDS))
    if len({field for field, _ in new}) < len(new):
        return data
    made = np.zeros(len(array), new)
    for field in made.dtype.names:
        if made[field].dtype.kind == "O":
            for index in np.ndindex(made[field].shape):
                made[field][index] = Trap()
        elif field in array.dtype.names and made[field].shape == array[field].shape:
            try:
                with np.errstate(all="ignore"):
                    made[field] = array[field]
            except (ValueError, TypeError):
                pass
    return saved(made)


def header_changed(data: bytes, rng: random.Random) -> bytes:
    """The header says another shape, order, type or version than the file has."""
    size = struct.unpack("<H", data[8:10])[0]
    header, rest = data[10 : 10 + size], data[10 + size :]
    how = rng.randrange(7)
    if how == 0:
        count = header.partition(b"'shape': (")[2].partition(b",")[0]
        wrong = (b"0", b"1", b"999999999", b"99999999999999999999", b"-1", b"3, 2", b"", b"1000000")
        header = header.replace(b"(" + count, b"(" + rng.choice(wrong))
    elif how == 1:
        header = header.replace(b"False", b"True")
    elif how == 2:
        other = rng.choice((b"<f8", b">f4", b"|O", b"<c8", b"|S4", b"<f0", b"<f999"))
        header = header.replace(b"<f4", other, rng.choice((1, 100)))
    elif how == 3:
        header = header.replace(b"'descr'", b"'descr2'")
    elif how == 4:
        header = b"{'descr': __import__('os').system('touch " + str(MARK).encode() + b"'), 'shape': (1,)}"
    elif how == 5:
        header = header.replace(b"(", b"((((((((((" * 50)
    else:
        return data[:6] + bytes([rng.randrange(6), rng.randrange(4)]) + data[8:]
    header = header.rstrip(b"\n") + b"\n"
    return data[:8] + struct.pack("<H", min(len(header), 65535)) + header[:65535] + rest


def other_arrays(data: bytes, rng: random.Random) -> bytes:
    """Another kind of file under this name."""
    array, file = np.load(io.BytesIO(data)), io.BytesIO()
    how = rng.randrange(9)
    if how == 0:
        np.savez(file, a=array)
        return file.getvalue()
    if how == 1:
        return pickle.dumps(Trap())
    if how == 2:
        return saved(np.array([Trap(), Trap()], object))
    plain = (array[:0], array.reshape(1, -1), array[:1].reshape(()) if len(array) else array, np.zeros((3, 3)),
             np.array("text"), np.repeat(array, 3))  # fmt: skip
    return saved(plain[how - 3])


CS: list[Mutation] = [*BYTES, *[values_changed] * 3, *[fields_changed] * 3, *[header_changed] * 2, other_arrays]

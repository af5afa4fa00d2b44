"""Messages on a pipe, for both of its ends: a line of JSON, and after it as many raw bytes as the line announces."""

from __future__ import annotations

import json
import math
from contextlib import suppress
from io import BufferedIOBase
from typing import Any, BinaryIO

import numpy as np

PROTOCOL = 1  # raised when a program that speaks the old one would misunderstand
LINE_LIMIT = 1 << 20  # bytes of a line
BYTES_LIMIT = 1 << 30  # bytes after a request's line
PIPE_BYTES = 1 << 20  # held by the pipe, where the system lets us say so: a map crosses in fewer turns
NUMBERS = np.dtype("<f4")
_SKIPPED_AT_ONCE = 1 << 20


class MalformedError(ValueError):
    """A message that cannot be understood; the one after it still can. ``number`` is its id, if it has one."""

    def __init__(self, sentence: str, number: Any = None, kind: str = "input") -> None:
        super().__init__(sentence)
        self.number = number
        self.kind = kind


def read_message(file: BufferedIOBase, limit: int | None = BYTES_LIMIT) -> tuple[dict, np.ndarray | None] | None:
    """The next header and its float32 array, or None at the end of the pipe.

    The array has the header's ``shape``, or is flat where there is none. ``limit`` is of its bytes. `MalformedError`
    after the whole message has been read past, so that the next call reads the next one.
    """
    line = file.readline(LINE_LIMIT + 1)
    if not line.endswith(b"\n"):
        if len(line) <= LINE_LIMIT:
            return None
        _skip_line(file)
        raise MalformedError(f"a line is longer than {LINE_LIMIT} bytes; send long lists of numbers as raw float32.")
    header = _parse(line)
    number = header.get("id")
    size = header.get("bytes", 0)
    if type(size) is not int or size < 0:
        raise MalformedError(f"bytes is {size!r}; give the number of bytes that follow the line.", number)
    if limit is not None and size > limit:
        _skip(file, size)
        raise MalformedError(f"{size} bytes follow the line, and {limit} are the limit; ask in pieces.", number)
    if size == 0 and "shape" not in header:
        return header, None
    try:
        array = np.empty(size // NUMBERS.itemsize, NUMBERS)
    except MemoryError:
        _skip(file, size)
        raise MalformedError(f"there is no memory for the {size} bytes that were sent.", number, "memory") from None
    if not _fill(file, array.data.cast("B") if array.size else memoryview(b"")):
        return None
    _skip(file, size % NUMBERS.itemsize)
    return header, _shaped(array, header, size)


def _parse(line: bytes) -> dict:
    try:
        header = json.loads(line)
    except (ValueError, RecursionError):
        raise MalformedError("a line is not JSON; send one JSON object on each line.") from None
    if not isinstance(header, dict):
        raise MalformedError("a line is no JSON object; send one on each line.")
    return header


def _shaped(array: np.ndarray, header: dict, size: int) -> np.ndarray:
    shape = header.get("shape", [array.size])
    fits = isinstance(shape, list) and all(type(side) is int and side >= 0 for side in shape)
    try:
        if fits and NUMBERS.itemsize * math.prod(shape) == size:
            return array.reshape(shape)
    except (ValueError, OverflowError):  # more dimensions than numpy has, or nothing times more than it can count
        pass
    raise MalformedError(f"shape {shape!r} does not take the {size} bytes of float32 sent.", header.get("id"))


def _fill(file: BufferedIOBase, view: memoryview) -> bool:
    """Read until the view is full; False if the pipe ends before."""
    done = 0
    while done < len(view):
        count = file.readinto(view[done:])
        if not count:
            return False
        done += count
    return True


def _skip(file: BufferedIOBase, size: int) -> None:
    while size > 0:
        taken = len(file.read(min(size, _SKIPPED_AT_ONCE)))
        if not taken:
            return
        size -= taken


def _skip_line(file: BufferedIOBase) -> None:
    while (more := file.readline(LINE_LIMIT)) and not more.endswith(b"\n"):
        pass


def packed(header: dict, array: np.ndarray | None = None) -> list[bytes | memoryview]:
    """What to write for a message: its line, and its array as it lies in memory."""
    if array is None:
        return [_line(header)]
    array = np.ascontiguousarray(array, NUMBERS)
    line = _line({**header, "shape": list(array.shape), "bytes": array.nbytes})
    return [line, array.data.cast("B")] if array.size else [line]


def _line(header: dict) -> bytes:
    return json.dumps(header, separators=(",", ":"), default=_plain).encode() + b"\n"


def _plain(value: Any) -> Any:
    """Numbers and arrays of numpy as JSON has them."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def write_all(file: BinaryIO, parts: list[bytes | memoryview]) -> None:
    """Write a packed message to an unbuffered file."""
    for part in parts:
        view = memoryview(part)
        while len(view):
            view = view[file.write(view) :]


def enlarge(file: BinaryIO) -> None:
    """Let the pipe hold more, on systems that can."""
    with suppress(ImportError, AttributeError, OSError):
        import fcntl

        fcntl.fcntl(file.fileno(), fcntl.F_SETPIPE_SZ, PIPE_BYTES)

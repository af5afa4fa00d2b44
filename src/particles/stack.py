"""Images from stacks on disk, by plain reads at an offset: resident memory does not grow with the data set."""

from __future__ import annotations

import threading
from io import FileIO
from itertools import groupby, pairwise
from pathlib import Path

import numpy as np

from ..errors import InputError
from .mrc import MrcHeader, read_header
from .particles import Particles
from .stack_paths import is_file


class ImageStack:
    """The images of a set of particles. One object may serve many threads.

    >>> images = ImageStack(particles).read([5, 3, 4])  # (3, D, D) float32, protein white
    """

    def __init__(self, particles: Particles) -> None:
        self._particles = particles
        self._headers: dict[int, MrcHeader] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._particles)

    def check(self) -> None:
        """Read every stack's header; ``InputError`` for the first that is missing, damaged or too short."""
        highest = np.full(len(self._particles.stacks), -1, np.int64)
        np.maximum.at(highest, self._particles.stack, self._particles.index)
        for number in np.flatnonzero(highest >= 0):
            self._checked_header(int(number), int(highest[number]))

    def read(self, rows: np.ndarray) -> np.ndarray:
        """Images of these rows in their order, (m, D, D) float32, contrast applied (protein white).

        Rows are visited in the order of the file and neighbours are read at once. ``InputError`` for a stack that is
        missing, truncated, or of another box than the first.
        """
        images = self.stored(rows, np.dtype(np.float32))
        if self._particles.contrast != 1:
            images *= np.float32(self._particles.contrast)
        return images

    def stored(self, rows: np.ndarray, dtype: np.dtype) -> np.ndarray:
        """Like `read`, but the numbers as they are in the file, (m, D, D) of ``dtype``."""
        rows = np.atleast_1d(np.asarray(rows))
        rows = np.flatnonzero(rows) if rows.dtype == bool else rows.astype(np.int64)
        if len(rows) == 0:
            return np.empty((0, 0, 0), dtype)
        stack, index = self._particles.stack[rows], self._particles.index[rows]
        order = np.lexsort((index, stack))
        stack, index = stack[order], index[order]
        side = self._checked_header(int(stack[0]), int(index[0])).columns
        images = np.empty((len(rows), side, side), dtype)
        for number, runs in groupby(_runs(stack, index), key=lambda run: int(stack[run[0]])):
            path = self._particles.stacks[number]
            header = self._checked_header(number, 0)
            if header.columns != side:
                raise InputError(f"{path}: its images are {header.columns} pixels wide and others {side}; run prep, "
                                 "which brings all to one box.")  # fmt: skip
            with _open(path) as file:
                for first, last in runs:
                    start = int(index[first])
                    self._checked_header(number, start + last - first - 1)
                    _read_run(file, header, start, images, order[first:last], path)
        return images

    def dtype(self) -> np.dtype:
        """The type of all numbers in the stacks, in this computer's byte order; float32 where stacks differ."""
        types = {self._header(int(number)).dtype.newbyteorder("=") for number in np.unique(self._particles.stack)}
        return types.pop() if len(types) == 1 else np.dtype(np.float32)

    def _checked_header(self, number: int, highest: int) -> MrcHeader:
        header = self._header(number)
        if highest < header.whole:
            return header
        path, source = self._particles.stacks[number], self._particles.source
        if header.whole < header.sections:
            raise InputError(f"{path}: truncated: the header announces {header.sections} images, the file holds "
                             f"{header.whole}, and {source} names image {highest + 1}; copy it again.")  # fmt: skip
        raise InputError(f"{path}: holds {header.whole} images, but {source} names image {highest + 1}; "
                         "give the stack that belongs to this particle file.")  # fmt: skip

    def _header(self, number: int) -> MrcHeader:
        with self._lock:
            if number not in self._headers:
                self._headers[number] = self._read_header(self._particles.stacks[number])
            return self._headers[number]

    def _read_header(self, path: Path) -> MrcHeader:
        if not is_file(path):
            raise InputError(f"{path}: this image stack, named in {self._particles.source}, does not exist; give the "
                             "folder that the stack names start from (prep's image root).")  # fmt: skip
        header = read_header(path)
        if header.columns != header.rows:
            raise InputError(f"{path}: its images are {header.columns} x {header.rows} pixels; particle images must "
                             "be square.")  # fmt: skip
        return header


def _runs(stack: np.ndarray, index: np.ndarray) -> list[tuple[int, int]]:
    """[first, last) of the stretches of consecutive images of one stack, in sorted (m,) arrays."""
    if len(stack) == 0:
        return []
    breaks = np.flatnonzero((np.diff(stack) != 0) | (np.diff(index) != 1)) + 1
    edges = [0, *breaks.tolist(), len(stack)]
    return list(pairwise(edges))


def image_name(particles: Particles, row: int) -> str:
    """A particle's image as a person finds it: ``image 8 of particles.mrcs``."""
    return f"image {particles.index[row] + 1} of {particles.stacks[particles.stack[row]].name}"


def _open(path: Path) -> FileIO:
    """A stack whose header is known, so was there, for unbuffered reading."""
    try:
        return open(path, "rb", buffering=0)
    except OSError as error:
        raise InputError(f"{path}: can no longer be read ({error.strerror}), though its header was; put it back and "
                         "resume the job.") from error  # fmt: skip


def _read_run(file: FileIO, header: MrcHeader, start: int, images: np.ndarray, places: np.ndarray, path: Path) -> None:
    """Images start, start+1, … of one stack into ``images[places]``."""
    ascending = len(places) == places[-1] - places[0] + 1 and bool(np.all(np.diff(places) == 1))
    direct = header.dtype == images.dtype and ascending
    target = images[places[0] : places[-1] + 1] if direct else np.empty(
        (len(places), header.rows, header.columns), header.dtype)  # fmt: skip
    file.seek(header.offset + start * header.image_bytes)
    _read_into(file, target.data.cast("B"), path)
    if not direct:
        images[places] = target


def _read_into(file: FileIO, view: memoryview, path: Path) -> None:
    """Fill ``view`` from an unbuffered file (one call may return less than was asked)."""
    done = 0
    while done < len(view):
        got = file.readinto(view[done:])
        if not got:
            raise InputError(f"{path}: ends before the image that is read; the file was cut while in use.")
        done += got

"""A stack written chunk by chunk by several threads, which a killed job continues where it was."""

from __future__ import annotations

import errno
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ..atomic import atomic_path
from ..errors import InputError
from .mrc import HEADER_BYTES, stack_header
from .prefetch import in_order

_SYNC_SECONDS = 2.0  # between two entries of the journal, each of which waits for the disk


class StackWriter:
    """Writes ``folder/name``, under another name until it is whole, with a journal beside it.

    Parameters
    ----------
    folder, name : where. count, box, pixel_size : of the stack. chunk : images written at a time.
    digest : of everything that the images depend on: a journal of other images is not continued.
    """

    def __init__(
        self, folder: Path, name: str, count: int, box: int, pixel_size: float, chunk: int, digest: str
    ) -> None:
        self.target = folder / name
        self._unfinished = self.target.with_suffix(".unfinished")
        self._journal = self.target.with_suffix(".unfinished.json")
        self._count, self._box, self._pixel_size, self._chunk, self._digest = count, box, pixel_size, chunk, digest

    @property
    def chunks(self) -> int:
        """How many chunks the stack has."""
        return -(-self._count // self._chunk)

    def done(self) -> int:
        """Chunks that are safely on disk."""
        if self.target.exists():
            return self.chunks
        try:
            journal = json.loads(self._journal.read_text(encoding="utf-8"))
            return int(journal["chunks"]) if self._unfinished.exists() and journal["digest"] == self._digest else 0
        except (OSError, ValueError, KeyError, TypeError):
            return 0

    def write(self, make: Callable[[np.ndarray], np.ndarray], workers: int) -> Iterator[int]:
        """Make (m, D, D) images of rows by ``make`` in ``workers`` threads, write them in order; yields chunks written.

        A caller that stops iterating leaves a stack that can be continued. ``InputError`` when the disk is full.
        """
        start, image_bytes = self.done(), 4 * self._box**2
        if self.target.exists():
            return
        self._check_space((self._count - start * self._chunk) * image_bytes)
        try:
            with open(self._unfinished, "r+b" if start else "wb") as file:
                file.write(stack_header(self._count, self._box, self._pixel_size))
                file.seek(HEADER_BYTES + start * self._chunk * image_bytes)
                yield from self._write_chunks(file, make, start, workers)
            os.replace(self._unfinished, self.target)
            self._journal.unlink(missing_ok=True)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise InputError(f"{self.target}: the disk is full; free some space and resume the job.") from error
            raise

    def _write_chunks(self, file: BinaryIO, make: Callable, start: int, workers: int) -> Iterator[int]:
        synced, written = time.monotonic(), start
        try:
            for images in in_order(make, self._rows(start), workers):
                file.write(np.ascontiguousarray(images, "<f4").data)
                written += 1
                if time.monotonic() - synced >= _SYNC_SECONDS:
                    self._record(file, written)
                    synced = time.monotonic()
                yield written
        finally:  # also when the caller stops
            self._record(file, written)

    def _rows(self, start: int) -> Iterator[np.ndarray]:
        for chunk in range(start, self.chunks):
            yield np.arange(chunk * self._chunk, min((chunk + 1) * self._chunk, self._count))

    def _record(self, file: BinaryIO, chunks: int) -> None:
        """Note the chunks in the journal, once they are on the disk."""
        file.flush()
        os.fsync(file.fileno())
        with atomic_path(self._journal) as path:
            path.write_text(json.dumps({"digest": self._digest, "chunks": chunks}), encoding="utf-8")

    def _check_space(self, needed: int) -> None:
        free = shutil.disk_usage(self.target.parent).free
        if free < needed:
            raise InputError(f"{self.target}: needs {needed / 1e9:.1f} GB and the disk has {free / 1e9:.1f} GB left; "
                             "free some space, or give a smaller box or subset.")  # fmt: skip

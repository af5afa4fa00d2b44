"""A copy of an image stack on another disk: whole or not there, and of the stack as it is now.

It is named for its source's path and has a small JSON beside it with the source's size and time of change. It is taken
where these are still the source's and the copy is as long; else it is made anew, under another name until it is whole.
Processes that want the same stack take turns, so that one copies and the others find the copy.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ...atomic import atomic_path
from ...errors import InputError
from ...file_locks import lock_file

CHUNK_BYTES = 1 << 24  # copied between two words of how far it is
SYNC_CHUNKS = 64  # copied between two waits for the disk, so that the last wait is short
STALE_SECONDS = 120.0  # after which an unfinished copy that does not grow is taken for abandoned
_GLANCE = 0.2  # seconds between two looks at a lock that is taken


@dataclass(frozen=True)
class Copy:
    """A stack, its copy, and what tells whether the copy is of the stack as it is: size in bytes and time in ns."""

    source: Path
    path: Path
    size: int
    changed: int

    @property
    def note(self) -> Path:
        """The JSON beside the copy."""
        return self.path.with_name(self.path.name + ".json")

    def facts(self) -> dict[str, object]:
        """What the JSON says of a copy that can be used."""
        return {"source": str(self.source), "bytes": self.size, "modified_ns": self.changed}

    def is_whole(self) -> bool:
        """Whether the copy is there, of the stack as it is now."""
        try:
            note = json.loads(self.note.read_text(encoding="utf-8"))
            return note == self.facts() and self.path.stat().st_size == self.size
        except (OSError, ValueError):
            return False


def copy_of(source: Path, folder: Path) -> Copy:
    """Where the copy of a stack belongs; stacks of one name in several folders have a copy each."""
    try:
        state = source.stat()
    except OSError as error:
        raise InputError(f"{source}: this image stack cannot be read ({error.strerror}); is its disk there?") from None
    digest = hashlib.sha256(os.fsencode(os.path.abspath(source))).hexdigest()[:16]
    path = folder / f"{source.stem[:80]}-{digest}{source.suffix}"
    return Copy(source, path, state.st_size, state.st_mtime_ns)


def make_copy(copy: Copy, progress: Callable[[int], None], needed: int) -> bool:
    """Copy the stack; False where another process has done so meanwhile.

    ``progress(bytes done)`` may raise, to stop. ``InputError`` where it cannot be read or written, or where the disk
    has not the ``needed`` bytes for it and those that are to follow.
    """
    try:
        with _locked(copy, progress):
            if copy.is_whole():
                return False
            _sweep(copy)
            _check_space(copy.path.parent, needed)
            with atomic_path(copy.path) as temporary:
                _copy(copy, temporary, progress)
            with atomic_path(copy.note) as temporary:
                temporary.write_text(json.dumps(copy.facts(), indent=1) + "\n", encoding="utf-8")
            return True
    except OSError as error:
        raise InputError(f"cache: {copy.source} cannot be copied to {copy.path} ({error.strerror}); give another "
                         "folder, or leave --cache out.") from error  # fmt: skip


def _check_space(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise InputError(f"cache: {folder} has {free / 1e9:.2f} GB free and the images need {needed / 1e9:.2f} GB; "
                         "remove old copies from it, give another folder, or leave --cache out.")  # fmt: skip


def _copy(copy: Copy, target: Path, progress: Callable[[int], None]) -> None:
    done, buffer = 0, memoryview(bytearray(CHUNK_BYTES))
    with open(copy.source, "rb", buffering=0) as source, open(target, "wb", buffering=0) as file:
        while got := source.readinto(buffer):
            _write(file, buffer[:got])
            done += got
            if done % (SYNC_CHUNKS * CHUNK_BYTES) < got:
                os.fsync(file.fileno())
            progress(done)
        now = os.fstat(source.fileno())
    if (done, now.st_size, now.st_mtime_ns) != (copy.size, copy.size, copy.changed):
        raise InputError(f"{copy.source}: was changed while it was copied; run the job again when it is finished.")


def _write(file: BinaryIO, view: memoryview) -> None:
    """All of it (one call may write less than it was given)."""
    done = 0
    while done < len(view):
        done += file.write(view[done:])


@contextmanager
def _locked(copy: Copy, progress: Callable[[int], None]) -> Iterator[None]:
    """Wait while another process copies the stack.

    Not every file system has locks. Where the lock is not to be had and no unfinished copy grows, go on without: each
    process copies under a name of its own, so that this costs time alone.
    """
    with open(copy.path.with_name(copy.path.name + ".lock"), "a+b") as file:
        until = time.monotonic() + STALE_SECONDS
        while not lock_file(file.fileno()) and time.monotonic() < until:
            growing = [path for path in _unfinished(copy) if not _is_stale(path)]
            if growing:
                until = time.monotonic() + STALE_SECONDS
            progress(max(map(_size, growing), default=0))
            time.sleep(_GLANCE)
        yield


def _sweep(copy: Copy) -> None:
    """Remove what a killed process left half-copied."""
    for path in filter(_is_stale, _unfinished(copy)):
        path.unlink(missing_ok=True)


def _unfinished(copy: Copy) -> list[Path]:
    """The temporary files of `atomic_path`, of any process."""
    return [path for path in copy.path.parent.glob(".*.part*") if path.name.startswith(f".{copy.path.stem}.")]


def _is_stale(path: Path) -> bool:
    try:
        return time.time() - path.stat().st_mtime > STALE_SECONDS
    except OSError:  # just renamed
        return True


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0

"""A file that a running job touches again and again, by which another computer sees that it runs.

Only a file's time is compared with another file's time: computers' clocks differ, and may be set.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

NAME = ".alive"
_CLOCK = ".clock"  # a file of the project that is touched to learn what time it is there
SECONDS_BETWEEN_BEATS = 10.0
# A shared file system may show a change late, and a process that compiles or reads may be late.
SILENT = 180.0


@contextmanager
def beating(folder: Path, on_tick: Callable[[], None]) -> Iterator[None]:
    """Touch that file while the block runs, calling ``on_tick`` (in a thread of its own) once a second."""
    ended = threading.Event()

    def beat() -> None:
        beaten = 0.0
        while True:
            if time.monotonic() - beaten >= SECONDS_BETWEEN_BEATS or not beaten:
                beaten = time.monotonic()
                _touch(folder / NAME)
            if ended.wait(1.0):
                return
            on_tick()

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def silence(folder: Path) -> float:
    """Seconds since a job last wrote or touched a file, by the clock of the file system that it is on."""
    times = [_time(folder / name) for name in (NAME, "status.json", "log.txt", "progress.jsonl")]
    last = max(filter(None, times), default=0.0)
    clock = folder.parent / _CLOCK
    now = _time(clock) if _touch(clock) else None
    return max(0.0, (time.time() if now is None else now) - last)


def _touch(path: Path) -> bool:
    """Set a file's time to now, as its file system sees it; False where that cannot be."""
    with suppress(OSError), open(path, "ab"):
        os.utime(path)
        return True
    return False


def _time(path: Path) -> float | None:
    """When a file was last changed. It is opened, so that a network's file system asks anew; None if it cannot be."""
    with suppress(OSError), open(path, "rb") as file:
        return os.fstat(file.fileno()).st_mtime
    return None

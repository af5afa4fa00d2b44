"""Locks that processes, and threads of one process, hold on files."""

from __future__ import annotations

import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_GLANCE = 0.01  # seconds between two tries
# The operating system's lock is the process's; threads of one process need one of their own.
_THREADS: dict[Path, threading.Lock] = defaultdict(threading.Lock)


@contextmanager
def locked_path(path: Path, patience: float) -> Iterator[bool]:
    """Hold the lock file ``path`` for the block, and tell it whether it is held: waited for ``patience`` seconds.

    It is not where another holds it for longer, or where the file system has no locks. The operating system frees the
    lock of a process that dies. The file is made if it is not there, and stays. The lock is not to be taken again
    inside the block.
    """
    deadline, own = time.monotonic() + patience, _THREADS[path.absolute()]
    if not own.acquire(timeout=patience):
        yield False
        return
    try:
        with open(path, "a+b") as file:
            while not (held := lock_file(file.fileno())) and time.monotonic() < deadline:
                time.sleep(_GLANCE)
            yield held
    finally:
        own.release()


def lock_file(descriptor: int) -> bool:
    """Lock an open file, or say that another process has it.

    Forked children (data loaders that outlive a killed job) do not inherit the lock.
    """
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True

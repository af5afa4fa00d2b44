"""Which process runs a job: whether it lives, and that no second one starts on the same folder."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...errors import InputError
from ...file_locks import lock_file


def host_name() -> str:
    """This computer, as status.json names it."""
    return socket.gethostname()


def process_start(pid: int) -> str | None:
    """When a process of this computer started, as a text that no later process of the same pid shares; None if gone."""
    if sys.platform.startswith("linux"):
        return _linux_start(pid)
    import psutil

    try:
        return str(psutil.Process(pid).create_time())
    except psutil.Error:
        return None


def _linux_start(pid: int) -> str | None:
    """Boot and clock ticks since then (field 22 of /proc/PID/stat): a wall clock that is set does not change it."""
    try:
        state, *rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None
    # its files, and their locks, are its own until the last of its threads (field 20) is gone
    return None if state in "ZX" and int(rest[16]) <= 1 else f"{boot}:{rest[18]}"


def is_alive(pid: int | None, start: str | None) -> bool:
    """Whether the process that had this pid and start time still runs on this computer."""
    return pid is not None and start is not None and process_start(pid) == start


@contextmanager
def sole_runner(folder: Path) -> Iterator[None]:
    """Hold the job folder's lock, or raise ``InputError`` because another process has it.

    The operating system frees the lock when its holder ends, however it ends.
    """
    with open(folder / ".lock", "a+b") as file:
        if not lock_file(file.fileno()):
            raise InputError(f"{folder.name} is already run by another process; wait for it, or stop it.")
        yield

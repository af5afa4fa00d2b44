"""Devices of a computer that several projects share: one background job of a user at a time on each."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

from ...file_locks import lock_file
from .slots import parts_of, visible_gpus

FOLDER = "FLEXREC_SLOTS"  # the environment variable that names another folder for the locks
_GLANCE = 0.2  # seconds between two looks at a device that is taken


@contextmanager
def device_alone(slot: str, say: Callable[[str], None]) -> Iterator[None]:
    """Wait until no job of another project has the slot's device, and hold it for the block.

    ``say`` is told if there is a wait, and of its end. The operating system frees the device of a process that dies.
    Where locks cannot be made the job goes on without: it is better run beside another one than not at all. A slot of
    several devices takes them in one order, whoever asks, so that no two jobs wait for each other.
    """
    with ExitStack() as locks:
        for part in parts_of(slot):
            file = _open(part)
            if file is not None:
                _take(locks.enter_context(file), part, say)
        yield


def _take(file: BinaryIO, slot: str, say: Callable[[str], None]) -> None:
    if lock_file(file.fileno()):
        return
    say(f"waiting: a job of another project computes on {slot}")
    while not lock_file(file.fileno()):
        time.sleep(_GLANCE)
    say(f"{slot} is free: the job begins")


def _open(slot: str) -> BinaryIO | None:
    folder = Path(os.environ.get(FOLDER) or Path(tempfile.gettempdir()) / f"flexrec-{_user()}")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return open(folder / f"{_device(slot)}.lock", "a+b")
    except OSError:
        return None


def _user() -> str:
    return str(os.getuid()) if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")


def _device(slot: str) -> str:
    """The slot's name on this computer, whichever GPUs a project was shown: ``gpu-5`` for ``cuda:1`` of 3 and 5."""
    number, gpus = slot.removeprefix("cuda:"), visible_gpus()
    if slot.startswith("cuda:") and number.isdecimal() and int(number) < len(gpus):
        return f"gpu-{gpus[int(number)]}"
    return slot.replace(":", "-").replace(os.sep, "-")

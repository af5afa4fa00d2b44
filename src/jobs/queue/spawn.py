"""Starting a process that outlives the one that started it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from ...environment import booted
from ..job_environment import worker_environment

OUTPUT = "output.txt"
# What follows the Python's name where FlexRec is installed; the job's folder comes last.
WORKER = ("-m", f"{__package__}.worker")


def worker_command(python: str, folder: Path) -> list[str]:
    """The words that run a job's folder in ``python``, which has FlexRec."""
    return [python, *WORKER, str(folder)]


def start_worker(folder: Path, python: Path | str | None = None, gpu: str | None = None) -> int:
    """Start the process that runs a job's folder, and return its pid.

    It has a session and process group of its own, no input, its output in the folder's output.txt, and the listed
    environment only. ``python`` is this one if None; another need not have FlexRec, for the files that we run from are
    run. ``OSError`` where it cannot be started.
    """
    python = str(python or sys.executable)
    with open(folder / OUTPUT, "ab") as output:
        process = subprocess.Popen(
            [python, *_with_boot(WORKER), str(folder)],
            stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=folder.parent,
            env=worker_environment(python, gpu), **_detached(),
        )  # fmt: skip
    _forget(process)
    return process.pid


def _with_boot(words: tuple[str, ...]) -> list[str]:
    return booted(words[1]) if words[0] == "-m" else list(words)


def _detached() -> dict:
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}


_started: list[subprocess.Popen] = []


def _forget(process: subprocess.Popen) -> None:
    """Keep the process until it has ended: a starter that lives on must take its leave, or it stays as a zombie."""
    _started[:] = [other for other in (*_started, process) if other.poll() is None]

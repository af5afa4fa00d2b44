"""Waiting in tests for what other processes do, and ending them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import counting_program
from chimerax.flexrec.jobs.progress import last_progress
from chimerax.flexrec.jobs.project import job_folders
from chimerax.flexrec.jobs.queue.job_process import is_alive
from chimerax.flexrec.jobs.queue.queue_file import read_queue
from chimerax.flexrec.jobs.record import read_status


def wait_until(true: Callable[[], bool], what: str, seconds: float = 240.0) -> None:  # beside busy programs
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"waited {seconds:g} s in vain: {what}"
        time.sleep(0.01)


def wait_for_state(folder: Path, *states: str) -> None:
    wait_until(lambda: read_status(folder).status in states, f"{folder.name} is {read_status(folder)}, not {states}")


def wait_for_step(folder: Path, step: int) -> None:
    wait_until(lambda: (last_progress(folder) or {"step": 0})["step"] >= step, f"{folder.name} makes no progress")


def worker_of(folder: Path) -> int:
    """The pid of the worker that the queue names."""
    return next(entry.pid for entry in read_queue(folder.parent) if entry.job == folder.name)


def flexrec(project: Path, *words: str) -> subprocess.CompletedProcess:
    """A command line in a program of its own."""
    command = [sys.executable, counting_program.__file__, *words, "--project", str(project)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


@contextmanager
def counting_project(tmp_path: Path, monkeypatch, name: str = "project") -> Iterator[Path]:
    """A project for the counting jobs, with the computer to itself, whose processes end with it."""
    counting_program.declare(monkeypatch.setattr)
    monkeypatch.setenv("FLEXREC_SLOTS", str(tmp_path / "slots"))
    folder = tmp_path / name
    folder.mkdir()
    yield folder
    end_all(folder)


def end_all(project: Path) -> None:
    """Kill every process that a project's jobs still have."""
    for folder in job_folders(project):
        with suppress(Exception):
            status = json.loads((folder / "status.json").read_text())
            if is_alive(status["pid"], status["process_start"]) and status["pid"] != os.getpid():
                os.kill(status["pid"], signal.SIGKILL)
    for entry in read_queue(project):
        if entry.alive:
            os.kill(entry.pid, signal.SIGKILL)

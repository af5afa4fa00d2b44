"""What a running job may do: say what happens, show how far it is, write outputs whole, notice that it shall stop."""

from __future__ import annotations

import _thread
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from ..atomic import atomic_path
from .progress import ProgressFile
from .record import RUNNING, recorded_status, write_status

STOP_REQUEST = ".stop"  # a file that asks the job to stop, where one process cannot signal another (other computers)
_LEAVES_IN = 5.0  # seconds in which a job that was told to leave at once has ended its own children and files


class Watcher(Protocol):
    """Whoever shows a job to a person while it runs (the terminal)."""

    def log(self, text: str) -> None:
        """Show one message."""

    def progress(self, line: dict[str, Any]) -> None:
        """Show one line of progress.jsonl."""


def append_log(folder: Path, text: str) -> None:
    """Add a line, with the time, to a job's log.txt."""
    with open(folder / "log.txt", "a", encoding="utf-8") as file:
        file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')}  {text}\n")


class JobStopped(BaseException):
    """Raised inside a job that does not ask ``stop_requested`` itself, to leave it at once."""


class JobRun:
    """The one thing, besides its parameters, that a job's function is given.

    ``folder`` is the job's folder and ``seed`` the seed of every random number. ``JobRun(folder)`` alone is enough to
    call a job's function from a test or a script; ``watcher`` is told what is logged, for a person to see.
    """

    def __init__(self, folder: Path | str, seed: int = 0, watcher: Watcher | None = None) -> None:
        self.folder = Path(folder)
        self.seed = seed
        self.device: str | None = None
        self.stop_seen = False
        self._watcher = watcher
        self._progress = ProgressFile(self.folder)
        self._asks = self._noticed = False
        self._stop = False
        self._left: float | None = None  # when it was last told to leave at once, by a clock that is never set

    def log(self, text: str) -> None:
        """Add a line, with the time, to log.txt."""
        append_log(self.folder, text)
        if self._watcher:
            self._watcher.log(text)

    def progress(self, step: int, total: int, **values: Any) -> None:
        """Add a line to progress.jsonl: ``step`` of ``total`` is done; ``values`` are numbers to follow.

        A job of several parts names each by ``stage="…"``; every stage counts its own steps.
        """
        line = self._progress.append(step, total, values)
        if self._watcher:
            self._watcher.progress(line)

    def show(self, text: str) -> None:
        """Show a person what another process of the job has logged."""
        if self._watcher:
            self._watcher.log(text)

    def show_progress(self, line: dict[str, Any]) -> None:
        """Show a person a line of progress that another process of the job has written."""
        if self._watcher:
            self._watcher.progress(line)

    def on_device(self, name: str) -> None:
        """Say, in the log and in status.json, on what the job computes: ``cuda:0 (NVIDIA H200)``, ``cpu``."""
        self.device = name
        self.log(f"computing on {name}")
        status = recorded_status(self.folder)
        if status.status == RUNNING:
            write_status(self.folder, replace(status, device=name))

    @contextmanager
    def output(self, name: str) -> Iterator[Path]:
        """A temporary path that becomes ``folder/name`` when the block ends well; ``name`` may hold sub-folders."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(path) as temporary:
            yield temporary

    def stop_requested(self) -> bool:
        """Whether somebody asked the job to stop: write a checkpoint and return.

        A job that never asks is left at once, wherever it is, when it is stopped.
        """
        self._asks = True
        self._stop = self._stop or (self.folder / STOP_REQUEST).exists()
        self.stop_seen = self._stop
        return self._stop

    def notice_request(self) -> None:
        """In a thread beside the job: stop one that does not ask, when another computer wants it to end.

        And once more, if it was told to leave but Python was just clearing up and dropped the exception, as it does
        with any that is raised there (in a weak reference's callback, or in ``__del__``).
        """
        if self._asks:
            return
        if self._left is not None and time.monotonic() - self._left > _LEAVES_IN:
            self._left = None
            _thread.interrupt_main(signal.SIGTERM)
        elif not self._noticed and (self.folder / STOP_REQUEST).exists():
            self._noticed = True
            _thread.interrupt_main(signal.SIGTERM)

    def request_stop(self) -> None:
        """Ask the job to stop; the second time, or if it does not listen, leave it at once (``JobStopped``)."""
        leave = self._stop or not self._asks
        self._stop = True
        if leave:
            self._left = time.monotonic()
            raise JobStopped

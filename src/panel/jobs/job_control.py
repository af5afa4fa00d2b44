"""What starts and stops the jobs that the panel shows: this process, or ChimeraX's commands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from ...errors import InputError
from ...jobs.declare import Job
from ...jobs.queue import background
from .command_text import chimerax_line, command_word


class JobControl(Protocol):
    """What starts and stops jobs. ``InputError`` from any method is a sentence for the user."""

    kind: str
    open_maps: Callable[[Path, str], None] | None  # a reconstruction's, in colours; None where maps are not shown
    open_report: Callable[[Path], None] | None  # shows a job's page; None where the computer's own browser does

    def start(self, job: Job, values: Mapping[str, Any], project: Path, seed: int) -> None:
        """Queue a new job with the parameters that were given."""
        ...

    def stop(self, folder: Path) -> None:
        """Ask a job to write a checkpoint and end."""
        ...

    def kill(self, folder: Path) -> None:
        """End a job's processes at once."""
        ...

    def resume(self, folder: Path) -> None:
        """Queue a job again that was stopped, failed or was killed."""
        ...

    def start_waiting(self, project: Path) -> None:
        """Start the queued jobs that can run; called now and then from a thread of its own."""
        ...


class LocalJobControl:
    """Starts jobs from this process; ``python`` returns the Python that runs them (this one for None)."""

    kind = "Terminal"  # where a user would type the same
    open_maps = open_report = None

    def __init__(self, python: Callable[[], str | None] = lambda: None) -> None:
        self._python = python

    def start(self, job: Job, values: Mapping[str, Any], project: Path, seed: int) -> None:
        """See `JobControl`."""
        background.submit(job.verb, values, project, seed, self._python())

    def stop(self, folder: Path) -> None:
        """See `JobControl`."""
        background.stop(folder)

    def kill(self, folder: Path) -> None:
        """See `JobControl`."""
        background.kill(folder)

    def resume(self, folder: Path) -> None:
        """See `JobControl`."""
        background.resume(folder, self._python())

    def start_waiting(self, project: Path) -> None:
        """See `JobControl`."""
        with suppress(OSError, InputError):  # a project that one may only read is shown all the same
            background.start_next(project, self._python())


class CommandJobControl(LocalJobControl):
    """Runs a ChimeraX command for each, so that the log is a script that repeats it.

    ``run`` runs a command and returns whether it succeeded; why it failed is passed to `on_failure`.
    """

    kind = "ChimeraX"

    def __init__(self, run: Callable[[str], bool], python: Callable[[], str | None] = lambda: None) -> None:
        super().__init__(python)
        self._run, self._failure = run, ""

    def start(self, job: Job, values: Mapping[str, Any], project: Path, seed: int) -> None:
        """See `JobControl`."""
        self._do(chimerax_line(job, values, project, seed))

    def stop(self, folder: Path) -> None:
        """See `JobControl`."""
        self._do(f"flexrec stop {folder.name} project {command_word(str(folder.parent))}")

    def kill(self, folder: Path) -> None:
        """See `JobControl`."""
        self._do(f"flexrec stop {folder.name} project {command_word(str(folder.parent))} now true")

    def resume(self, folder: Path) -> None:
        """See `JobControl`."""
        self._do(f"flexrec resume {folder.name} project {command_word(str(folder.parent))}")

    def open_maps(self, folder: Path, colour: str) -> None:
        """See `JobControl`."""
        self._do(f"flexrec maps {folder.name} project {command_word(str(folder.parent))} color {colour}")

    def open_report(self, path: Path) -> None:
        """See `JobControl`: in ChimeraX's own browser."""
        self._do(f"open {command_word(str(path))}")

    def on_failure(self, sentence: str) -> None:
        """Why the command failed."""
        self._failure = sentence

    def _do(self, command: str) -> None:
        self._failure = ""
        if not self._run(command):
            raise InputError(self._failure or "The command failed; the log says why.")

"""Who starts and stops the jobs that the panel shows: this process, or ChimeraX's commands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from ...errors import InputError
from ...jobs.declare import Job
from ...jobs.queue import background
from .job_words import chimerax_line, command_word


class JobDesk(Protocol):
    """Where jobs are handed in. ``InputError`` from any of them is a sentence for the person who asked."""

    kind: str
    open_map: Callable[[Path], None] | None  # shows a job's map by the job's name; None where such maps are not shown

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

    def attend(self, project: Path) -> None:
        """Start what waits and can; called now and then from a thread of its own."""
        ...


class LocalDesk:
    """Hands jobs in from this process; ``python`` tells which Python runs them (this one for None)."""

    kind = "Terminal"  # where a person would type the same
    open_map = None

    def __init__(self, python: Callable[[], str | None] = lambda: None) -> None:
        self._python = python

    def start(self, job: Job, values: Mapping[str, Any], project: Path, seed: int) -> None:
        """See `JobDesk`."""
        background.submit(job.verb, values, project, seed, self._python())

    def stop(self, folder: Path) -> None:
        """See `JobDesk`."""
        background.stop(folder)

    def kill(self, folder: Path) -> None:
        """See `JobDesk`."""
        background.kill(folder)

    def resume(self, folder: Path) -> None:
        """See `JobDesk`."""
        background.resume(folder, self._python())

    def attend(self, project: Path) -> None:
        """See `JobDesk`."""
        with suppress(OSError, InputError):  # a project that one may only read is shown all the same
            background.start_next(project, self._python())


class CommandDesk(LocalDesk):
    """Runs a ChimeraX command for what a person asks, so that the log is a script that repeats it.

    ``run`` runs a command text, tells the person what is wrong with it, and says whether nothing was.
    """

    kind = "ChimeraX"

    def __init__(self, run: Callable[[str], bool], python: Callable[[], str | None] = lambda: None) -> None:
        super().__init__(python)
        self._run, self._heard = run, ""

    def start(self, job: Job, values: Mapping[str, Any], project: Path, seed: int) -> None:
        """See `JobDesk`."""
        self._do(chimerax_line(job, values, project, seed))

    def stop(self, folder: Path) -> None:
        """See `JobDesk`."""
        self._do(f"flexrec stop {folder.name} project {command_word(str(folder.parent))}")

    def kill(self, folder: Path) -> None:
        """See `JobDesk`."""
        self._do(f"flexrec stop {folder.name} project {command_word(str(folder.parent))} now true")

    def resume(self, folder: Path) -> None:
        """See `JobDesk`."""
        self._do(f"flexrec resume {folder.name} project {command_word(str(folder.parent))}")

    def open_map(self, path: Path) -> None:
        """See `JobDesk`."""
        self._do(f"open {command_word(str(path))} name {command_word(path.parent.name)}")

    def hear(self, sentence: str) -> None:
        """What is wrong with a command, as it is told."""
        self._heard = sentence

    def _do(self, command: str) -> None:
        self._heard = ""
        if not self._run(command):
            raise InputError(self._heard or "The command failed; the log says why.")

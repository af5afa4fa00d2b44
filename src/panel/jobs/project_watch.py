"""Reads a project's folder again and again, in a thread, so that a slow disk never blocks the window."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from qtpy.QtCore import QObject, QTimer, Signal

from ...errors import InputError
from ...jobs.find_model import MODEL
from ...jobs.growing_files import Curves, LogTail
from ...jobs.listing import JobState, list_jobs
from ...jobs.missing_inputs import lost_input
from ...jobs.reconstruct.reconstructed_files import colours_of
from ...jobs.record import read_json, read_record
from ...jobs.reports.report_files import HTML
from .job_control import JobControl

_EVERY, _EVERY_HIDDEN = 1000, 4000  # milliseconds between two readings


@dataclass(frozen=True, eq=False)
class JobUpdate:
    """What is new of the job that is shown.

    ``log`` are new lines, all of them if ``afresh``; ``curves`` are those of `Curves.read`; ``figures`` its pictures,
    each with the time when it was written (ns); ``epochs`` is how many a training is to have,
    ``lost`` says which of its inputs is gone. ``colours`` are those that a reconstruction's map can have, ``report``
    whether there is a page about the job.
    """

    folder: Path
    log: str
    afresh: bool
    curves: np.ndarray
    figures: tuple[tuple[Path, int], ...]
    epochs: int | None = None
    lost: str = ""
    colours: frozenset[str] = frozenset()
    report: bool = False


@dataclass(frozen=True, eq=False)
class ProjectState:
    """A project at one moment. ``models`` are the times (ns) of the models that its trainings have written."""

    project: Path
    states: tuple[JobState, ...]
    models: dict[Path, int]
    update: JobUpdate | None
    problem: str = ""


class JobReader:
    """Reads one job, again and again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._log, self._curves, self._epochs = LogTail(folder), Curves(folder), _all_epochs(folder)

    def read(self) -> JobUpdate:
        """What is new."""
        text, afresh = self._log.read()
        self._epochs = self._epochs or _all_epochs(self.folder)
        return JobUpdate(self.folder, text, afresh, self._curves.read(), _figures(self.folder), self._epochs,
                         lost_input(self.folder), colours_of(self.folder), (self.folder / HTML).is_file())  # fmt: skip


def _all_epochs(folder: Path) -> int | None:
    """Of a training, as its record or its model says; None for another job, or while neither does."""
    with suppress(InputError, OSError):
        epochs = read_record(folder)["parameters"].get("epochs") or (read_json(folder / MODEL) or {}).get("epochs")
        return epochs if isinstance(epochs, int) else None
    return None


def _figures(folder: Path) -> tuple[tuple[Path, int], ...]:
    with suppress(OSError):
        seen = sorted(path for path in folder.glob("*.png") if not path.name.startswith("."))  # not one being written
        return tuple((path, path.stat().st_mtime_ns) for path in seen)
    return ()


def read_project(project: Path, reader: JobReader | None, control: JobControl | None = None) -> ProjectState:
    """Read a project's folder; a project that is gone or cannot be read has no jobs, and a ``problem``."""
    states: tuple[JobState, ...] = ()
    problem = "" if project.is_dir() else f"There is no folder {project} yet; the first job makes it."
    try:
        if control is not None and not problem:
            control.start_waiting(project)
        states = tuple(list_jobs(project))
    except Exception as error:  # whatever is in the folder, it may be mended at the next reading
        problem = str(error) or type(error).__name__
    return ProjectState(project, states, _models(states), reader.read() if reader else None, problem)


def _models(states: tuple[JobState, ...]) -> dict[Path, int]:
    times = {}
    for state in states:
        if state.verb == "train":
            with suppress(OSError):
                times[state.folder] = (state.folder / MODEL).stat().st_mtime_ns
    return times


class ProjectWatch(QObject):
    """Reads ``project``, and one of its jobs, once a second; never twice at a time."""

    updated = Signal(object)  # a ProjectState
    checkpoint = Signal(object)  # the folder of a training that has written a newer model

    def __init__(self, control: JobControl, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._control = control
        self.project: Path | None = None
        self._reader: JobReader | None = None
        self._models: dict[Path, int] | None = None
        self._busy = self._again = False
        self._timer = QTimer(self, interval=_EVERY)
        self._timer.timeout.connect(self.read)
        self._done.connect(self._deliver)
        self._timer.start()

    _done = Signal(object)

    def set_project(self, project: Path | None) -> None:
        """Watch another project."""
        self.project, self._reader, self._models = project, None, None
        self.read()

    def follow(self, folder: Path | None) -> None:
        """Read this job's log, curves and figures too, or no job's for None."""
        self._reader = None if folder is None else JobReader(folder)
        self.read()

    def set_visible(self, visible: bool) -> None:
        """Read more often while the jobs are visible."""
        self._timer.setInterval(_EVERY if visible else _EVERY_HIDDEN)

    def read(self) -> None:
        """Read now, or again when the present reading is done."""
        if self._busy:
            self._again = True
        elif self.project is not None:
            self._busy, self._again = True, False
            threading.Thread(target=self._read_in_thread, args=(self.project, self._reader), daemon=True).start()

    def end(self) -> None:
        """Stop."""
        self._timer.stop()
        self.project = None

    def _read_in_thread(self, project: Path, reader: JobReader | None) -> None:
        state = read_project(project, reader, self._control)
        with suppress(RuntimeError):  # the window has been closed since
            self._done.emit(state)

    def _deliver(self, state: ProjectState) -> None:
        self._busy = False
        if state.project == self.project:
            self.updated.emit(state)
            self._report_checkpoints(state.models)
        if self._again:
            self.read()

    def _report_checkpoints(self, models: dict[Path, int]) -> None:
        before, self._models = self._models, models
        for folder, time in models.items():
            if before is not None and before.get(folder) != time:
                self.checkpoint.emit(folder)

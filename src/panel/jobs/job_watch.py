"""Looks at a project's folder in a thread, so that a slow disk never holds the window."""

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
from ...jobs.record import read_json, read_record
from .job_desk import JobDesk

_EVERY, _EVERY_HIDDEN = 1000, 4000  # milliseconds between two looks


@dataclass(frozen=True, eq=False)
class Followed:
    """What the job that is followed has more to say.

    ``log`` are new lines, all of them if ``afresh``; ``curves`` are those of `Curves.read`; ``figures`` its pictures,
    each with the time when it was written (ns); ``epochs`` is how many a training is to have,
    ``lost`` says which of its inputs is gone.
    """

    folder: Path
    log: str
    afresh: bool
    curves: np.ndarray
    figures: tuple[tuple[Path, int], ...]
    epochs: int | None = None
    lost: str = ""


@dataclass(frozen=True, eq=False)
class Look:
    """A project at one moment. ``models`` are the times (ns) of the models that its trainings have written."""

    project: Path
    states: tuple[JobState, ...]
    models: dict[Path, int]
    followed: Followed | None
    problem: str = ""


class JobReader:
    """Reads one job, again and again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._log, self._curves, self._epochs = LogTail(folder), Curves(folder), _all_epochs(folder)

    def read(self) -> Followed:
        """What is new."""
        text, afresh = self._log.read()
        self._epochs = self._epochs or _all_epochs(self.folder)
        return Followed(self.folder, text, afresh, self._curves.read(), _figures(self.folder), self._epochs,
                        lost_input(self.folder))  # fmt: skip


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


def look(project: Path, reader: JobReader | None, desk: JobDesk | None = None) -> Look:
    """Read a project's folder; a project that is gone or cannot be read has no jobs, and a ``problem``."""
    states: tuple[JobState, ...] = ()
    problem = "" if project.is_dir() else f"There is no folder {project} yet; the first job makes it."
    try:
        if desk is not None and not problem:
            desk.attend(project)
        states = tuple(list_jobs(project))
    except Exception as error:  # whatever is in the folder, the next look may find it mended
        problem = str(error) or type(error).__name__
    return Look(project, states, _models(states), reader.read() if reader else None, problem)


def _models(states: tuple[JobState, ...]) -> dict[Path, int]:
    found = {}
    for state in states:
        if state.verb == "train":
            with suppress(OSError):
                found[state.folder] = (state.folder / MODEL).stat().st_mtime_ns
    return found


class JobWatch(QObject):
    """Looks once a second at ``project``, and at the job that is followed; never twice at a time."""

    looked = Signal(object)  # a Look
    checkpoint = Signal(object)  # the folder of a training that has written a newer model

    def __init__(self, desk: JobDesk, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self.project: Path | None = None
        self._reader: JobReader | None = None
        self._models: dict[Path, int] | None = None
        self._busy = self._again = False
        self._timer = QTimer(self, interval=_EVERY)
        self._timer.timeout.connect(self.look)
        self._done.connect(self._take)
        self._timer.start()

    _done = Signal(object)

    def set_project(self, project: Path | None) -> None:
        """Watch another project."""
        self.project, self._reader, self._models = project, None, None
        self.look()

    def follow(self, folder: Path | None) -> None:
        """Read this job's log, curves and figures too."""
        self._reader = None if folder is None else JobReader(folder)
        self.look()

    def hurry(self, seen: bool) -> None:
        """Look more often while somebody sees it."""
        self._timer.setInterval(_EVERY if seen else _EVERY_HIDDEN)

    def look(self) -> None:
        """Look now, or again when the present look is done."""
        if self._busy:
            self._again = True
        elif self.project is not None:
            self._busy, self._again = True, False
            threading.Thread(target=self._read, args=(self.project, self._reader), daemon=True).start()

    def end(self) -> None:
        """Look no more."""
        self._timer.stop()
        self.project = None

    def _read(self, project: Path, reader: JobReader | None) -> None:
        found = look(project, reader, self._desk)
        with suppress(RuntimeError):  # the window was closed meanwhile
            self._done.emit(found)

    def _take(self, found: Look) -> None:
        self._busy = False
        if found.project == self.project:
            self.looked.emit(found)
            self._tell_newer(found.models)
        if self._again:
            self.look()

    def _tell_newer(self, models: dict[Path, int]) -> None:
        before, self._models = self._models, models
        for folder, time in models.items():
            if before is not None and before.get(folder) != time:
                self.checkpoint.emit(folder)

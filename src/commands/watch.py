"""``flexrec watch``: how far a job is, in the status line, until it ends; models of it that are open stay current."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

from ..actions.queue_actions import JobName
from ..decoder_process import EngineError
from ..errors import InputError
from ..jobs.find_model import MODEL
from ..jobs.listing import JobState, details, job_state
from ..jobs.queue import background
from ..jobs.queue.queue_file import read_queue
from ..jobs.queue.waiting import is_pending
from ..jobs.record import DONE, FAILED
from ..scene.scene_model import FlexRecModel
from ..scene.settings import engine_python
from .job_lines import job_link, open_link, say
from .projects import the_job
from .session_scene import SessionScene

_EVERY = 1.0  # seconds between two looks


def watch_job(scene: SessionScene, asked: JobName) -> JobState:
    """Follow a job until it ends: between frames where there is a window, else waiting."""
    session, folder = scene.session, the_job(scene.session, asked.job, asked.project)
    watch = _watching(session, folder, True)
    while not session.ui.is_gui and not watch.ended:
        watch.look()
        time.sleep(_EVERY / 5)
    return job_state(folder)


def report_end(session, folder: Path) -> None:
    """Say in the Log when a job has ended; for as long as the window is open."""
    if session.ui.is_gui:
        _watching(session, folder, False)


def _watching(session, folder: Path, shown: bool) -> JobWatch:
    if not hasattr(session, "_flexrec_watches"):
        session._flexrec_watches = {}
    watches = session._flexrec_watches
    if folder not in watches or watches[folder].ended:
        watches[folder] = JobWatch(session, folder)
    watches[folder].shown |= shown
    return watches[folder]


class JobWatch:
    """One job that is looked at between frames. ``shown``: its progress stands in the status line."""

    def __init__(self, session, folder: Path) -> None:
        self.folder, self.shown, self.ended = folder, False, False
        self._session, self._next, self._said = session, 0.0, ""
        self._checkpoint = self._written()
        self._handler = session.triggers.add_handler("new frame", self._frame)

    def _frame(self, *_) -> None:
        if time.monotonic() >= self._next:
            self.look()
            self._next = time.monotonic() + _EVERY

    def look(self) -> None:
        """Show what is new, and take leave of a job that has ended."""
        with suppress(OSError, InputError):
            background.start_next(self.folder.parent, engine_python(self._session))
        goes_on = self.folder.is_dir() and is_pending(self.folder, read_queue(self.folder.parent))
        if self.shown:
            self._show_progress()
            self._renew_models()
        if not goes_on:
            self.ended = True
            self._handler.remove()
            self._say_end()

    def _show_progress(self) -> None:
        state = job_state(self.folder)
        now = f"{self.folder.name} {state.state} {details(state)}"
        if now != self._said:
            self._said = now
            self._session.logger.status(now)

    def _say_end(self) -> None:
        if not self.folder.is_dir():
            return
        state = job_state(self.folder)
        what = f"{self.folder.name} {state.state} {details(state)}"
        links = [job_link("log", self.folder)]
        if state.state == FAILED:
            self._session.logger.warning(what)
            return
        links.append(open_link(self.folder) if state.state == DONE else job_link("resume", self.folder))
        say(self._session, what, *links)

    def _renew_models(self) -> None:
        """Read models again whose training has written a newer checkpoint."""
        written = self._written()
        if written == self._checkpoint:
            return
        self._checkpoint = written
        for model in self._session.models.list(type=FlexRecModel):
            if model.folder == self.folder:
                # a training may be just about to write the next one: then the next look finds it
                with suppress(InputError, EngineError, OSError):
                    model.reload()

    def _written(self) -> float | None:
        with suppress(OSError):
            return (self.folder / MODEL).stat().st_mtime
        return None


FUNCTIONS = {"watch": watch_job}

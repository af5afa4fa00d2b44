"""Starting a job: which one, its form, and the command that the form amounts to."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtGui import QGuiApplication
from qtpy.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from ...errors import InputError
from ...jobs.listing import JobState
from ...jobs.record import DONE, QUEUED, RUNNING
from ...jobs.registry import all_jobs
from .command_text import chimerax_line, terminal_line
from .job_control import JobControl
from .job_fields import QuietComboBox
from .job_form import JobForm, complaint_colour, wrapped

_STEPS = ("prep", "mesh", "train")  # the jobs of every project that has particles, in their order


class JobStart(QWidget):
    """The forms of all jobs, one at a time."""

    started = Signal()

    def __init__(self, control: JobControl) -> None:
        super().__init__()
        self._control = control
        self._project: Path | None = None
        self._states: tuple[JobState, ...] = ()
        self._chosen = False  # whether the user has chosen the kind of job
        self.verbs = QuietComboBox()
        self.verbs.setAccessibleName("kind of job")
        self.pages = QStackedWidget()
        self.forms: dict[str, JobForm] = {}
        for job in all_jobs():
            self.verbs.addItem(f"{job.verb}: {job.synopsis[:1].lower()}{job.synopsis[1:]}", job.verb)
            self.verbs.setItemData(self.verbs.count() - 1, job.synopsis, Qt.ItemDataRole.ToolTipRole)
            self.forms[job.verb] = JobForm(job)
            self.forms[job.verb].changed.connect(self._refresh)
            self.forms[job.verb].fold.toggled.connect(self._refresh)
            self.pages.addWidget(_scrolled(self.forms[job.verb]))
        self.button = QPushButton("Start")
        self.button.setToolTip("Queue the job; it runs when its device is free and its inputs are done, and goes on "
                               "when this window is closed")  # fmt: skip
        self.defaults = QPushButton("Defaults")
        self.defaults.setToolTip("Empty the form")
        self.message = wrapped(QLabel())
        self.kinds, self.line, self.copy = QuietComboBox(), QLineEdit(), QToolButton()
        for name, write in (("Terminal", terminal_line), ("ChimeraX", chimerax_line)):
            self.kinds.addItem(name, write)
        self.kinds.setCurrentText(control.kind)
        self.kinds.setAccessibleName("where the command is for")
        self.kinds.setToolTip("The same job as a command, for a terminal or for ChimeraX")
        self.line.setReadOnly(True)
        self.line.setAccessibleName("command of the form")
        self.line.setPlaceholderText("the command, once the form is filled in")
        self.copy.setText("Copy")
        self._lay_out()
        self.kinds.currentIndexChanged.connect(self._write)
        self.copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.line.text()))
        self.verbs.currentIndexChanged.connect(self._choose)
        self.button.clicked.connect(self.start)
        self.defaults.clicked.connect(lambda: self.form.put({}))
        self._refresh()

    def _lay_out(self) -> None:
        top, words, column = QHBoxLayout(), QHBoxLayout(), QVBoxLayout(self)
        top.addWidget(QLabel("New"))
        top.addWidget(self.verbs, 1)
        top.addWidget(self.defaults)
        top.addWidget(self.button)
        words.addWidget(self.kinds)
        words.addWidget(self.line, 1)
        words.addWidget(self.copy)
        column.setContentsMargins(6, 6, 6, 6)
        column.addLayout(top)
        column.addWidget(self.message)
        column.addWidget(self.pages, 1)
        column.addLayout(words)

    @property
    def form(self) -> JobForm:
        """The form that is shown."""
        return self.forms[self.verbs.currentData()]

    def show_jobs(self, project: Path | None, states: tuple[JobState, ...]) -> None:
        """Offer the project's jobs as inputs; cheap while nothing has changed."""
        shown = [(state.folder, state.state) for state in self._states]
        if (project, [(state.folder, state.state) for state in states]) != (self._project, shown):
            self._project, self._states = project, states
            if not self._chosen:
                with QSignalBlocker(self.verbs):
                    self.verbs.setCurrentIndex(self.verbs.findData(_next_step(states)))
            self._show_form()

    def put(self, verb: str, values: Mapping[str, Any], seed: int) -> None:
        """Show the form of a job with these values."""
        self.verbs.setCurrentIndex(self.verbs.findData(verb))
        self.form.put(values, seed)

    def start(self) -> None:
        """Queue the job."""
        try:
            values, seed = self.form.given()
            if self._project is None:
                raise InputError("Choose the project's folder first.")
            self._control.start(self.form.job, values, self._project, seed)
        except InputError as error:
            self._show_message(str(error), wrong=True)
            return
        except OSError as error:
            self._show_message(f"{error.filename or self._project}: {error.strerror}.", wrong=True)
            return
        self._show_message(f"{self.form.job.verb} is queued.")
        self.started.emit()

    def _choose(self) -> None:
        self._chosen = True
        self._show_form()

    def _show_form(self) -> None:
        self.pages.setCurrentIndex(self.verbs.currentIndex())
        self.form.show_jobs(self._project, self._states)
        self._refresh()

    def _refresh(self) -> None:
        problem = "" if self._project else "Choose the project's folder first."
        problem = problem or self.form.problem()
        self.button.setEnabled(not problem)
        self._show_message(problem, wrong=any(row.sentence for row in self.form.rows.values()))
        self._write()

    def _write(self) -> None:
        """The command that the form amounts to."""
        try:
            values, seed = self.form.given()
            self.line.setText(self.kinds.currentData()(self.form.job, values, self._project or Path("."), seed))
        except InputError:
            self.line.clear()
        self.line.setCursorPosition(0)

    def _show_message(self, sentence: str, wrong: bool = False) -> None:
        self.message.setText(sentence)
        self.message.setVisible(bool(sentence))
        self.message.setStyleSheet(f"color: {complaint_colour(self)}" if wrong else "")


def _next_step(states: tuple[JobState, ...]) -> str:
    """What a project lacks; another training where it lacks nothing."""
    have = {state.verb for state in states if state.state in (DONE, RUNNING, QUEUED)}
    return next((verb for verb in _STEPS if verb not in have), _STEPS[-1])


def _scrolled(form: QWidget) -> QScrollArea:
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setWidget(form)
    area.setMinimumHeight(40)
    for part in (area.viewport(), form):  # the page's own colour, not the window's
        part.setAutoFillBackground(False)
    return area

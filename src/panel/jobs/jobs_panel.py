"""The jobs of a project: their table, the log, curves and figures of one, and the form for a new one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from qtpy.QtCore import Qt, QUrl, Signal
from qtpy.QtGui import QDesktopServices, QHideEvent, QShowEvent
from qtpy.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QSplitter,
    QTabWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from ...errors import InputError
from ...jobs.listing import JobState
from ...jobs.queue.background import cloned_values
from ...jobs.record import DONE, FAILED, QUEUED, RUNNING, STOPPED, read_record
from ..widgets.named_button import named_button
from ..widgets.wrapping import wrapping
from .job_control import JobControl
from .job_figures import NO_JOB, JobFigures
from .job_form import complaint_colour, wrapped
from .job_log import JobLog
from .job_results import JobResults
from .job_start import JobStart
from .job_table import JobTable
from .loss_curve import NOTHING, LossCurve
from .project_watch import JobUpdate, ProjectState, ProjectWatch

_ACTIONS = (
    ("Stop", (QUEUED, RUNNING), "Let the job write a checkpoint and end; it can be resumed"),
    ("Kill", (RUNNING,), "End the job at once; resuming it goes on from its newest checkpoint"),
    ("Resume", (STOPPED, FAILED), "Go on from the newest checkpoint, to the same numbers"),
    ("Clone", (QUEUED, RUNNING, DONE, STOPPED, FAILED), "Fill the form with this job's parameters"),
    ("Folder", (QUEUED, RUNNING, DONE, STOPPED, FAILED, "unreadable"), "Open the job's folder"),
)
_TIPS = {name: tip for name, _, tip in _ACTIONS}
_ROWS = 10  # of the table, that there is room for at first


class JobsPanel(QWidget):
    """The jobs of ``project``. ``checkpoint`` is emitted with the folder of a training that has written a newer model,
    ``model_asked`` with that of one whose model the user wants to see.
    """

    checkpoint = Signal(object)
    model_asked = Signal(object)
    project_changed = Signal(object)

    def __init__(self, control: JobControl, project: Path | None = None) -> None:
        super().__init__()
        self._control = control
        self._models: Collection[Path] = ()  # the trainings that have written one
        self._lost = ""  # which input of the chosen job is gone
        self._refused = ""  # why the last action failed
        self._offered: Path | None = None  # the project that was opened elsewhere
        self._awaited: set[Path] | None = None  # the jobs there were when one was started
        self.watch = ProjectWatch(control, self)
        self.table, self.start = JobTable(), JobStart(control)
        self.log, self.curve, self.figures = JobLog(), LossCurve(), JobFigures()
        self.place = QLineEdit()
        self.place.setPlaceholderText("the project's folder")
        self.place.setAccessibleName("project folder")
        self.message = wrapped(QLabel())
        actions = {name: getattr(self, f"_{name.lower()}") for name, _, _ in _ACTIONS}
        self.buttons = {name: named_button(name, actions[name], name, tip) for name, _, tip in _ACTIONS}
        self.results = JobResults(control, self._do, self.model_asked.emit)
        self.buttons |= self.results.buttons
        self.pages = QTabWidget()
        self._lay_out()
        self.place.editingFinished.connect(self._take_typed)
        self.table.chosen.connect(self._choose)
        self.start.started.connect(self._await_new)
        self.watch.updated.connect(self.show_project)
        self.watch.checkpoint.connect(self.checkpoint)
        self.destroyed.connect(self.watch.end)
        self._show_state(None)
        self.set_project(project)

    def _lay_out(self) -> None:
        top, column = QHBoxLayout(), QVBoxLayout(self)
        browse = QToolButton()
        browse.setText("…")
        browse.setToolTip("Choose the project's folder")
        browse.clicked.connect(self._browse)
        top.addWidget(QLabel("Project"))
        top.addWidget(self.place, 1)
        top.addWidget(browse)
        upper = QWidget()
        upper_column = QVBoxLayout(upper)
        upper_column.setContentsMargins(0, 0, 0, 0)
        upper_column.addWidget(self.table, 1)
        upper_column.addWidget(self.message)
        upper_column.addWidget(wrapping(*self.buttons.values()))
        for name, page in (
            ("New job", self.start), ("Log", self.log), ("Curves", self.curve), ("Figures", self.figures)
        ):  # fmt: skip
            self.pages.addTab(page, name)
        splitter = QSplitter(Qt.Orientation.Vertical)
        splitter.addWidget(upper)
        splitter.addWidget(self.pages)
        rows = _ROWS * self.table.verticalHeader().defaultSectionSize()
        splitter.setSizes([rows + 80, 320])  # more than there is in a low window: each then gives way
        self.table.setMinimumHeight(2 * self.table.verticalHeader().defaultSectionSize())
        self.log.setMinimumHeight(40)
        column.setContentsMargins(6, 6, 6, 6)
        column.addLayout(top)
        column.addWidget(splitter, 1)

    # ----- the project -----

    @property
    def project(self) -> Path | None:
        """The folder of the project that is shown."""
        return self.watch.project

    def set_project(self, project: Path | None) -> None:
        """Show another project; a folder that is not there yet is made by its first job."""
        project = None if project is None else project.absolute()
        self.place.setText("" if project is None else str(project))
        if project == self.project:
            return
        self._awaited = None
        self.table.show_states(())
        self.watch.set_project(project)
        self.start.show_jobs(project, ())
        self.project_changed.emit(project)

    def offer_project(self, project: Path) -> None:
        """Show a project that was opened, unless somebody has chosen another one here."""
        if self.project in (None, self._offered):
            self._offered = project.absolute()
            self.set_project(project)

    def _take_typed(self) -> None:
        if self.place.isModified():  # a field that loses the focus, as it does when the window ends, says so too
            self.set_project(_typed_path(self.place.text()))

    def _browse(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Choose the project's folder", self.place.text())
        if folder:
            self.set_project(Path(folder))

    # ----- what is on disk -----

    def show_project(self, project: ProjectState) -> None:
        """Show a project as it is now."""
        before, self._models = self.table.folder, project.models
        self.table.show_states(project.states)
        self.start.show_jobs(project.project, project.states)
        if self._awaited is not None:
            new = [state.folder for state in project.states if state.folder not in self._awaited]
            if new:
                self._awaited = None
                self.table.choose(new[-1])
                self.pages.setCurrentWidget(self.log)
        if project.update is not None and project.update.folder == self.table.folder == before:
            self._show_update(project.update)
        self._show_state(self.table.state, project.problem)

    def _show_update(self, update: JobUpdate) -> None:
        self._lost = update.lost
        self.results.put(update.colours, update.report)
        self.log.add(update.log, update.afresh)
        no_curves, no_figures = _why_nothing(self.table.state)
        self.curve.show_curves(update.curves, no_curves, update.epochs)
        self.figures.show_figures(update.figures, no_figures)

    def _show_state(self, state: JobState | None, problem: str = "") -> None:
        for name, states, _ in _ACTIONS:
            self.buttons[name].setEnabled(state is not None and state.state in states)
        self._show_resuming()
        self.results.show(state, state is not None and state.folder in self._models)
        message = f"{state.folder.name}: {state.message}" if state and state.message else ""
        sentence = self._refused or problem or message
        wrong = bool(self._refused or (state and state.state in (FAILED, "unreadable") and not problem))
        self.message.setText(sentence)
        self.message.setVisible(bool(sentence))
        self.message.setStyleSheet(f"color: {complaint_colour(self)}" if wrong else "")

    def _show_resuming(self) -> None:
        """A job whose inputs are gone cannot go on, and its button says what is gone."""
        button = self.buttons["Resume"]
        lost = self._lost if button.isEnabled() else ""
        button.setEnabled(button.isEnabled() and not lost)
        button.setToolTip(lost or _TIPS["Resume"])

    def _choose(self, folder: Path | None) -> None:
        self._refused = self._lost = ""
        self.results.put(frozenset(), False)
        self.log.add("", afresh=True)
        self.curve.show_curves(NOTHING, NO_JOB if folder is None else "")
        self.figures.show_figures((), NO_JOB if folder is None else "")
        self.watch.follow(folder)
        self._show_state(self.table.state)

    # ----- actions -----

    def _await_new(self) -> None:
        self._awaited = {state.folder for state in self.table.rows.states}
        self.watch.read()

    def _do(self, action: Callable[[Path], None]) -> None:
        folder = self.table.folder
        if folder is None:
            return
        self._refused = ""
        try:
            action(folder)
        except InputError as error:
            self._refused = str(error)
        except OSError as error:
            self._refused = f"{error.filename or folder}: {error.strerror}."
        self._show_state(self.table.state)
        self.watch.read()

    def _stop(self) -> None:
        self._do(self._control.stop)

    def _kill(self) -> None:
        self._do(self._control.kill)

    def _resume(self) -> None:
        self._do(self._control.resume)

    def _clone(self) -> None:
        self._do(self._fill_form)

    def _fill_form(self, folder: Path) -> None:
        record = read_record(folder)
        self.fill(record["verb"], cloned_values(folder), record["seed"])

    def fill(self, verb: str, values: Mapping[str, Any], seed: int = 0) -> None:
        """Show the form of a new job with these values, for the user to start."""
        self.start.put(verb, values, seed)
        self.pages.setCurrentWidget(self.start)

    def _folder(self) -> None:
        self._do(lambda folder: QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))))

    def showEvent(self, event: QShowEvent) -> None:
        """Read the project more often."""
        super().showEvent(event)
        self.watch.set_visible(True)

    def hideEvent(self, event: QHideEvent) -> None:
        """Read the project less often."""
        super().hideEvent(event)
        self.watch.set_visible(False)


def _why_nothing(state: JobState) -> tuple[str, str]:
    """What is said of a job in the place of its curves, and of its figures, where there are none."""
    goes_on = state.state in (QUEUED, RUNNING)
    figures = "The job has written no figures yet." if goes_on else "No figures of this job are here."
    if state.verb != "train":
        return "Only trainings have curves.", figures
    return "The first epoch has not begun." if goes_on else "No record of this training's epochs is here.", figures


def _typed_path(text: str) -> Path | None:
    return Path(text.strip()).expanduser() if text.strip() else None

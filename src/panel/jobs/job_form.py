"""The form of a job, made from its declaration, and checked by it as one types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING
from pathlib import Path
from typing import Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QFormLayout, QHBoxLayout, QLabel, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from ...errors import InputError
from ...jobs.declare import Job
from ...jobs.inputs import resolve_inputs
from ...jobs.listing import JobState
from ...jobs.missing_inputs import PARTICLES, check_particles
from ...jobs.queue.waiting import is_done_or_pending
from ...jobs.reference import describe_value, under_headings
from ...parameters import Parameter
from .job_fields import Field, JobField, make_field, plain_name

SEED = Parameter(
    name="seed", type=int, many=False, optional=False, default=0, help="where all random numbers begin", unit="",
    low=None, high=None, choices=(), advanced=True, job=(),
)  # fmt: skip


class JobForm(QWidget):
    """One job's parameters, the advanced ones folded away."""

    changed = Signal()

    def __init__(self, job: Job) -> None:
        super().__init__()
        self.job = job
        self.project: Path | None = None
        self.rows = {option.name: FormRow(option) for option in (*job.options(), SEED)}
        self._headings: list[tuple[QLabel, list[FormRow]]] = []  # of the job's parts
        self.advanced = QWidget()
        self.fold = _fold_button(self.advanced)
        column = QVBoxLayout(self)
        column.setContentsMargins(4, 4, 4, 4)
        column.addLayout(self._rows(False))
        column.addWidget(self.fold)
        column.addWidget(self.advanced)
        column.addStretch(1)
        self.advanced.setLayout(self._rows(True))
        self.advanced.hide()
        for row in self.rows.values():
            row.field.changed.connect(self._typed)
        self._show_used()

    def _rows(self, advanced: bool) -> QFormLayout:
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.setVerticalSpacing(3)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignRight)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        shown = [row.option for row in self.rows.values() if row.option.advanced == advanced]
        for options in under_headings(shown).values():
            rows = [self.rows[option.name] for option in options]
            if options[0].group:
                heading = QLabel(f"Of the {options[0].group}")
                self._headings.append((heading, rows))
                form.addRow(heading)
            for row in rows:
                form.addRow(row.label, row)
        return form

    def _show_used(self) -> None:
        """Show the parameters that mean something with the values that are given."""
        values = {name: row.field.given() for name, row in self.rows.items() if not row.wrong()}
        unused = self.job.unused({name: value for name, value in values.items() if value is not MISSING})
        for name, row in self.rows.items():
            row.use(name not in unused)
        for heading, rows in self._headings:
            heading.setVisible(any(row.used for row in rows))

    # ----- what is given -----

    def given(self) -> tuple[dict[str, Any], int]:
        """The values that were given, and the seed; ``InputError`` for the first that is wrong or is missing."""
        used = {name: row for name, row in self.rows.items() if row.used}
        values = {name: value for name, row in used.items() if (value := row.field.given()) is not MISSING}
        for row in self.rows.values():
            if row.option.required and row.option.name not in values:
                raise InputError(f"{plain_name(row.option)} is needed: {row.option.help}.")
        seed = values.pop(SEED.name, 0)
        return values, seed

    def put(self, values: Mapping[str, Any], seed: int = 0) -> None:
        """Show these values, and defaults for the rest; advanced ones among them unfold theirs."""
        for name, row in self.rows.items():
            row.field.put(seed if name == SEED.name else values.get(name, MISSING))
        changed = [row for row in self.rows.values() if row.option.advanced and row.given_or_wrong()]
        if changed:
            self.fold.setChecked(True)
        self._typed()

    def problem(self) -> str:
        """What keeps the job from starting, in a sentence; empty where nothing does."""
        wrong = next((row for row in self.rows.values() if row.sentence), None)
        if wrong is not None:
            return wrong.sentence
        try:
            self.given()
        except InputError as error:
            return str(error)
        return ""

    # ----- looking -----

    def show_jobs(self, project: Path | None, states: tuple[JobState, ...]) -> None:
        """Offer the project's jobs as inputs, and check again what was given."""
        self.project = project
        for row in self.rows.values():
            if isinstance(row.field, JobField):
                row.field.offer(states)
        self.check()

    def check(self) -> None:
        """Show beside each field what is wrong with it."""
        for row in self.rows.values():
            row.show_sentence(self._complaint(row) if row.used else "")

    def _typed(self) -> None:
        self._show_used()
        self.check()
        self.changed.emit()

    def _complaint(self, row: FormRow) -> str:
        try:
            value = row.field.given()
            if row.option.type is Path and not row.option.many and self.project is not None:
                self._look_for(row.option, None if value is MISSING else value)
        except InputError as error:
            return str(error)
        except OSError as error:
            return f"{plain_name(row.option)}: {error.strerror}."
        return ""

    def _look_for(self, option: Parameter, value: Path | None) -> None:
        """``InputError`` if a path, or the newest job where none was given, is not there or has lost its images."""
        if value is None and not option.job:
            return
        names = [other.name for other in self.job.options()]
        parameters = self.job.declaration()(**{name: value if name == option.name else None for name in names})
        without = [name for name in names if name != option.name]
        path = getattr(resolve_inputs(self.job, parameters, self.project, is_done_or_pending, without), option.name)
        if option.name == PARTICLES and path is not None:
            check_particles(path)


class FormRow(QWidget):
    """A field with its unit, and below it the sentence that says what is wrong with it."""

    def __init__(self, option: Parameter) -> None:
        super().__init__()
        self.option = option
        self.field: Field = make_field(option)
        self.label = QLabel(plain_name(option))
        self.label.setBuddy(self.field)
        self.sentence, self.used = "", True
        self._below = wrapped(QLabel())
        self._below.setObjectName("complaint")
        self._below.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(1)
        line = QHBoxLayout()
        line.addWidget(self.field, 1)
        if option.unit:
            line.addWidget(QLabel(option.unit))
        column.addLayout(line)
        column.addWidget(self._below)
        for widget in (self.label, self.field):
            widget.setToolTip(help_text(option))
            widget.setWhatsThis(help_text(option))
        self.field.changed.connect(self._embolden)

    def given_or_wrong(self) -> bool:
        """Whether it is other than when nobody has touched it."""
        return self.wrong() or self.field.given() is not MISSING

    def wrong(self) -> bool:
        """Whether no value can be read from it."""
        try:
            self.field.given()
        except InputError:
            return True
        return False

    def use(self, used: bool) -> None:
        """Show it only where it means something."""
        if used != self.used:
            self.used = used
            self.label.setVisible(used)
            self.setVisible(used)

    def show_sentence(self, sentence: str) -> None:
        """Say what is wrong; nothing, if it is empty."""
        if sentence != self.sentence:
            self.sentence = sentence
            self._below.setText(sentence)
            self._below.setStyleSheet(f"color: {complaint_colour(self)}")
            self._below.setVisible(bool(sentence))

    def _embolden(self) -> None:
        font = self.label.font()
        font.setBold(self.given_or_wrong())
        self.label.setFont(font)


def help_text(option: Parameter) -> str:
    """The declaration's help as a tooltip that wraps."""
    from html import escape

    sentence = option.help[:1].upper() + option.help[1:]
    return f"<p>{escape(sentence)}.</p><p><i>{escape(describe_value(option))}</i></p>"


def complaint_colour(widget: QWidget) -> str:
    """A red that can be read on the widget's background."""
    return "#ff8a80" if widget.palette().window().color().lightness() < 128 else "#b3261e"


def wrapped(label: QLabel) -> QLabel:
    """Let a label's sentence break where it must, and never widen the window."""
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
    return label


def _fold_button(folded: QWidget) -> QToolButton:
    """A line that shows and hides a widget."""
    button = QToolButton()
    button.setText("Advanced")
    button.setCheckable(True)
    button.setAutoRaise(True)
    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    button.setArrowType(Qt.ArrowType.RightArrow)

    def unfold(shown: bool) -> None:
        button.setArrowType(Qt.ArrowType.DownArrow if shown else Qt.ArrowType.RightArrow)
        folded.setVisible(shown)

    button.toggled.connect(unfold)
    return button

"""A field of a form for each kind of declared parameter: what a person gives is read by the declaration itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING
from pathlib import Path
from typing import Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QWheelEvent
from qtpy.QtWidgets import QCheckBox, QComboBox, QFileDialog, QHBoxLayout, QLineEdit, QMenu, QToolButton, QWidget

from ...jobs.listing import JobState
from ...jobs.record import DONE, QUEUED, RUNNING
from ...parameters import Parameter
from .command_text import value_text


class Field(QWidget):
    """One parameter. ``MISSING`` stands for a value that was not given: the job takes its default."""

    changed = Signal()

    def __init__(self, option: Parameter) -> None:
        super().__init__()
        self.option = option
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(4)

    def given(self) -> Any:
        """The value that was given, checked, or ``MISSING``; ``InputError`` for a wrong one."""
        raise NotImplementedError

    def put(self, value: Any) -> None:
        """Show a value; ``MISSING`` for none."""
        raise NotImplementedError

    def _place(self, widget: QWidget, stretch: int = 1) -> None:
        widget.setAccessibleName(plain_name(self.option))
        self._row.addWidget(widget, stretch)
        if self.focusProxy() is None:
            self.setFocusProxy(widget)


class SwitchField(Field):
    """Yes or no."""

    def __init__(self, option: Parameter) -> None:
        super().__init__(option)
        self.box = QCheckBox()
        self._place(self.box)
        self.put(MISSING)
        self.box.toggled.connect(self.changed)

    def given(self) -> Any:
        """See `Field`."""
        value = self.box.isChecked()
        return MISSING if value == self.option.default else value

    def put(self, value: Any) -> None:
        """See `Field`."""
        self.box.setChecked(bool(self.option.default if value is MISSING else value))


class ChoiceField(Field):
    """One of a few words."""

    def __init__(self, option: Parameter) -> None:
        super().__init__(option)
        self.box = QuietComboBox()
        for choice in ((None,) if option.optional and None not in option.choices else ()) + option.choices:
            self.box.addItem(value_text(choice), choice)
        self._place(self.box)
        self.put(MISSING)
        self.box.currentIndexChanged.connect(self.changed)

    def given(self) -> Any:
        """See `Field`."""
        value = self.box.currentData()
        return MISSING if value == self.option.default else self.option.check(value)

    def put(self, value: Any) -> None:
        """See `Field`."""
        value = self.option.default if value is MISSING else value
        self.box.setCurrentIndex(max(0, self.box.findText(value_text(None if value is MISSING else value))))


class TextField(Field):
    """A number, a word, or a comma list; empty, it is the default, which is shown in grey."""

    def __init__(self, option: Parameter) -> None:
        super().__init__(option)
        self.line = QLineEdit()
        self.line.setPlaceholderText(_grey(option))
        self.line.setClearButtonEnabled(True)
        self._place(self.line)
        self.line.textChanged.connect(self.changed)

    def given(self) -> Any:
        """See `Field`."""
        text = self.line.text().strip()
        return self.option.parse(text) if text else MISSING

    def put(self, value: Any) -> None:
        """See `Field`."""
        same = value is MISSING or value == self.option.default
        self.line.setText("" if same else value_text(value))
        self.line.setCursorPosition(0)


class PathField(TextField):
    """A file or folder, typed or chosen in a dialog."""

    def __init__(self, option: Parameter) -> None:
        super().__init__(option)
        self.browse = browse_button(self, self._chosen)
        self._row.addWidget(self.browse)

    def _chosen(self, path: str) -> None:
        self.line.setText(path)


class JobField(Field):
    """A job of the project, by default the newest that suits; or a file that a job wrote."""

    def __init__(self, option: Parameter) -> None:
        super().__init__(option)
        self.box = QuietComboBox()
        self._place(self.box)
        self._row.addWidget(browse_button(self, self.put))
        self.offer(())
        self.box.currentIndexChanged.connect(self.changed)

    def offer(self, states: tuple[JobState, ...]) -> None:
        """Offer those of the project's jobs that suit; what was chosen stays chosen."""
        suits = [state.folder for state in reversed(states)
                 if state.verb in self.option.job and state.state in (DONE, RUNNING, QUEUED)]  # fmt: skip
        items = [(self._default_words(suits), None), *((folder.name, folder) for folder in suits)]
        if items == [(self.box.itemText(i), self.box.itemData(i)) for i in range(self.box.count())]:
            return
        chosen = self.box.currentData()
        self.box.blockSignals(True)
        self.box.clear()
        for text, folder in items:
            self.box.addItem(text, folder)
        self.box.blockSignals(False)
        self.put(chosen)

    def _default_words(self, suits: list[Path]) -> str:
        if suits and self.option.newest:
            return f"newest ({suits[0].name})"
        return "none" if self.option.optional else f"no {' or '.join(self.option.job)} job yet"

    def given(self) -> Any:
        """See `Field`."""
        value = self.box.currentData()
        return MISSING if value is None else self.option.check(value)

    def put(self, value: Any) -> None:
        """See `Field`."""
        if value in (None, MISSING):
            self.box.setCurrentIndex(0)
            return
        path = Path(value)
        row = next((i for i in range(1, self.box.count()) if self.box.itemData(i) == path), None)
        if row is None:
            row = self.box.count()
            self.box.addItem(f"{path.parent.name}/{path.name}", path)
        self.box.setCurrentIndex(row)


class QuietComboBox(QComboBox):
    """A combo box that the wheel passes by, so that scrolling a form changes nothing in it."""

    def __init__(self) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumContentsLength(8)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Leave it to the form."""
        event.ignore()


def browse_button(parent: QWidget, chosen: Callable[[str], object]) -> QToolButton:
    """A button that asks for a file or a folder and calls ``chosen(path)``."""
    button = QToolButton()
    button.setText("…")
    button.setToolTip("Choose a file or a folder")
    button.setAccessibleName("browse")
    button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
    menu = QMenu(button)

    def ask(dialog: Callable[[], str]) -> None:
        path = dialog()
        if path:
            chosen(path)

    menu.addAction("File…", lambda: ask(lambda: QFileDialog.getOpenFileName(parent, "Choose a file")[0]))
    menu.addAction("Folder…", lambda: ask(lambda: QFileDialog.getExistingDirectory(parent, "Choose a folder")))
    button.setMenu(menu)
    return button


def make_field(option: Parameter) -> Field:
    """The field that suits a parameter."""
    if option.job:
        return JobField(option)
    if option.many:
        return TextField(option)
    if option.choices or (option.type is bool and option.optional):
        return ChoiceField(option)
    if option.type is bool:
        return SwitchField(option)
    return PathField(option) if option.type is Path else TextField(option)


def plain_name(option: Parameter) -> str:
    """``latent dims`` for ``latent_dims``."""
    return option.name.replace("_", " ")


def _grey(option: Parameter) -> str:
    """What an empty field shows: the default, or an example where there is none."""
    if option.required:
        return "required"
    if option.default in (None, "", (), MISSING):
        return f"such as {option.example}" if option.example else ""
    return value_text(option.default)

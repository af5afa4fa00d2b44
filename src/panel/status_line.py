"""Below the plot: the latent point, and whether data speak for it."""

from __future__ import annotations

import threading
from contextlib import suppress
from itertools import zip_longest

import numpy as np
from qtpy.QtCore import QObject, Qt, Signal
from qtpy.QtGui import QColor, QPalette
from qtpy.QtWidgets import QLabel, QLineEdit, QSizePolicy, QWidget

from ..explore.trained_model import Trained
from .plot.plane import Plane
from .plot.point_support import Standing, Surroundings

_AXES_TIP = (
    "pc1, pc2, …: components of the particles' motion, the largest first.<br>"
    "z: the same point in the model's latent axes, as commands such as flexrec volume at take it."
)
_MARGIN = 8  # pixels on either side
_INSET = 2  # pixels that a QLineEdit leaves beside its text
_MOST = 4  # numbers of z that there is room for
_MARKS = {"inside": "#2e9e4f", "edge": "#d99a00", "outside": "#d33f2f"}


class StatusLine(QWidget):
    """Two lines, whatever they say: a plot of another size would slip away under the hand.

    Where there is no room for all of a line, it says less; the tooltip says all. Its parts are in no layout, and have
    no rich text: with every word those lay out and draw the whole window again, while the hand drags.
    """

    ready = Signal()  # whether data speak for a point can be said now

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[tuple[str, ...]] = []  # each with shorter words for the same
        self._fields = [_Words(self), _Words(self)]
        self._mark = QLabel("\N{BLACK CIRCLE}", self, textFormat=Qt.TextFormat.PlainText)
        self._mark.hide()
        self._around = _Around(self)
        self._around.ready.connect(self.ready)
        self.setToolTip(_AXES_TIP)
        self.setFixedHeight(len(self._fields) * self._line_height + 2)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    @property
    def _line_height(self) -> int:
        return self.fontMetrics().lineSpacing()

    def text(self) -> str:
        """What it says now."""
        return "\n".join(field.text() for field in self._fields)

    def begin(self, trained: Trained) -> None:
        """Another model."""
        self._around.begin(trained)

    def show_point(self, z: np.ndarray | None, plane: Plane) -> None:
        """Say a latent point ``(K,)``, in the plot's axes too, and how it stands to the particles."""
        standing = None if z is None else self._around.at(z)
        if z is None:
            self._lines = [("The map at rest. Click a point of the plot.", "The map at rest")]
        else:
            self._lines = [_point_words(z, plane)] + ([] if standing is None else [_words(standing)])
        self._show_mark(standing)
        self._say()

    def resizeEvent(self, event) -> None:  # noqa: N802
        """More words or fewer."""
        super().resizeEvent(event)
        height, mark = self._line_height, self._mark_width
        for number, field in enumerate(self._fields):
            left = _MARGIN + number * mark
            field.setGeometry(left, number * height, self.width() - left - _MARGIN, height)
        self._mark.setGeometry(_MARGIN, height, mark, height)
        self._say()

    @property
    def _mark_width(self) -> int:
        return self.fontMetrics().horizontalAdvance(self._mark.text() + " ")

    def _show_mark(self, standing: Standing | None) -> None:
        self._mark.setVisible(standing is not None)
        if standing is not None and self._mark.property("grade") != standing.grade:
            self._mark.setProperty("grade", standing.grade)
            palette = self._mark.palette()
            palette.setColor(QPalette.ColorRole.WindowText, QColor(_MARKS[standing.grade]))
            self._mark.setPalette(palette)

    def _say(self) -> None:
        for field, words in zip_longest(self._fields, self._lines, fillvalue=("",)):
            field.say(words)
        said = "<br>".join(words[0] for words in self._lines)
        self.setToolTip(f"<p>{said}</p><p>{_AXES_TIP}</p>")


class _Words(QLineEdit):
    """A line that can be marked and copied."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, readOnly=True, frame=False)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setTextMargins(-_INSET, 0, -_INSET, 0)
        self.setStyleSheet("background: transparent")

    def say(self, words: tuple[str, ...]) -> None:
        """The longest of these for which there is room."""
        measure, room = self.fontMetrics().horizontalAdvance, self.width()
        text = next((one for one in words if measure(one) <= room - 2), words[-1])
        if text != self.text():
            self.setText(text)
            self.setCursorPosition(0)


def _point_words(z: np.ndarray, plane: Plane) -> tuple[str, ...]:
    more = ", …" if len(z) > _MOST else ""  # all of them are beside the sliders
    whole = f"z = {', '.join(map(_number, z[:_MOST]))}{more}"
    if plane.view is None or all(name.startswith("z") for name in plane.names):
        return (whole,)
    shown = ", ".join(f"{name} = {_number(value)}" for name, value in zip(plane.names, plane.place(z)))
    return f"{shown}   ({whole})", shown


def _number(value: float) -> str:
    return f"{round(float(value), 3) + 0.0:.3f}"  # never -0.000


def _words(standing: Standing) -> tuple[str, ...]:
    near = f"{standing.nearby} particles within {standing.radius:.2g}"
    return f"{standing.words}; {near} in z", f"{standing.words}; {near}", standing.words


class _Around(QObject):
    """The surroundings of a model's points, made ready beside the window: half a second for a million particles."""

    ready = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._found: Surroundings | None = None
        self._of: Trained | None = None

    def begin(self, trained: Trained) -> None:
        self._of, self._found = trained, None

        def prepare() -> None:
            found = Surroundings.of(trained)
            if self._of is trained:
                self._found = found
                with suppress(RuntimeError):  # the panel was closed meanwhile
                    self.ready.emit()

        threading.Thread(target=prepare, daemon=True).start()

    def at(self, z: np.ndarray) -> Standing | None:
        return None if self._found is None else self._found.at(z)

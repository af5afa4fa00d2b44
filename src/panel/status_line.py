"""Below the plot: the latent point, and whether the map there is supported by data."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest

import numpy as np
from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QColor, QPalette, QResizeEvent
from qtpy.QtWidgets import QLabel, QLineEdit, QSizePolicy, QWidget

from ..explore.trained_model import Trained
from ..models.support import ParticleDensity
from .plot.plane import Plane
from .thread_work import ThreadWork

_AXES_TIP = (
    "pc1, pc2, …: components of the particles' motion, the largest first.<br>"
    "z: the same point in the model's latent axes, as commands such as flexrec volume at take it."
)
_MARGIN = 8  # pixels on either side
_INSET = 2  # pixels that a QLineEdit leaves beside its text
_MOST = 4  # numbers of z that there is room for
_MARKS = {"inside": "#2e9e4f", "edge": "#d99a00", "outside": "#d33f2f"}


@dataclass(frozen=True)
class PointSupport:
    """How many particles there are at a latent point.

    Attributes
    ----------
    grade : inside, edge, or outside, by how many particles are near. nearby : particles within ``radius`` latent
    units, see `ParticleDensity`.
    """

    grade: str
    nearby: int
    radius: float

    @classmethod
    def at(cls, z: np.ndarray, density: ParticleDensity) -> PointSupport:
        """Of a latent point ``(K,)`` among the particles of ``density``."""
        nearby = density.count(np.asarray(z)[None])
        return cls(str(density.grade(nearby)[0]), int(nearby[0]), density.radius)

    @property
    def sentences(self) -> tuple[str, ...]:
        """For the status line, the longest first."""
        grade = {"inside": "supported by data", "edge": "at the edge of the data",
                 "outside": "no particles here: a guess"}[self.grade]  # fmt: skip
        digits = f"{self.radius:.2g}" if self.radius < 100 else f"{self.radius:.0f}"
        near = f"{self.nearby} particles within {digits}"
        return f"{grade}; {near} in z", f"{grade}; {near}", grade


class StatusLine(QWidget):
    """Two lines, whatever they say, so that the plot above keeps its size during a drag.

    Where there is no room for all of a line, it says less; the tooltip says all. Its parts are in no layout, and have
    no rich text: with every word those lay out and draw the whole window again, which slows a drag.
    """

    ready = Signal()  # support can be said now

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[tuple[str, ...]] = []  # each with shorter words for the same
        self._fields = [_TextLine(self), _TextLine(self)]
        self._mark = QLabel("\N{BLACK CIRCLE}", self, textFormat=Qt.TextFormat.PlainText)
        self._mark.hide()
        self._origin = ""
        self._density: ParticleDensity | None = None  # half a second for a million particles
        self._counting = ThreadWork(self)
        self._counting.done.connect(self._counted)
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
        self._origin = "" if trained.model.origin is None else trained.model.progress
        self._density = None
        self._counting.begin(lambda: trained.support.density)

    def show_point(self, z: np.ndarray | None, plane: Plane) -> None:
        """Say a latent point ``(K,)``, in the plot's axes too, and its support."""
        support = None if z is None or self._density is None else PointSupport.at(z, self._density)
        if z is None:
            self._lines = [("The map at rest. Click a point of the plot.", "The map at rest")]
        else:
            self._lines = [self._with_origin(_point_texts(z, plane))] + ([] if support is None else [support.sentences])
        self._show_mark(support)
        self._write()

    def _counted(self, density: ParticleDensity) -> None:
        self._density = density
        self.ready.emit()

    def _with_origin(self, texts: tuple[str, ...]) -> tuple[str, ...]:
        """With who decodes the map of another program's model, where there is room: it goes before z."""
        return (*(f"{text}   {self._origin}" for text in texts), *texts) if self._origin else texts

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """More words or fewer."""
        super().resizeEvent(event)
        height, mark = self._line_height, self._mark_width
        for number, field in enumerate(self._fields):
            left = _MARGIN + number * mark
            field.setGeometry(left, number * height, self.width() - left - _MARGIN, height)
        self._mark.setGeometry(_MARGIN, height, mark, height)
        self._write()

    @property
    def _mark_width(self) -> int:
        return self.fontMetrics().horizontalAdvance(self._mark.text() + " ")

    def _show_mark(self, support: PointSupport | None) -> None:
        self._mark.setVisible(support is not None)
        if support is not None and self._mark.property("grade") != support.grade:
            self._mark.setProperty("grade", support.grade)
            palette = self._mark.palette()
            palette.setColor(QPalette.ColorRole.WindowText, QColor(_MARKS[support.grade]))
            self._mark.setPalette(palette)

    def _write(self) -> None:
        for field, texts in zip_longest(self._fields, self._lines, fillvalue=("",)):
            field.put(texts)
        longest = "<br>".join(texts[0] for texts in self._lines)
        self.setToolTip(f"<p>{longest}</p><p>{_AXES_TIP}</p>")


class _TextLine(QLineEdit):
    """A line that can be selected and copied."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, readOnly=True, frame=False)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setTextMargins(-_INSET, 0, -_INSET, 0)
        self.setStyleSheet("background: transparent")

    def put(self, texts: tuple[str, ...]) -> None:
        """Show the longest of these for which there is room."""
        width, room = self.fontMetrics().horizontalAdvance, self.width()
        text = next((text for text in texts if width(text) <= room - 2), texts[-1])
        if text != self.text():
            self.setText(text)
            self.setCursorPosition(0)


def _point_texts(z: np.ndarray, plane: Plane) -> tuple[str, ...]:
    more = ", …" if len(z) > _MOST else ""  # all of them are beside the sliders
    full = f"z = {', '.join(map(_number, z[:_MOST]))}{more}"
    if plane.view is None or all(name.startswith("z") for name in plane.names):
        return (full,)
    shown = ", ".join(f"{name} = {_number(value)}" for name, value in zip(plane.names, plane.place(z)))
    return f"{shown}   ({full})", shown


def _number(value: float) -> str:
    return f"{round(float(value), 3) + 0.0:.3f}"  # never -0.000

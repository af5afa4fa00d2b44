"""Below the plot: the latent point, and whether data speak for it."""

from __future__ import annotations

import re
import threading
from contextlib import suppress
from html import unescape

import numpy as np
from qtpy.QtCore import QObject, Qt, Signal
from qtpy.QtWidgets import QLabel, QSizePolicy, QVBoxLayout, QWidget

from ..explore.trained import Trained
from .plane import Plane
from .standing import Standing, Surroundings

_AXES_TIP = (
    "pc1, pc2, …: components of the particles' motion, the largest first.<br>"
    "z: the same point in the model's latent axes, as commands such as flexrec volume at take it."
)
_MOST = 4  # numbers of z that there is room for
_MARKS = {"inside": "#2e9e4f", "edge": "#d99a00", "outside": "#d33f2f"}


class StatusLine(QWidget):
    """``status`` has two lines, whatever it says: a plot of another size would slip away under the hand.

    Where there is no room for all of a line, it says less; its tooltip says all.
    """

    ready = Signal()  # whether data speak for a point can be said now

    def __init__(self) -> None:
        super().__init__()
        self.status = QLabel(objectName="status", toolTip=_AXES_TIP, textFormat=Qt.TextFormat.RichText)
        self.status.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.status.setFixedHeight(2 * self.fontMetrics().lineSpacing() + 2)
        # a panel that were as wide as its words would have the 3D part beside it drawn anew at each of them
        self.status.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._lines: list[tuple[str, ...]] = []  # each with shorter words for the same
        self._around = _Around(self)
        self._around.ready.connect(self.ready)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 0, 8, 0)
        column.addWidget(self.status)

    def begin(self, trained: Trained) -> None:
        """Another model."""
        self._around.begin(trained)

    def show_point(self, z: np.ndarray | None, plane: Plane) -> None:
        """Say a latent point ``(K,)``, in the plot's axes too, and how it stands to the particles."""
        if z is None:
            self._say([("The map at rest. Click a point of the plot.", "The map at rest")])
            return
        standing = self._around.at(z)
        self._say([_point_words(z, plane)] + ([] if standing is None else [_words(standing)]))

    def resizeEvent(self, event) -> None:  # noqa: N802
        """More words or fewer."""
        super().resizeEvent(event)
        self._say(self._lines)

    def _say(self, lines: list[tuple[str, ...]]) -> None:
        self._lines, room = lines, self.status.width()
        self.status.setText("<br>".join(self._longest(words, room) for words in lines))
        self.status.setToolTip("<p>" + "<br>".join(words[0] for words in lines) + f"</p><p>{_AXES_TIP}</p>")

    def _longest(self, words: tuple[str, ...], room: int) -> str:
        measure = self.status.fontMetrics().horizontalAdvance
        return next((one for one in words if measure(_plain(one)) <= room - 2), words[-1])


def _point_words(z: np.ndarray, plane: Plane) -> tuple[str, ...]:
    more = ", …" if len(z) > _MOST else ""  # all of them are beside the sliders
    whole = f"z = {', '.join(map(_number, z[:_MOST]))}{more}"
    if plane.view is None or all(name.startswith("z") for name in plane.names):
        return (whole,)
    shown = ", ".join(f"{name} = {_number(value)}" for name, value in zip(plane.names, plane.place(z)))
    return f"{shown} &nbsp; ({whole})", shown


def _number(value: float) -> str:
    return f"{round(float(value), 3) + 0.0:.3f}"  # never -0.000


def _words(standing: Standing) -> tuple[str, ...]:
    mark = f'<span style="color:{_MARKS[standing.grade]}">●</span>'
    near = f"{standing.nearby} particles within {standing.radius:.2g}"
    said = (f"{standing.words}; {near} in z", f"{standing.words}; {near}", standing.words)
    return tuple(f"{mark} {one}" for one in said)


def _plain(rich: str) -> str:
    return unescape(re.sub("<[^>]*>", "", rich))


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

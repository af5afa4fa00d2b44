"""Below the plot: the latent point and whether data speak for it, what is under the cursor, and what went wrong."""

from __future__ import annotations

import threading
from contextlib import suppress

import numpy as np
from qtpy.QtCore import QObject, Qt, QTimer, Signal
from qtpy.QtWidgets import QLabel, QSizePolicy, QVBoxLayout, QWidget

from ..explore.trained import Trained
from .standing import Standing, Surroundings

MESSAGE_SECONDS = 15
_MARKS = {"inside": "#2e9e4f", "edge": "#d99a00", "outside": "#d33f2f"}


class StatusLine(QWidget):
    """``status`` says the point; ``pointed``, two lines, what is under the cursor and the last message."""

    ready = Signal()  # whether data speak for a point can be said now

    def __init__(self) -> None:
        super().__init__()
        self.status, self.pointed = QLabel(objectName="status"), QLabel(wordWrap=True)
        self.pointed.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.status.setTextFormat(Qt.TextFormat.RichText)
        self.status.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._message = self._cursor = ""
        self._over = QTimer(self, singleShot=True, interval=MESSAGE_SECONDS * 1000)
        self._over.timeout.connect(lambda: self.say(""))
        self._around = _Around(self)
        self._around.ready.connect(self.ready)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 0, 8, 0)
        column.setSpacing(2)
        for label, lines in ((self.status, 1), (self.pointed, 2)):
            # a plot that changes its size with the words below it would slip away under the hand, and a panel beside
            # the 3D part would have both drawn anew
            label.setFixedHeight(lines * self.fontMetrics().lineSpacing() + 2)
            label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            column.addWidget(label)

    def begin(self, trained: Trained) -> None:
        """Another model."""
        self._around.begin(trained)

    def show_point(self, z: np.ndarray | None) -> None:
        """Say a latent point ``(K,)`` and how it stands to the particles."""
        if z is None:
            self.status.setText("The map at rest. Click a point of the plot.")
            return
        standing = self._around.at(z)
        numbers = ", ".join(f"{round(float(value), 3) + 0.0:.3f}" for value in z)
        self.status.setText(f"z = {numbers}" + ("" if standing is None else _words(standing)))

    def say(self, sentence: str) -> None:
        """A message, which stays long enough to be read."""
        self._message = sentence
        self._over.start()
        self._write()

    def point_at(self, text: str) -> None:
        """What is under the cursor."""
        self._cursor = text
        self._write()

    def _write(self) -> None:
        self.pointed.setText("\n".join(filter(None, (self._cursor, self._message))))
        self.pointed.setToolTip(self._message)


def _words(standing: Standing) -> str:
    mark = f'<span style="color:{_MARKS[standing.grade]}">●</span>'
    return f" &nbsp; {mark} {standing.words}; {standing.nearby} particles within {standing.radius:.2g} in z"


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

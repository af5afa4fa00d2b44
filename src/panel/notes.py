"""Words over the plot: what is under the cursor, and the last message. They take no room, and no mouse."""

from __future__ import annotations

import math
import time

from qtpy.QtCore import QEvent, QRect, Qt, QTimer
from qtpy.QtGui import QCursor
from qtpy.QtWidgets import QLabel

from .canvas import MARGINS, PlotCanvas

MESSAGE_SECONDS, READING_SECONDS = 15, 2.5
_EDGE = 5  # pixels between the words and the plot's border


class Notes(QLabel):
    """Over one canvas, in a corner where the cursor is not; hidden while there is nothing to say."""

    def __init__(self, canvas: PlotCanvas) -> None:
        super().__init__(canvas, wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self._canvas, self._message, self._cursor, self._read_by = canvas, "", "", math.inf
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._over = QTimer(self, singleShot=True, interval=MESSAGE_SECONDS * 1000)
        self._over.timeout.connect(lambda: self.say(""))
        canvas.installEventFilter(self)
        self.hide()

    def say(self, sentence: str, until_next: bool = False) -> None:
        """A message, which stays long enough to be read; ``until_next``: or until something else was done."""
        self._message, self._read_by = sentence, time.monotonic() + READING_SECONDS if until_next else math.inf
        self._over.start()
        self._write()

    def go_on(self) -> None:
        """Something was done: what went wrong before does not matter any more, once it could be read."""
        if self._message and time.monotonic() > self._read_by:
            self.say("")

    def point_at(self, text: str) -> None:
        """What is under the cursor."""
        self._cursor = text
        self._write()

    def eventFilter(self, _, event: QEvent) -> bool:  # noqa: N802
        """Stay in the corner when the canvas changes its size."""
        if event.type() == QEvent.Type.Resize:
            self._place()
        return False

    def _write(self) -> None:
        text = "\n".join(filter(None, (self._cursor, self._message)))
        self.setText(text)
        self.setVisible(bool(text))
        self._place()

    def _place(self) -> None:
        """At the top of the plot, or at its bottom while the cursor is up there."""
        if not self.text():
            return
        theme, (left, bottom, right, top) = self._canvas.theme, MARGINS
        self.setStyleSheet(f"background: {theme.page}; color: {theme.ink}; padding: 2px 5px; border-radius: 3px;")
        room = self._canvas.rect().adjusted(left + _EDGE, top + _EDGE, -right - _EDGE, -bottom - _EDGE)
        words = self.fontMetrics().boundingRect(
            QRect(0, 0, room.width() - 12, 1000), Qt.TextFlag.TextWordWrap.value, self.text()
        )
        # a label wants some pixels more than its words; with fewer it breaks the line, and cuts both halves
        width = min(words.width() + 24, room.width())
        place = QRect(room.left(), room.top(), width, self.heightForWidth(width))
        if place.adjusted(-20, -20, 20, 20).contains(self._canvas.mapFromGlobal(QCursor.pos())):
            place.moveBottom(room.bottom())
        self.setGeometry(place)

"""Text over the plot: what is under the cursor, and the last message. It takes no room, and no mouse events."""

from __future__ import annotations

import math
import time

from qtpy.QtCore import QEvent, QObject, QRect, Qt, QTimer
from qtpy.QtGui import QCursor, QTextLayout, QTextOption
from qtpy.QtWidgets import QLabel, QToolTip

from .canvas import MARGINS, PlotCanvas

MESSAGE_SECONDS, READING_SECONDS = 15, 2.5
_EDGE = 5  # pixels between the words and the plot's border
_PADDING = 24  # pixels that a label wants more than its words; with fewer it breaks the line, and cuts both halves
_MOST_LINES = 3  # of a message: the plot is to be seen
_MOST_OF_PLOT = 0.35  # of its height, that what went wrong may take where three lines are too few


class PlotMessages(QLabel):
    """Over one canvas, in a corner where the cursor is not; hidden while there is nothing to say.

    Of a long message its beginning is shown, and all of it, ``whole``, in the tooltip.
    """

    def __init__(self, canvas: PlotCanvas) -> None:
        super().__init__(canvas, wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self._canvas, self._message, self._hover_text, self._error_read_at = canvas, "", "", math.inf
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._timer = QTimer(self, singleShot=True, interval=MESSAGE_SECONDS * 1000)
        self._timer.timeout.connect(lambda: self.say(""))
        canvas.installEventFilter(self)
        self.hide()

    def say(self, sentence: str, until_next: bool = False) -> None:
        """A message, which stays long enough to be read; ``until_next``: or until something else was done."""
        self._message, self._error_read_at = sentence, time.monotonic() + READING_SECONDS if until_next else math.inf
        self._timer.start()
        self._write()

    def clear_read_error(self) -> None:
        """Something else was done: remove a message of what went wrong before, once there was time to read it."""
        if self._message and time.monotonic() > self._error_read_at:
            self.say("")

    def set_hover_text(self, text: str) -> None:
        """What is under the cursor."""
        self._hover_text = text
        self._write()

    def eventFilter(self, _: QObject, event: QEvent) -> bool:  # noqa: N802
        """Stay in the corner when the canvas changes its size."""
        if event.type() == QEvent.Type.Resize:
            self._write()
        elif event.type() == QEvent.Type.ToolTip and self.isVisible() and self.geometry().contains(event.pos()):
            QToolTip.showText(event.globalPos(), self.whole, self._canvas)
            return True
        return False

    @property
    def whole(self) -> str:
        """The message, however long it is."""
        return self._message

    def _write(self) -> None:
        text = "\n".join(filter(None, (self._hover_text, self._shortened())))
        self.setText(text)
        self.setVisible(bool(text))
        self._place()

    def _text_area(self) -> QRect:
        """Of the plot, where words may be."""
        left, bottom, right, top = MARGINS
        return self._canvas.rect().adjusted(left + _EDGE, top + _EDGE, -right - _EDGE, -bottom - _EDGE)

    def _shortened(self) -> str:
        """The message, or as many of its lines as it may have."""
        width = max(self._text_area().width() - _PADDING, 1)
        most = self._most_lines()
        lines = [line for part in self._message.split("\n") for line in self._wrapped(part, width)]
        if len(lines) <= most:
            measure = self.fontMetrics().horizontalAdvance
            long = any(measure(word) > width for word in self._message.split())  # a label would cut it
            return "\n".join(lines) if long else self._message
        rest = " ".join(lines[most - 1 :])
        last = self.fontMetrics().elidedText(rest, Qt.TextElideMode.ElideRight, width)
        return "\n".join([*lines[: most - 1], last])

    def _most_lines(self) -> int:
        """What went wrong may take more of a narrow plot: it says what to do at its end."""
        if math.isinf(self._error_read_at):
            return _MOST_LINES
        return max(_MOST_LINES, int(_MOST_OF_PLOT * self._text_area().height()) // self.fontMetrics().lineSpacing())

    def _wrapped(self, text: str, width: int) -> list[str]:
        """The lines of a text that are no wider than so many pixels."""
        layout, lines = QTextLayout(text, self.font()), []
        option = QTextOption()
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        layout.setTextOption(option)
        layout.beginLayout()
        while (line := layout.createLine()).isValid():
            line.setLineWidth(width)
            lines.append(text[line.textStart() : line.textStart() + line.textLength()].strip())
        layout.endLayout()
        return lines

    def _place(self) -> None:
        """At the top of the plot, or at its bottom while the cursor is up there."""
        if not self.text():
            return
        theme, room = self._canvas.theme, self._text_area()
        self.setStyleSheet(f"background: {theme.page}; color: {theme.ink}; padding: 2px 5px; border-radius: 3px;")
        words = self.fontMetrics().boundingRect(
            QRect(0, 0, room.width() - 12, 1000), Qt.TextFlag.TextWordWrap.value, self.text()
        )
        width = min(words.width() + _PADDING, room.width())
        place = QRect(room.left(), room.top(), width, self.heightForWidth(width))
        if place.adjusted(-20, -20, 20, 20).contains(self._canvas.mapFromGlobal(QCursor.pos())):
            place.moveBottom(room.bottom())
        self.setGeometry(place)

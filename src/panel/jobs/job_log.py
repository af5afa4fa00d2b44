"""A job's log, which follows its end unless the user has scrolled up."""

from __future__ import annotations

from qtpy.QtGui import QFontDatabase, QTextCursor
from qtpy.QtWidgets import QPlainTextEdit

MOST_LINES = 5000


class JobLog(QPlainTextEdit):
    """The newest lines of a log."""

    def __init__(self) -> None:
        super().__init__()
        self.setReadOnly(True)
        self.setUndoRedoEnabled(False)
        self.setMaximumBlockCount(MOST_LINES)
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.setPlaceholderText("Nothing has been logged yet.")
        self.setAccessibleName("log of the job")

    def add(self, text: str, afresh: bool) -> None:
        """Add whole lines, in place of the old ones if ``afresh``; stay at the end if it is shown."""
        bar = self.verticalScrollBar()
        follows = bar.value() >= bar.maximum() - 1
        if afresh:
            self.setPlainText(text.rstrip("\n"))
        elif text:
            cursor = QTextCursor(self.document())  # not the reader's own, which holds what is selected
            cursor.movePosition(QTextCursor.MoveOperation.End)
            cursor.insertText(("\n" if not self.document().isEmpty() else "") + text.rstrip("\n"))
        if follows or afresh:
            bar.setValue(bar.maximum())

"""All jobs of a project in a table, the newest first, as they are on disk."""

from __future__ import annotations

import time
from functools import cache
from pathlib import Path

from qtpy.QtCore import QAbstractTableModel, QModelIndex, QRectF, Qt, Signal
from qtpy.QtGui import QColor, QIcon, QPainter, QPalette, QPixmap
from qtpy.QtWidgets import QAbstractItemView, QStyle, QStyledItemDelegate, QTableView

from ...jobs.listing import JobState
from ...jobs.project import job_number
from ...jobs.record import DONE, RUNNING, STOPPED
from ...jobs.terminal_progress import duration_text, values_text

COLUMNS = ("#", "Job", "State", "Progress", "Time left", "Images/s", "Device", "Started", "Took")
PROGRESS = COLUMNS.index("Progress")
_STATE = COLUMNS.index("State")
SHARE = int(Qt.ItemDataRole.UserRole)  # 0 to 1, or None
# of the dot before a state: distinct on dark and on light, and for the colour-blind
_DOTS = {"running": "#2f80ed", "done": "#2e9e5b", "failed": "#d64545", "stopped": "#c98a12", "queued": "#8a8f98"}


class JobRows(QAbstractTableModel):
    """The jobs as rows of text; another reading of the project changes only the cells that are new."""

    def __init__(self) -> None:
        super().__init__()
        self.states: list[JobState] = []
        self._texts: list[tuple[str, ...]] = []

    def show_states(self, states: tuple[JobState, ...]) -> None:
        """Show these; rows of jobs that stay keep their place and their selection."""
        newest_first = list(reversed(states))
        folders = [state.folder for state in newest_first]
        for row in reversed(range(len(self.states))):
            if self.states[row].folder not in folders:
                self._take_out(row)
        for row, state in enumerate(newest_first):
            if row >= len(self.states) or self.states[row].folder != state.folder:
                self._put_in(row, state)
            else:
                self._renew(row, state)

    def _take_out(self, row: int) -> None:
        self.beginRemoveRows(QModelIndex(), row, row)
        del self.states[row], self._texts[row]
        self.endRemoveRows()

    def _put_in(self, row: int, state: JobState) -> None:
        self.beginInsertRows(QModelIndex(), row, row)
        self.states.insert(row, state)
        self._texts.insert(row, row_texts(state))
        self.endInsertRows()

    def _renew(self, row: int, state: JobState) -> None:
        texts, before = row_texts(state), self._texts[row]
        self.states[row], self._texts[row] = state, texts
        other = [i for i in range(len(texts)) if texts[i] != before[i]]
        if other:
            self.dataChanged.emit(self.index(row, other[0]), self.index(row, other[-1]))

    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008 (Qt's own default)
        """See Qt."""
        return 0 if parent.isValid() else len(self.states)

    def columnCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008
        """See Qt."""
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation, role: int = Qt.ItemDataRole.DisplayRole):
        """See Qt."""
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return COLUMNS[section]
        return None

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole):
        """See Qt; `SHARE` is how far a job is."""
        state = self.states[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return self._texts[index.row()][index.column()]
        if role == SHARE:
            return share(state)
        if role == Qt.ItemDataRole.ToolTipRole:
            values = values_text(state.progress) if state.progress else ""
            return "\n".join(filter(None, (str(state.folder), state.message, values)))
        if role == Qt.ItemDataRole.TextAlignmentRole and index.column() in (0, 4, 5, 8):
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if role == Qt.ItemDataRole.DecorationRole and index.column() == _STATE:
            return _dot(_DOTS.get(state.state, _DOTS["failed"]))
        return None


def row_texts(state: JobState) -> tuple[str, ...]:
    """The texts of a row."""
    line = state.progress or {}
    shown = share(state)
    stage = line.get("stage") or ("" if shown is None or state.state == DONE else "step")
    if stage == "step":
        stage = f"{line['step']} of {line['total']}"
    return (
        str(job_number(state.folder)), state.verb, state.state,
        "" if shown is None or state.state == DONE else f"{stage} {100 * shown:.0f} %",
        duration_text(state.eta) if state.eta is not None else "",
        f"{state.images_per_second:,.0f}" if isinstance(state.images_per_second, (int, float)) else "",
        state.device or "",
        _clock(state.started),
        duration_text(state.seconds) if state.seconds is not None else "",
    )  # fmt: skip


def share(state: JobState) -> float | None:
    """How far a job's present stage is, from 0 to 1; None for one that has not begun, or has failed."""
    if state.state == DONE:
        return 1.0
    line = state.progress
    if state.state not in (RUNNING, STOPPED) or not line or line["total"] <= 0:
        return None
    return min(max(line["step"] / line["total"], 0.0), 1.0)


def _clock(seconds: float | None) -> str:
    if not isinstance(seconds, (int, float)):
        return ""
    then = time.localtime(seconds)
    today = time.strftime("%Y-%m-%d") == time.strftime("%Y-%m-%d", then)
    return time.strftime("%H:%M" if today else "%d %b %H:%M", then)


@cache
def _dot(colour: str) -> QIcon:
    """A round spot."""
    picture = QPixmap(32, 32)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colour))
    painter.drawEllipse(6, 6, 20, 20)
    painter.end()
    return QIcon(picture)


class _Bar(QStyledItemDelegate):
    """A bar behind the text of the progress."""

    def paint(self, painter: QPainter, option, index: QModelIndex) -> None:
        """See Qt."""
        done = index.data(SHARE)
        if done is None:
            super().paint(painter, option, index)
            return
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        if chosen:
            painter.fillRect(option.rect, option.palette.brush(QPalette.ColorRole.Highlight))
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(option.rect).adjusted(3, 4, -3, -4)
        text_role = QPalette.ColorRole.HighlightedText if chosen else QPalette.ColorRole.Text
        ink = option.palette.color(text_role)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(ink.red(), ink.green(), ink.blue(), 28))
        painter.drawRoundedRect(box, 3, 3)
        fill = QColor("#2e9e5b" if done >= 1 else "#2f80ed")
        fill.setAlpha(130)
        painter.setBrush(fill)
        painter.drawRoundedRect(QRectF(box.left(), box.top(), box.width() * done, box.height()), 3, 3)
        painter.setPen(ink)
        text = painter.fontMetrics().elidedText(index.data() or "", Qt.TextElideMode.ElideRight, int(box.width()) - 6)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
        painter.restore()


class JobTable(QTableView):
    """The table. ``chosen`` is emitted with the folder of the job that is selected, or None."""

    chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.rows = JobRows()
        self.setModel(self.rows)
        self.setItemDelegateForColumn(PROGRESS, _Bar(self))
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setAlternatingRowColors(True)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 10)
        self.setAccessibleName("jobs of the project")
        self._shape_columns()
        self.selectionModel().selectionChanged.connect(lambda *_: self.chosen.emit(self.folder))

    def _shape_columns(self) -> None:
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setMinimumSectionSize(24)
        widest = ("000", "reconstruct", "     stopped", "64 pixels 100 %xx", "0:00:00", "Images/s",
                  "cuda:0 (NVIDIA H200)", "00 Mmm 00:00", "00:00:00")  # fmt: skip
        for column, text in enumerate(widest):
            width = max(map(self.fontMetrics().horizontalAdvance, (text, COLUMNS[column])))
            self.setColumnWidth(column, width + 16)
        header.setStretchLastSection(True)

    def show_states(self, states: tuple[JobState, ...]) -> None:
        """Show these jobs; the selection goes with the selected job, never to its neighbour."""
        if self.folder not in [state.folder for state in states]:
            self.clearSelection()
            self.setCurrentIndex(QModelIndex())
        self.rows.show_states(states)

    @property
    def state(self) -> JobState | None:
        """The selected job."""
        rows = self.selectionModel().selectedRows()
        return self.rows.states[rows[0].row()] if rows else None

    @property
    def folder(self) -> Path | None:
        """The folder of the selected job."""
        return self.state.folder if self.state else None

    def choose(self, folder: Path) -> None:
        """Select a job."""
        for row, state in enumerate(self.rows.states):
            if state.folder == folder:
                self.selectRow(row)
                self.scrollTo(self.rows.index(row, 0))

"""Widgets in a row that goes on in further rows where it is too long, as words in a text."""

from __future__ import annotations

from collections.abc import Iterable

from qtpy.QtCore import QPoint, QRect, QSize, Qt
from qtpy.QtWidgets import QHBoxLayout, QLabel, QLayout, QLayoutItem, QSizePolicy, QWidget


class WrappingRow(QLayout):
    """Each widget as wide as it wants to be; those that expand (by their size policy) share what a row has left."""

    def __init__(self, widgets: Iterable[QWidget] = (), spacing: int = 4, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._items: list[QLayoutItem] = []
        self.setContentsMargins(0, 0, 0, 0)
        self.setSpacing(spacing)
        for widget in widgets:
            self.addWidget(widget)

    def addItem(self, item: QLayoutItem) -> None:  # noqa: N802
        """See Qt."""
        self._items.append(item)

    def count(self) -> int:
        """See Qt."""
        return len(self._items)

    def itemAt(self, number: int) -> QLayoutItem | None:  # noqa: N802
        """See Qt."""
        return self._items[number] if 0 <= number < len(self._items) else None

    def takeAt(self, number: int) -> QLayoutItem | None:  # noqa: N802
        """See Qt."""
        return self._items.pop(number) if 0 <= number < len(self._items) else None

    def expandingDirections(self) -> Qt.Orientation:  # noqa: N802
        """Sideways."""
        return Qt.Orientation.Horizontal

    def hasHeightForWidth(self) -> bool:  # noqa: N802
        """The narrower, the more rows."""
        return True

    def heightForWidth(self, width: int) -> int:  # noqa: N802
        """Of all rows, in pixels."""
        return self._place(QRect(0, 0, width, 0), move=False)

    def minimumSize(self) -> QSize:  # noqa: N802
        """As wide as the widest widget must be."""
        whole = QSize()
        for item in self._visible_items():
            whole = whole.expandedTo(item.minimumSize())
        return whole

    def sizeHint(self) -> QSize:  # noqa: N802
        """All in one row."""
        sizes = [item.sizeHint() for item in self._visible_items()]
        gaps = self.spacing() * max(len(sizes) - 1, 0)
        return QSize(sum(size.width() for size in sizes) + gaps, max((size.height() for size in sizes), default=0))

    def setGeometry(self, area: QRect) -> None:  # noqa: N802
        """See Qt."""
        super().setGeometry(area)
        self._place(area, move=True)

    def _visible_items(self) -> list[QLayoutItem]:
        return [item for item in self._items if not item.isEmpty()]

    def _place(self, area: QRect, move: bool) -> int:
        """Put the widgets into rows, if ``move``; returns the height that they take."""
        top, rows = area.top(), self._rows(area.width())
        for row in rows:
            height = max(item.sizeHint().height() for item in row)
            if move:
                self._place_row(row, QRect(area.left(), top, area.width(), height))
            top += height + self.spacing()
        return max(top - self.spacing() - area.top(), 0) if rows else 0

    def _rows(self, width: int) -> list[list[QLayoutItem]]:
        rows, taken = [], width + 1
        for item in self._visible_items():
            wide = min(item.sizeHint().width(), width)
            if taken + self.spacing() + wide > width:
                rows.append([])
                taken = -self.spacing()
            rows[-1].append(item)
            taken += self.spacing() + wide
        return rows

    def _place_row(self, row: list[QLayoutItem], area: QRect) -> None:
        widths = [min(item.sizeHint().width(), area.width()) for item in row]
        spare = area.width() - sum(widths) - self.spacing() * (len(row) - 1)
        growing = [k for k, item in enumerate(row) if item.expandingDirections() & Qt.Orientation.Horizontal]
        for place, k in enumerate(growing):
            widths[k] += (spare * (place + 1)) // len(growing) - (spare * place) // len(growing)
        left = area.left()
        for item, width in zip(row, widths):
            height = item.sizeHint().height()
            item.setGeometry(QRect(QPoint(left, area.top() + (area.height() - height) // 2), QSize(width, height)))
            left += width + self.spacing()


def wrapping(*widgets: QWidget) -> QWidget:
    """A widget with these in a `WrappingRow`."""
    whole = QWidget()
    whole.setLayout(WrappingRow(widgets))
    policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
    policy.setHeightForWidth(True)
    whole.setSizePolicy(policy)
    return whole


def with_label(text: str, field: QWidget) -> QWidget:
    """A field that takes what room there is, behind its label."""
    pair = QWidget()
    row = QHBoxLayout(pair)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(4)
    if text:
        row.addWidget(QLabel(text))
    field.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    row.addWidget(field, 1)
    return pair


def labelled(rows: Iterable[tuple[str, Iterable[QWidget]]]) -> list[QWidget]:
    """A wrapping row for each label and its widgets, which begin at the same place as far as the rows are not broken.

    A form of Qt's does not make room for rows that wrap inside its own.
    """
    rows = [(QLabel(text), widgets) for text, widgets in rows]
    widest = max(label.sizeHint().width() for label, _ in rows)
    for label, _ in rows:
        label.setMinimumWidth(widest)
    return [wrapping(label, *widgets) for label, widgets in rows]

"""Tabs whose titles are closer together where there is little room, so that all of them are seen."""

from __future__ import annotations

from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QPaintEvent, QResizeEvent
from qtpy.QtWidgets import QScrollArea, QStyle, QStyleOptionTab, QStylePainter, QTabBar, QTabWidget, QWidget

_LEAST = 6  # pixels beside a title, left and right together


class CompactTabBar(QTabBar):
    """The titles' usual room, less what is missing."""

    def tabSizeHint(self, number: int) -> QSize:  # noqa: N802
        """See Qt."""
        usual = [super(CompactTabBar, self).tabSizeHint(k) for k in range(self.count())]
        texts = [self.fontMetrics().horizontalAdvance(self.tabText(k).replace("&&", "&")) for k in range(self.count())]
        missing = sum(size.width() for size in usual) - self._free_width()
        margin = sum(size.width() - wide for size, wide in zip(usual, texts)) / max(self.count(), 1)
        room = max(margin - max(missing, 0) / max(self.count(), 1), _LEAST)
        size = usual[number]
        return size if missing <= 0 else QSize(min(size.width(), round(texts[number] + room - 0.5)), size.height())

    def paintEvent(self, _: QPaintEvent) -> None:  # noqa: N802
        """A style cuts a title that has less than its usual room beside it: here it has all of the tab."""
        painter, option = QStylePainter(self), QStyleOptionTab()
        others = [k for k in range(self.count()) if k != self.currentIndex()]
        for number in [*others, self.currentIndex()]:  # the tab in front overlaps its neighbours
            if number >= 0:
                self.initStyleOption(option, number)
                painter.drawControl(QStyle.ControlElement.CE_TabBarTabShape, option)
                flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextShowMnemonic
                painter.setPen(option.palette.windowText().color())
                painter.drawText(self.tabRect(number), flags, self.tabText(number))
        painter.end()

    def _free_width(self) -> int:
        tabs = self.parentWidget()
        corner = tabs.cornerWidget() if isinstance(tabs, QTabWidget) else None
        taken = corner.sizeHint().width() if corner is not None and not corner.isHidden() else 0
        return (tabs.width() if tabs is not None else self.width()) - taken - 2


class CompactTabs(QTabWidget):
    """A tab widget with a `CompactTabBar`."""

    def __init__(self) -> None:
        super().__init__()
        self.setTabBar(CompactTabBar())
        self.setDocumentMode(True)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Another room for the titles."""
        if event.size().width() != event.oldSize().width():
            self.tabBar().setFont(self.tabBar().font())  # makes the bar measure its tabs again
        super().resizeEvent(event)


def scrolling(page: QWidget) -> QScrollArea:
    """A page that scrolls where there is little room: next to the 3D view that is so, and the plot comes first."""
    area = QScrollArea(widgetResizable=True)
    area.setFrameShape(QScrollArea.Shape.NoFrame)
    area.setWidget(page)
    area.setMinimumSize(1, 1)
    return area

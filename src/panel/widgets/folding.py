"""The plot and the tabs share the panel: tabs below, as tall as they need, or beside it; and they fold away."""

from __future__ import annotations

from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import QScrollArea, QSplitter, QTabWidget, QToolButton, QWidget

PLOT_SHARE, PLOT_HEIGHT = 0.43, 270  # of the panel's height, and pixels: what the plot has before the tabs have more
_LEAST_PAGE = 100  # pixels of a page; where there are less below the plot, tabs are beside it or folded away
_BESIDE = 1.5  # times as wide as high: from there on the tabs are beside the plot anyway
_WIDE = 430  # pixels of width that two beside one another need
_SHARE_BESIDE = 0.52  # of the width, for the tabs
_ANY_HEIGHT = 16_777_215


class Folding(QSplitter):
    """A splitter with the plot first and the tabs second. All pages have the same size, so that the tabs do not move.

    ``moved`` is emitted when the user has moved the handle; ``chosen`` is then what share of the height (key
    ``below``) or width (``beside``) the tabs have.
    """

    moved = Signal()

    def __init__(self, plot: QWidget, tabs: QTabWidget) -> None:
        super().__init__(Qt.Orientation.Vertical)
        self.tabs, self.folded, self._asked = tabs, False, False
        self.chosen: dict[str, float] = {}
        self.button = QToolButton(autoRaise=True, objectName="fold tabs")
        self.addWidget(plot)
        self.addWidget(tabs)
        self.setChildrenCollapsible(False)
        tabs.setCornerWidget(self.button)
        self.button.clicked.connect(lambda: self.fold(not self.folded))
        tabs.tabBarClicked.connect(lambda number: self.fold(False) if number >= 0 and self.folded else None)
        self.splitterMoved.connect(self._moved)

    def fold(self, folded: bool) -> None:
        """Leave only the tabs' titles, or show their pages again."""
        self.folded, self._asked = folded, True
        self.fit()

    @property
    def asked(self) -> bool | None:
        """Whether the user has folded the tabs away; None while the user has done neither."""
        return self.folded if self._asked else None

    @property
    def beside(self) -> bool:
        """Whether the tabs are beside the plot."""
        low = self._free_height < _LEAST_PAGE
        return self.width() >= _WIDE and (low or self.width() > _BESIDE * self._whole)

    def fit(self) -> None:
        """Share the room."""
        beside = self.beside
        self.setOrientation(Qt.Orientation.Horizontal if beside else Qt.Orientation.Vertical)
        if not self._asked:
            self.folded = not beside and self._free_height < _LEAST_PAGE
        folds = self.folded and not beside
        self.tabs.setMaximumHeight(self._bar if folds else _ANY_HEIGHT)
        self._show_button(beside)
        whole = self.width() if beside else self.height()
        second = self.chosen.get("beside" if beside else "below", 0.0) * whole
        if folds:
            second = self._bar
        elif not second:
            least = max(self._free_height, _LEAST_PAGE)
            second = _SHARE_BESIDE * whole if beside else self._bar + min(self._wanted(), least)
        with QSignalBlocker(self):
            self.setSizes([round(whole - second), round(second)])

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Another shape."""
        super().resizeEvent(event)
        self.fit()

    @property
    def _bar(self) -> int:
        return self.tabs.tabBar().sizeHint().height()

    @property
    def _whole(self) -> int:
        """The height of the panel, of which this is a part."""
        return max(self.parentWidget().height() if self.parentWidget() else 0, self.height())

    @property
    def _free_height(self) -> int:
        """The height that pages may have below the plot."""
        return round(self.height() - self.handleWidth() - self._bar - max(PLOT_SHARE * self._whole, PLOT_HEIGHT))

    def _wanted(self) -> int:
        """The height that the tallest page needs in this width."""
        pages = [_content(self.tabs.widget(number)) for number in range(self.tabs.count())]
        return 6 + max((_height(page, self.width()) for page in pages), default=0)

    def _moved(self, position: int, _: int) -> None:
        if self.beside or not self.folded:
            whole = self.width() if self.beside else self.height()
            self.chosen["beside" if self.beside else "below"] = 1 - position / max(whole, 1)
            self.moved.emit()

    def _show_button(self, beside: bool) -> None:
        self.button.setVisible(not beside)
        self.button.setArrowType(Qt.ArrowType.UpArrow if self.folded else Qt.ArrowType.DownArrow)
        self.button.setToolTip("Show the tabs" if self.folded else "Fold the tabs away: more room for the plot")


def _content(page: QWidget) -> QWidget:
    return page.widget() if isinstance(page, QScrollArea) and page.widget() is not None else page


def _height(page: QWidget, width: int) -> int:
    layout = page.layout()
    if layout is None or not layout.hasHeightForWidth():
        return page.sizeHint().height()
    return max(layout.heightForWidth(width), layout.minimumHeightForWidth(width))

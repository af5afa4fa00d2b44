"""The plot and the tabs share the panel: tabs below, as tall as they need, or beside it; and they fold away."""

from __future__ import annotations

from qtpy.QtCore import QSignalBlocker, Qt
from qtpy.QtWidgets import QScrollArea, QSplitter, QTabWidget, QToolButton, QWidget

_MOST, _MOST_ROOMY = 0.45, 0.6  # of the height that tabs take unless somebody moves the handle
_BESIDE = 1.5  # times as wide as high: from there on the tabs stand beside the plot
_SHARE_BESIDE = 0.45  # of the width
_LOW = 600  # pixels of height below which tabs are folded away until somebody wants one


class Folding(QSplitter):
    """A splitter with the plot first and the tabs second. A page with ``wants_room`` set gets more of the height.

    What the handle is moved to stays, for pages that want room and for the others by themselves.
    """

    def __init__(self, plot: QWidget, tabs: QTabWidget) -> None:
        super().__init__(Qt.Orientation.Vertical)
        self.tabs, self.folded, self._asked = tabs, False, False
        self._chosen: dict[bool, float] = {}  # share of the height by hand; key: whether the page wants room
        self.button = QToolButton(autoRaise=True, objectName="fold tabs")
        self.addWidget(plot)
        self.addWidget(tabs)
        self.setChildrenCollapsible(False)
        tabs.setCornerWidget(self.button)
        self.button.clicked.connect(lambda: self.fold(not self.folded))
        tabs.tabBarClicked.connect(lambda number: self.fold(False) if number >= 0 else None)
        tabs.currentChanged.connect(lambda _: self.fit())
        self.splitterMoved.connect(self._moved)

    def fold(self, folded: bool) -> None:
        """Leave only the tabs' titles, or show their pages again."""
        self.folded, self._asked = folded, True
        self.fit()

    def fit(self) -> None:
        """Share the room."""
        self.setOrientation(Qt.Orientation.Horizontal if self._beside else Qt.Orientation.Vertical)
        if not self._asked:
            self.folded = self.height() < _LOW
        bar = self.tabs.tabBar().sizeHint().height()
        folds = self.folded and not self._beside
        self.tabs.setMaximumHeight(bar if folds else 16_777_215)
        self._show_button()
        if self._beside:
            whole, second = self.width(), _SHARE_BESIDE * self.width()
        else:
            whole = self.height()
            by_hand = self._chosen.get(self._roomy, 0.0) * whole
            second = bar if folds else by_hand or min(self._wanted(), self._most * whole)
        with QSignalBlocker(self):
            self.setSizes([round(whole - second), round(second)])

    def resizeEvent(self, event) -> None:  # noqa: N802
        """Another shape."""
        super().resizeEvent(event)
        self.fit()

    @property
    def _beside(self) -> bool:
        return self.width() > _BESIDE * self.height()

    @property
    def _roomy(self) -> bool:
        return getattr(_content(self.tabs.currentWidget()), "wants_room", False)

    @property
    def _most(self) -> float:
        return _MOST_ROOMY if self._roomy else _MOST

    def _wanted(self) -> int:
        """The height for the tallest page of the same kind, so that the plot stays as it is from tab to tab."""
        pages = [_content(self.tabs.widget(number)) for number in range(self.tabs.count())]
        alike = [page.sizeHint().height() for page in pages if getattr(page, "wants_room", False) == self._roomy]
        return self.tabs.tabBar().sizeHint().height() + 6 + max(alike, default=0)

    def _moved(self, position: int, _: int) -> None:
        if not self._beside and not self.folded:
            self._chosen[self._roomy] = 1 - position / max(self.height(), 1)

    def _show_button(self) -> None:
        self.button.setVisible(not self._beside)
        self.button.setArrowType(Qt.ArrowType.UpArrow if self.folded else Qt.ArrowType.DownArrow)
        self.button.setToolTip("Show the tabs" if self.folded else "Fold the tabs away: more room for the plot")


def _content(page: QWidget | None) -> QWidget | None:
    return page.widget() if isinstance(page, QScrollArea) and page.widget() is not None else page

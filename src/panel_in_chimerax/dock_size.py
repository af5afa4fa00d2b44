"""How large the panel is in a main window: the 3D view has its half, and a size that the user chose is stored."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QEvent, QObject, Qt, QTimer
from qtpy.QtWidgets import QApplication, QDockWidget, QMainWindow

from ..panel.window import FlexPanel

_VIEW = 0.5  # of the main window's width, for the 3D view at least
_WIDTH, _LEAST_WIDTH = 620, 300  # pixels that it asks for, and that it asks for where not even these are free
_HEIGHT, _SHARE = 860, 0.82  # pixels, and of the height beside the 3D view: some is left for what is docked below
_QUIET = 400  # milliseconds after the last change by hand when it is stored


class DockSize(QObject):
    """Sets and stores the size of one docked panel.

    ``settings`` has its width and height in pixels, and the tabs' share of it below the plot and beside it; each is 0
    until the user has chosen one.
    """

    def __init__(self, main: QMainWindow, dock: QDockWidget, panel: FlexPanel, settings: Any) -> None:
        super().__init__(dock)
        self._main, self._dock, self._panel, self._settings = main, dock, panel, settings
        self._main_size, self._by_hand = main.size(), False
        self._quiet = QTimer(self, singleShot=True, interval=_QUIET)
        self._quiet.timeout.connect(self._store)
        panel.folding.chosen = {name: share for name in ("below", "beside") if (share := getattr(settings, name))}
        panel.folding.moved.connect(self._quiet.start)
        dock.installEventFilter(self)
        dock.topLevelChanged.connect(self._docked)
        self.ask()
        QTimer.singleShot(0, self.ask)  # a main window lays its docks out later

    def end(self) -> None:
        """Stop watching."""
        self._dock.removeEventFilter(self)
        self._quiet.stop()

    def ask(self) -> None:
        """Ask for the size that the user chose, or one that fits."""
        if self._dock.isFloating() or self._main.dockWidgetArea(self._dock) == Qt.DockWidgetArea.NoDockWidgetArea:
            return
        view, column = self._main.centralWidget(), self._dock.width()
        free = column + view.width() - round(_VIEW * self._main.width()) - 1
        wide = max(min(self._settings.width or _WIDTH, free), _LEAST_WIDTH)
        high = self._settings.height or min(_HEIGHT, round(_SHARE * view.height()))
        self._main.resizeDocks([self._dock], [wide], Qt.Orientation.Horizontal)
        self._main.resizeDocks([self._dock], [high], Qt.Orientation.Vertical)

    def eventFilter(self, _: QObject, event: QEvent) -> bool:  # noqa: N802
        """A size that changes under a pressed mouse, the main window's staying, is the user's choice."""
        if event.type() == QEvent.Type.Resize:
            same, self._main_size = self._main.size() == self._main_size, self._main.size()
            pressed = QApplication.mouseButtons() & Qt.MouseButton.LeftButton
            if same and pressed and not self._dock.isFloating():
                self._by_hand = True
                self._quiet.start()
        return False

    def _docked(self, floating: bool) -> None:
        if not floating:
            QTimer.singleShot(0, self._raise_dock)

    def _raise_dock(self) -> None:
        """In front of what it was docked upon, where it has just been put."""
        self._dock.raise_()
        self.ask()

    def _store(self) -> None:
        if self._by_hand:
            self._by_hand = False
            self._settings.width, self._settings.height = self._dock.width(), self._dock.height()
        for name, share in self._panel.folding.chosen.items():
            setattr(self._settings, name, round(share, 3))

"""The layout of the plot's controls, in as few rows as there is room for."""

from __future__ import annotations

from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import QBoxLayout, QWidget

from ..widgets.wrapping import WrappingRow


class PlotControls(QWidget):
    """Axes above tools, or beside them where there is room for both."""

    def __init__(self, axes: WrappingRow, tools: WrappingRow) -> None:
        super().__init__()
        self._axes, self._tools = axes, tools
        self._parts = QBoxLayout(QBoxLayout.Direction.TopToBottom, self)
        self._parts.setContentsMargins(4, 4, 4, 0)
        self._parts.setSpacing(3)
        self._parts.addLayout(axes, 1)
        self._parts.addLayout(tools)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """One row or two."""
        super().resizeEvent(event)
        room = self._axes.sizeHint().width() + self._tools.sizeHint().width() + 24
        kinds = QBoxLayout.Direction
        self._parts.setDirection(kinds.LeftToRight if self.width() >= room else kinds.TopToBottom)

"""The controls of the plot: axes, colours, how particles are drawn, and the mouse modes, in as few rows as fit."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import QBoxLayout, QButtonGroup, QComboBox, QToolButton, QWidget

from ..widgets.wrapping import WrappingRow, with_label
from .colouring import DENSITY
from .mouse_modes import MODES

_LABELS = {"go": "Go", "move": "Move", "zoom": "Zoom", "lasso": "Lasso", "box": "Box", "draw": "Draw", "edit": "Edit"}


class ColumnBox(QComboBox):
    """Columns to choose from; those of the particle file are looked up when the list is opened, not before."""

    opening = Signal()  # the list is about to be shown

    def showPopup(self) -> None:  # noqa: N802
        """Show the list, after `opening`."""
        self.opening.emit()
        super().showPopup()


class PlotControls(QWidget):
    """Axes above tools, or beside them where there is room. ``modes`` are the buttons of `MODES`, by number."""

    def __init__(self) -> None:
        super().__init__()
        self.x, self.y, self.colour, self.style_choice = QComboBox(), QComboBox(), ColumnBox(), QComboBox()
        self.colour.addItem(DENSITY)
        self.style_choice.addItems(["auto", "density", "points"])
        self.style_choice.setToolTip("How particles are drawn: dots, a density, or whichever suits their number")
        self.modes = QButtonGroup(self)
        self.home = QToolButton(text="Home", toolTip="Show all particles", autoRaise=True, objectName="home")
        self.axes_row, self.tools = WrappingRow(), WrappingRow(spacing=1)
        self._fill_axes_row()
        self._fill_tools()
        self._parts = QBoxLayout(QBoxLayout.Direction.TopToBottom, self)
        self._parts.setContentsMargins(4, 4, 4, 0)
        self._parts.setSpacing(3)
        self._parts.addLayout(self.axes_row, 1)
        self._parts.addLayout(self.tools)

    def _fill_axes_row(self) -> None:
        for text, box, letters in (("x", self.x, 4), ("y", self.y, 4), ("colour", self.colour, 7),
                                   ("", self.style_choice, 4)):  # fmt: skip
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setMinimumContentsLength(letters)
            self.axes_row.addWidget(with_label(text, box))

    def _fill_tools(self) -> None:
        for number, (mode, tip) in enumerate(MODES.items()):
            button = QToolButton(text=_LABELS[mode], checkable=True, toolTip=tip, autoRaise=True)
            button.setObjectName(f"mode {mode}")
            self.modes.addButton(button, number)
            self.tools.addWidget(button)
        self.modes.button(0).setChecked(True)
        self.tools.addWidget(self.home)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """One row or two."""
        super().resizeEvent(event)
        room = self.axes_row.sizeHint().width() + self.tools.sizeHint().width() + 24
        kinds = QBoxLayout.Direction
        self._parts.setDirection(kinds.LeftToRight if self.width() >= room else kinds.TopToBottom)

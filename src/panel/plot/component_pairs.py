"""All pairs of components at a glance; a click on one shows it large."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from qtpy.QtCore import QPoint, QRectF, Qt, Signal
from qtpy.QtGui import QColor, QImage, QMouseEvent, QPainter, QPaintEvent
from qtpy.QtWidgets import QDialog, QLabel, QVBoxLayout, QWidget

from ...explore.plot_density import plot_limits
from ...explore.trained_model import Trained
from .raster import density_picture
from .theme import Theme

_MOST = 8  # axes: 28 pairs
_SIDE = 128  # pixels of each picture as it is made
_GAP = 4


class ComponentPairs(QDialog):
    """A window with a small density picture for each two of the first components."""

    chosen = Signal(str, str)  # two axes

    def __init__(self, trained: Trained, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("All pairs of components")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.grid = PairGrid(trained, theme)
        self.grid.chosen.connect(self.chosen)
        self.grid.chosen.connect(lambda *_: self.close())
        column = QVBoxLayout(self)
        column.addWidget(QLabel("Click a pair to plot it."))
        column.addWidget(self.grid, 1)
        side = 130 * self.grid.count + 40
        self.resize(min(900, side), min(900, side))


class PairGrid(QWidget):
    """The pictures: column k has component k across, row j has component j upwards."""

    chosen = Signal(str, str)

    def __init__(self, trained: Trained, theme: Theme) -> None:
        super().__init__()
        self.theme = theme
        places = trained.components.coordinates(trained.latents[trained.finite]).astype(np.float32)[:, :_MOST]
        self.names = [f"pc{k + 1}" for k in range(places.shape[1])]
        limits = plot_limits(places)
        self.pictures = {
            (x, y): _image(density_picture(
                places[:, [x, y]], limits[[x, y]], (_SIDE, _SIDE), theme.density)) for x, y in
            combinations(range(places.shape[1]), 2)
        }  # fmt: skip
        self.setMinimumSize(60 * self.count, 60 * self.count)

    @property
    def count(self) -> int:
        """How many pictures there are across."""
        return max(1, len(self.names) - 1)

    def cell(self, x: int, y: int) -> QRectF:
        """Where the picture of components x and y is, x < y."""
        wide, tall = self.width() / self.count, self.height() / self.count
        return QRectF(x * wide, (y - 1) * tall, wide - _GAP, tall - _GAP)

    def paintEvent(self, _: QPaintEvent) -> None:  # noqa: N802
        """All pictures with the names of their axes."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        for (x, y), picture in self.pictures.items():
            cell = self.cell(x, y)
            painter.fillRect(cell, QColor(self.theme.page))
            painter.drawImage(cell, picture)
            painter.setPen(QColor(self.theme.ink))
            painter.drawText(cell.adjusted(4, 2, 0, 0), Qt.AlignmentFlag.AlignLeft, f"{self.names[x]}, {self.names[y]}")
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Choose a pair."""
        place = event.position().toPoint() if hasattr(event, "position") else QPoint(event.x(), event.y())
        for x, y in self.pictures:
            if self.cell(x, y).contains(place.x(), place.y()):
                self.chosen.emit(self.names[x], self.names[y])
                return


def _image(picture: np.ndarray) -> QImage:
    grid = np.ascontiguousarray((255 * picture[::-1]).astype(np.uint8))
    tall, wide = grid.shape[:2]
    return QImage(grid.data, wide, tall, 4 * wide, QImage.Format.Format_RGBA8888).copy()

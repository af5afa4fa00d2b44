"""What the colours of the plot mean: a bar from low to high, or a patch for each group."""

from __future__ import annotations

import numpy as np
from qtpy.QtCore import QRectF, Qt
from qtpy.QtGui import QColor, QImage, QPainter, QPaintEvent
from qtpy.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QWidget

from .colouring import Colouring


class Legend(QWidget):
    """One line below the plot; hidden while colours mean density."""

    def __init__(self) -> None:
        super().__init__()
        self.bar, self.low, self.high = _Bar(), QLabel(), QLabel()
        self.groups = QLabel(wordWrap=True)
        self.groups.setTextFormat(Qt.TextFormat.RichText)
        row = QHBoxLayout(self)
        row.setContentsMargins(4, 0, 4, 0)
        for widget in (self.low, self.bar, self.high):
            row.addWidget(widget)
        row.addWidget(self.groups, 1)
        self.hide()

    def show_colouring(self, colouring: Colouring | None, table: np.ndarray | None = None) -> None:
        """Explain a colouring; hide for None."""
        self.setVisible(colouring is not None)
        if colouring is None:
            return
        scale = colouring.low is not None
        for widget in (self.bar, self.low, self.high):
            widget.setVisible(scale)
        rest = f"{colouring.unknown} without a value" if colouring.unknown else ""
        if scale:
            self.bar.table = table
            unit = f" {colouring.unit}" if colouring.unit else ""
            low, high = (_end(value, colouring.high - colouring.low) for value in (colouring.low, colouring.high))
            self.low.setText(f"{colouring.name}  {low}")
            self.high.setText(f"{high}{unit}")
            self.groups.setText(rest)
        else:
            patches = [f'<span style="color:rgb{rgba[:3]}">■</span> {_plain(text)}' for text, rgba in colouring.groups]
            more = f" and {colouring.more} more" if colouring.more else ""
            self.groups.setText(f"{colouring.name}: " + " &nbsp;".join(patches) + more + (f"; {rest}" if rest else ""))
        self.bar.update()


def _end(value: float, span: float) -> str:
    """An end of the scale; next to nothing, beside all of it, is 0, and thousands are whole numbers."""
    if abs(value) < 1e-4 * span:
        return "0"
    return f"{value:,.0f}" if 1e3 <= abs(value) < 1e7 else f"{value:.4g}"


def _plain(text: str) -> str:
    text = text if len(text) <= 24 else "…" + text[-23:]
    return text.replace("&", "&amp;").replace("<", "&lt;")


class _Bar(QWidget):
    def __init__(self) -> None:
        super().__init__()
        self.table: np.ndarray | None = None
        self.setFixedHeight(10)
        self.setMinimumWidth(90)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def paintEvent(self, _: QPaintEvent) -> None:  # noqa: N802
        """The colours from low to high."""
        if self.table is None:
            return
        row = QImage(len(self.table), 1, QImage.Format.Format_RGB32)
        for k, colour in enumerate(self.table):
            row.setPixelColor(k, 0, QColor.fromRgbF(*(float(part) for part in colour[:3])))
        painter = QPainter(self)
        painter.drawImage(QRectF(self.rect()), row)
        painter.end()

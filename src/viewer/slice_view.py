"""The map where there is no ChimeraX: three slices through its centre, and its projection."""

from __future__ import annotations

import numpy as np
from qtpy.QtCore import QRectF, Qt
from qtpy.QtGui import QColor, QImage, QPainter
from qtpy.QtWidgets import QWidget

BACKGROUND = QColor("#101114")
_TITLES = ("xy", "xz", "yz")
_GAP, _TOP = 6, 18  # logical pixels between pictures, and for a title


class Slices(QWidget):
    """Four pictures of a map, all slices on one grey scale that stays from map to map."""

    def __init__(self) -> None:
        super().__init__()
        self.setMinimumSize(240, 240)
        self.images: list[QImage] = []
        self.range = (0.0, 1.0)
        self.width_angstroms = 0.0
        self.flat = 0  # the array axis that the projection is along: the molecule's shortest

    def start(self, volume: np.ndarray) -> None:
        """Take the grey scale of a map ``(N, N, N)``, black at nothing, white at its densest, and where it is flat."""
        places = np.arange(len(volume)) - len(volume) / 2
        mass = np.clip(volume, 0, None)
        spread = [_spread(mass.sum(axis=tuple({0, 1, 2} - {axis})), places) for axis in range(3)]
        self.flat = int(np.argmin(spread))
        self.range = (0.0, float(np.percentile(volume[volume > 0], 99.5)) if (volume > 0).any() else 1.0)

    def show_map(self, volume: np.ndarray, pixel_size: float) -> None:
        """Show ``volume`` ``(N, N, N)`` ``[z, y, x]``; y and z point up."""
        half = len(volume) // 2
        self.width_angstroms = len(volume) * pixel_size
        low, high = self.range
        slices = (volume[half], volume[:, half], volume[:, :, half])
        flat = volume.sum(axis=self.flat)
        shades = [np.clip((one - low) / (high - low), 0, 1) for one in slices]
        shades.append(np.clip(flat / max(float(flat.max()), 1e-30), 0, 1))
        self.images = [_image(shade) for shade in shades]
        self.update()

    def show_difference(self, change: np.ndarray, pixel_size: float) -> None:
        """Show a difference ``(N, N, N)`` of maps: blue where it is more, red where it is less."""
        half, top = len(change) // 2, float(np.abs(change).max()) or 1.0
        self.width_angstroms = len(change) * pixel_size
        flat = change.sum(axis=self.flat)
        parts = [one / top for one in (change[half], change[:, half], change[:, :, half])]
        self.images = [_signed_image(part) for part in (*parts, flat / (float(np.abs(flat).max()) or 1.0))]
        self.update()

    def same_scale(self) -> Slices:
        """Others, of no map yet, on the same grey scale."""
        other = Slices()
        other.range, other.flat = self.range, self.flat
        return other

    def paintEvent(self, _) -> None:  # noqa: N802
        """As large as there is room."""
        painter = QPainter(self)
        self.paint(painter, QRectF(self.rect()))
        painter.end()

    def paint(self, painter: QPainter, area: QRectF) -> None:
        """Two by two, as large as there is room in ``area``."""
        painter.fillRect(area, BACKGROUND)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        side = min((area.width() - 3 * _GAP) / 2, (area.height() - 3 * _GAP) / 2 - _TOP)
        left = area.x() + (area.width() - 2 * side - _GAP) / 2
        top = area.y() + (area.height() - 2 * (side + _TOP) - _GAP) / 2
        painter.setPen(QColor("#c9ccd1"))
        titles = (*_TITLES, f"projection along {'zyx'[self.flat]}")
        for k, image in enumerate(self.images):
            x, y = left + (k % 2) * (side + _GAP), top + (k // 2) * (side + _TOP + _GAP)
            painter.drawText(QRectF(x, y, side, _TOP), Qt.AlignmentFlag.AlignLeft, titles[k])
            painter.drawImage(QRectF(x, y + _TOP, side, side), image)
        if self.images:
            self._draw_bar(painter, left, top + _TOP + side, side)

    def _draw_bar(self, painter: QPainter, left: float, bottom: float, side: float) -> None:
        """A round number of ångströms."""
        wanted = self.width_angstroms / 4
        power = 10 ** np.floor(np.log10(wanted))
        length = float(power * max(one for one in (1, 2, 5) if one * power <= wanted))
        wide = side * length / self.width_angstroms
        painter.fillRect(QRectF(left + 8, bottom - 10, wide, 3), QColor("#ffffff"))
        painter.drawText(QRectF(left + 8, bottom - 28, side, 16), Qt.AlignmentFlag.AlignLeft, f"{length:g} Å")


def _spread(mass: np.ndarray, places: np.ndarray) -> float:
    total = max(float(mass.sum()), 1e-30)
    middle = float((mass * places).sum()) / total
    return float((mass * (places - middle) ** 2).sum()) / total


def _image(shade: np.ndarray) -> QImage:
    grey = np.ascontiguousarray((255 * shade[::-1]).astype(np.uint8))
    tall, wide = grey.shape
    return QImage(grey.data, wide, tall, wide, QImage.Format.Format_Grayscale8).copy()


def _signed_image(share: np.ndarray) -> QImage:
    """Black at 0, blue towards 1, red towards -1."""
    more, less = np.clip(share, 0, 1) ** 0.7, np.clip(-share, 0, 1) ** 0.7
    colour = np.stack([0.3 * more + less, 0.6 * more + 0.25 * less, more + 0.2 * less], axis=-1)
    grid = np.ascontiguousarray((255 * np.clip(colour[::-1], 0, 1)).astype(np.uint8))
    tall, wide = grid.shape[:2]
    return QImage(grid.data, wide, tall, 3 * wide, QImage.Format.Format_RGB888).copy()

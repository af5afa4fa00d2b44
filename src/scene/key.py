"""A colour key in the lower right corner of the graphics window, and of the images that are saved from it."""

from __future__ import annotations

import numpy as np
from chimerax.core.models import Model
from chimerax.graphics.drawing import Drawing, rgba_drawing

from .palette import Scale

_HEIGHT = 800.0  # of a picture in which the sizes below are pixels; they grow with it
_WIDE, _HIGH, _BAR, _MARGIN = 230, 62, 12, 24
_SMALLEST = 0.8  # of those sizes


class Key(Drawing):
    """What the colours of one model mean; seen while that is displayed. Several stand above each other."""

    pickable = False
    casts_shadows = False
    skip_bounds = True

    def __init__(self, owner: Model) -> None:
        super().__init__("color key")
        self._owner, self._drawn = owner, None
        self.scale: Scale | None = None
        self.wanted = True
        self._view = owner.session.main_view
        self._view.add_overlay(self)

    @property
    def shown(self) -> bool:
        """Whether it is drawn."""
        owner = self._owner
        return self.wanted and self.scale is not None and owner.display and owner.parents_displayed

    def close(self) -> None:
        """Take it away."""
        if self in self._view.overlays():
            self._view.remove_overlays([self])

    def draw(self, renderer, draw_pass) -> None:
        """What ChimeraX calls to draw it."""
        if self.shown:
            self._fit(renderer.render_size())
            super().draw(renderer, draw_pass)

    def _fit(self, window: tuple[int, int]) -> None:
        """Have the right picture at the right place in a picture of ``(width, height)`` pixels."""
        from chimerax.core.colors import contrast_with_background

        ink = tuple(contrast_with_background(self._owner.session)[:3])
        below = [one for one in self._view.overlays() if isinstance(one, Key) and one.shown]
        floor = below.index(self)
        wanted = (window, ink, floor, self.scale)
        if self._drawn == wanted:
            return
        self._drawn = wanted
        size = max(window[1] / _HEIGHT, _SMALLEST)
        picture = key_picture(self.scale, ink, size)
        high, wide = (2 * side / whole for side, whole in zip(picture.shape, (window[1], window[0])))
        margin = size * np.array((_MARGIN, _MARGIN + floor * (_HIGH + 12)))
        left, bottom = 1 - wide - 2 * margin[0] / window[0], -1 + 2 * margin[1] / window[1]
        rgba_drawing(self, picture, (left, bottom), (wide, high), opaque=False)


def key_picture(scale: Scale, ink: tuple[float, float, float], size: float) -> np.ndarray:
    """``(h, w, 4)`` uint8, the lowest row first: the title, the colours and their labels below them."""
    from chimerax.graphics import qimage_to_numpy
    from Qt.QtCore import QRectF, Qt
    from Qt.QtGui import QColor, QFont, QImage, QPainter, QPen

    wide, high, bar = (round(size * side) for side in (_WIDE, _HIGH, _BAR))
    image = QImage(wide, high, QImage.Format.Format_ARGB32)
    image.fill(QColor(0, 0, 0, 0))
    pen = QPen(QColor.fromRgbF(*ink))
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.TextAntialiasing)
    font = QFont("Arial")
    font.setPixelSize(max(round(15 * size), 9))
    painter.setFont(font)
    painter.setPen(pen)
    line = (high - bar) / 2
    painter.drawText(QRectF(0, 0, wide, line), Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, scale.title)
    for column in range(wide):
        colour = scale.colours[column * len(scale.colours) // wide]
        painter.fillRect(QRectF(column, line, 1, bar), QColor(*map(int, colour)))
    font.setPixelSize(max(round(13 * size), 9))
    painter.setFont(font)
    for text, place in scale.labels:
        half = 0.25 * wide
        middle = place * wide
        side = Qt.AlignmentFlag.AlignHCenter
        if place in (0.0, 1.0):
            side = Qt.AlignmentFlag.AlignLeft if place == 0 else Qt.AlignmentFlag.AlignRight
            middle += half if place == 0 else -half
        painter.drawText(QRectF(middle - half, line + bar, 2 * half, line), side | Qt.AlignmentFlag.AlignVCenter, text)
    painter.end()
    return qimage_to_numpy(image)

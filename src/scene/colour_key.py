"""What colours in the 3D view mean: a table or a scale in its corner, and in the pictures that are saved of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from chimerax.core.colors import Color
from chimerax.core.models import Model
from chimerax.core.session import Session
from chimerax.graphics import Render, text_image_rgba
from chimerax.graphics.drawing import Drawing, rgba_drawing

from .palette import Scale

_TEXT, _TABLE_MARGIN, _FONT = 15, 12, "Arial"  # pixels of the screen: height of letters, distance from the corner
_PAPER, _INK = (255, 255, 255, 215), (30, 30, 30, 255)
_HEIGHT = 800.0  # of a picture in which the sizes below are pixels; they grow with it
_WIDE, _HIGH, _BAR, _MARGIN = 230, 62, 12, 24
_SMALLEST = 0.8  # of those sizes

Lines = Sequence[tuple[str, str]]  # a colour ``#rrggbb`` or nothing, and what has it


class ColourKey(Drawing):
    """An overlay of the graphics window and of images that are saved from it, until it is closed."""

    pickable = casts_shadows = False
    skip_bounds = True

    def __init__(self, session: Session) -> None:
        super().__init__("colour key")
        self._view, self._drawn = session.main_view, None
        self._view.add_overlay(self)

    @property
    def shown(self) -> bool:
        """Whether it is drawn."""
        raise NotImplementedError

    def close(self) -> None:
        """Take it away."""
        if self in self._view.overlays():
            self._view.remove_overlays([self])

    def draw(self, renderer: Render, draw_pass: int) -> None:
        """What ChimeraX calls to draw it."""
        if not self.shown:
            return
        content = self._content(renderer)
        if self._drawn != content:
            self._drawn = content
            self._make_picture(*content)
        super().draw(renderer, draw_pass)

    def _content(self, renderer) -> tuple:
        """All that the picture depends on: the size ``(width, height)`` of the whole in pixels first."""
        raise NotImplementedError

    def _make_picture(self, window: tuple[int, int], *content: object) -> None:
        raise NotImplementedError

    def _place(self, picture: np.ndarray, window: tuple[int, int], left: float, bottom: float) -> None:
        """Put a picture, its lowest row first, so many pixels from the window's edges: from the right if left < 0."""
        high, wide = picture.shape[:2]
        left = window[0] - wide + left if left < 0 else left
        corner = (-1 + 2 * left / window[0], -1 + 2 * bottom / window[1])
        rgba_drawing(self, np.ascontiguousarray(picture), corner, (2 * wide / window[0], 2 * high / window[1]),
                     opaque=False)  # fmt: skip


class TableKey(ColourKey):
    """A line for each colour, in the lower left; in saved pictures as large a part of them as of the window."""

    def __init__(self, session: Session, lines: Lines, shown: Callable[[], bool]) -> None:
        """``shown`` is called at each picture."""
        super().__init__(session)
        self._lines, self._is_shown = tuple(lines), shown

    @property
    def shown(self) -> bool:
        """See `ColourKey`."""
        return self._is_shown()

    @property
    def lines(self) -> Lines:
        """What it says."""
        return self._lines

    @lines.setter
    def lines(self, lines: Lines) -> None:
        if tuple(lines) != self._lines:
            self._lines = tuple(lines)
            self._view.redraw_needed = True

    def _content(self, renderer) -> tuple:
        window = renderer.render_size()
        saved = getattr(renderer, "image_save", False)
        scale = window[0] / max(self._view.window_size[0], 1) if saved else renderer.pixel_scale()
        return window, scale, self._lines

    def _make_picture(self, window: tuple[int, int], scale: float, lines: Lines) -> None:
        self._place(table_picture(lines, scale)[::-1], window, _TABLE_MARGIN * scale, _TABLE_MARGIN * scale)
        self._view.clear_drawing_changes()  # so that it is not drawn anew without end


class ScaleKey(ColourKey):
    """The scale of one model's colours, in the lower right while that is displayed; several are above each other."""

    def __init__(self, owner: Model) -> None:
        super().__init__(owner.session)
        self._owner = owner
        self.scale: Scale | None = None

    @property
    def shown(self) -> bool:
        """See `ColourKey`."""
        return self.display and self.scale is not None and self._owner.display and self._owner.parents_displayed

    def _content(self, renderer) -> tuple:
        from chimerax.core.colors import contrast_with_background

        ink = tuple(contrast_with_background(self._owner.session)[:3])
        keys = [overlay for overlay in self._view.overlays() if isinstance(overlay, ScaleKey) and overlay.shown]
        return renderer.render_size(), ink, keys.index(self), self.scale

    def _make_picture(self, window: tuple[int, int], ink: tuple[float, ...], below: int, scale: Scale) -> None:
        size = max(window[1] / _HEIGHT, _SMALLEST)
        self._place(scale_picture(scale, ink, size), window, -size * _MARGIN, size * (_MARGIN + below * (_HIGH + 12)))


def table_picture(lines: Lines, scale: float) -> np.ndarray:
    """``(h, w, 4)`` uint8, the first line at the top; ``scale`` pixels for each of the screen's."""
    size = max(int(_TEXT * scale), 6)
    gap = size // 2
    texts = [text_image_rgba(text, _INK, size, _FONT)[::-1] for _, text in lines]
    tall = max(text.shape[0] for text in texts)
    width = 2 * gap + max(text.shape[1] + (size + gap if colour else 0) for (colour, _), text in zip(lines, texts))
    picture = np.tile(np.array(_PAPER, np.uint8), (tall * len(lines) + 2 * gap, width + gap, 1))
    for number, ((colour, _), text) in enumerate(zip(lines, texts)):
        top, left = gap + number * tall, 2 * gap
        if colour:
            middle = top + tall // 2
            picture[middle - size // 2 : middle + (size + 1) // 2, left : left + size] = Color(colour).uint8x4()
            left += size + gap
        _draw_over(picture[top : top + text.shape[0], left : left + text.shape[1]], text)
    return picture


def _draw_over(paper: np.ndarray, text: np.ndarray) -> None:
    """Draw text over paper, in place."""
    share = text[..., 3:].astype(float) / 255
    paper[..., :3] = (text[..., :3] * share + paper[..., :3] * (1 - share)).astype(np.uint8)
    paper[..., 3] = np.maximum(paper[..., 3], text[..., 3])


def scale_picture(scale: Scale, ink: tuple[float, ...], size: float) -> np.ndarray:
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

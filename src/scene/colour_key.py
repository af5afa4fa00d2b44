"""What colours in the 3D view mean: a small table in its corner, and in the pictures that are saved of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from chimerax.core.colors import Color
from chimerax.graphics import text_image_rgba
from chimerax.graphics.drawing import Drawing, position_rgba_drawing, rgba_drawing

_TEXT, _MARGIN, _FONT = 15, 12, "Arial"  # pixels of the screen: height of letters, distance from the corner
_PAPER, _INK = (255, 255, 255, 215), (30, 30, 30, 255)

Lines = Sequence[tuple[str, str]]  # a colour ``#rrggbb`` or nothing, and what has it


class ColourKey:
    """The table, until it is closed. ``shown`` is asked at each picture."""

    def __init__(self, session, lines: Lines, shown: Callable[[], bool]) -> None:
        self._view = session.main_view
        self._drawing = _KeyDrawing(self._view, shown)
        self.say(lines)
        self._view.add_overlay(self._drawing)

    @property
    def lines(self) -> Lines:
        """What it says."""
        return self._drawing.lines

    def say(self, lines: Lines) -> None:
        """Say something else."""
        if tuple(lines) != self._drawing.lines:
            self._drawing.lines, self._drawing.drawn = tuple(lines), None
            self._view.redraw_needed = True

    def close(self) -> None:
        """Take it away."""
        self._view.remove_overlays([self._drawing])
        self._drawing.delete()


class _KeyDrawing(Drawing):
    """In saved pictures as large a part of them as of the window."""

    pickable = casts_shadows = False

    def __init__(self, view, shown: Callable[[], bool]) -> None:
        super().__init__("colour key")
        self.lines: Lines = ()
        self.drawn: tuple | None = None  # window size and scale for which it was drawn
        self._view, self._shown = view, shown

    def draw(self, renderer, draw_pass) -> None:
        """See ``Drawing.draw``."""
        if not self._shown():
            return
        width, height = renderer.render_size()
        saved = getattr(renderer, "image_save", False)
        scale = width / max(self._view.window_size[0], 1) if saved else renderer.pixel_scale()
        if self.drawn != (width, height, scale):
            self._place(width, height, scale)
            self._view.clear_drawing_changes()  # so that it is not drawn anew without end
        super().draw(renderer, draw_pass)

    def _place(self, width: int, height: int, scale: float) -> None:
        if self.drawn is None or self.drawn[2] != scale:
            self._picture = key_picture(self.lines, scale)
            rgba_drawing(self, np.ascontiguousarray(self._picture[::-1]), opaque=False)
        self.drawn = (width, height, scale)
        corner = (-1 + 2 * _MARGIN * scale / width, -1 + 2 * _MARGIN * scale / height)
        tall, wide = self._picture.shape[:2]
        position_rgba_drawing(self, corner, (2 * wide / width, 2 * tall / height))


def key_picture(lines: Lines, scale: float) -> np.ndarray:
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
        _lay(picture[top : top + text.shape[0], left : left + text.shape[1]], text)
    return picture


def _lay(paper: np.ndarray, text: np.ndarray) -> None:
    """Draw text over paper, in place."""
    share = text[..., 3:].astype(float) / 255
    paper[..., :3] = (text[..., :3] * share + paper[..., :3] * (1 - share)).astype(np.uint8)
    paper[..., 3] = np.maximum(paper[..., 3], text[..., 3])

"""A small plot of the latents in a corner of the picture, with a mark at the state that is shown."""

from __future__ import annotations

import numpy as np
from chimerax.core.session import Session
from chimerax.graphics.drawing import Drawing, rgba_drawing

from ...explore.path import LatentPath
from ...explore.trained_model import Trained
from ...figures.latents_inset import SHARE, latent_picture, marked


class Inset:
    """An overlay of the graphics window and of the images that are saved from it."""

    def __init__(self, session: Session, trained: Trained, path: LatentPath) -> None:
        self._session, self._trained, self._path = session, trained, path
        self._drawing: Drawing | None = None

    def show(self, size: tuple[int, int]) -> None:
        """Put it into the lower left corner of pictures of ``(width, height)`` pixels."""
        page = tuple(float(value) for value in self._session.main_view.background_color[:3])
        side = round(SHARE * size[1])
        self._picture, self._view, self._place = latent_picture(self._trained, self._path, side, page)
        self._drawing = Drawing("latents")
        aspect, margin = size[0] / size[1], 0.04
        position, size = (-1 + margin / aspect, -1 + margin), (2 * SHARE / aspect, 2 * SHARE)
        rgba_drawing(self._drawing, self._picture[::-1].copy(), position, size, opaque=False)
        self._session.main_view.add_overlay(self._drawing)

    def mark(self, z: np.ndarray) -> None:
        """Put the mark at a latent point ``(K,)``."""
        if self._drawing is not None:
            picture = marked(self._picture, self._place(self._view.project(z)))
            self._drawing.texture.reload_texture(picture[::-1].copy())
            self._drawing.redraw_needed()

    def close(self) -> None:
        """Take it away."""
        if self._drawing is not None:
            self._session.main_view.remove_overlays([self._drawing])
            self._drawing = None

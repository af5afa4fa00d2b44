"""What is drawn above the particles and changes all the time: marker, path, hover, outline. Blitted, never redrawn."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patheffects import Normal, Stroke

from .theme import Theme


class Marks:
    """The marks of one plot; ``lines`` are to be drawn in their order."""

    def __init__(self, axes: Axes) -> None:
        self.outline = self._line(axes, linestyle="--", linewidth=1.4)
        self.path = self._line(axes, linewidth=2.2)
        self.frames = self._line(axes, linestyle="none", marker="o", markersize=3.2)
        self.corners = self._line(axes, linestyle="none", marker="s", markersize=7, markerfacecolor="none")
        self.hover = self._line(axes, linestyle="none", marker="o", markersize=9, markerfacecolor="none")
        self.ring = self._line(axes, linestyle="none", marker="o", markersize=13, markerfacecolor="none")
        self.dot = self._line(axes, linestyle="none", marker="o", markersize=4)
        self.lines = (self.outline, self.path, self.frames, self.corners, self.hover, self.ring, self.dot)

    @staticmethod
    def _line(axes: Axes, **style) -> Line2D:
        line = Line2D([], [], animated=True, **style)
        axes.add_line(line)
        return line

    def set_theme(self, theme: Theme) -> None:
        """Take the theme's colours."""
        for lines, colour, width in (
            ((self.outline,), theme.outline, 2.6), ((self.path, self.frames, self.corners), theme.path, 1.6),
            ((self.hover,), theme.hover, 1.2), ((self.ring, self.dot), theme.marker, 1.8),
        ):  # fmt: skip
            for line in lines:
                line.set_color(colour)
                line.set_markeredgewidth(2.2 if line is self.ring else 1.2)
                edge = line.get_markeredgewidth() if line.get_marker() != "None" else line.get_linewidth()
                line.set_path_effects([Stroke(linewidth=edge + 2 * width * 0.7, foreground=theme.halo), Normal()])
        self.frames.set_path_effects(None)  # whose halos would cut the line into pieces

    def put_marker(self, point: np.ndarray | None) -> None:
        """The marker at ``(2,)``, or nowhere."""
        for line in (self.ring, self.dot):
            line.set_data(*_columns(None if point is None else point[None]))

    def put_path(self, points: np.ndarray | None, corners: np.ndarray | None = None) -> None:
        """The path's frames ``(f, 2)``, and the corners ``(c, 2)`` that can be moved."""
        self.path.set_data(*_columns(points))
        self.frames.set_data(*_columns(points))
        self.corners.set_data(*_columns(corners))

    def put_hover(self, point: np.ndarray | None) -> None:
        """A ring around a particle."""
        self.hover.set_data(*_columns(None if point is None else point[None]))

    def put_outline(self, points: np.ndarray | None, closed: bool = True) -> None:
        """What is being drawn ``(m, 2)``."""
        if points is not None and closed and len(points) > 2:
            points = np.concatenate([points, points[:1]])
        self.outline.set_data(*_columns(points))


def _columns(points: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    if points is None or not len(points):
        return np.empty(0), np.empty(0)
    points = np.asarray(points, float)
    return points[:, 0], points[:, 1]

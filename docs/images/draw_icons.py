"""Draws the toolbar's icons: ``python docs/images/draw_icons.py src/icons``."""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

SIZE = 64  # pixels
BLUE, ORANGE, GREEN, GREY, RED = "#3f8fc5", "#e08a1e", "#2a9d74", "#707a85", "#c9483a"


def canvas():
    """Axes of an empty icon, from 0 to 64 in x and y."""
    figure = plt.figure(figsize=(1, 1), dpi=SIZE)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, SIZE), ylim=(0, SIZE))
    axes.axis("off")
    return figure, axes


def panel(axes) -> None:
    """A cloud of particles, and the point that is shown."""
    points = np.random.default_rng(4).normal(0, 1, (110, 2))
    along = np.array([[0.82, 0.57], [-0.57, 0.82]])
    axes.scatter(*(points * (11, 5) @ along + (32, 32)).T, s=2.6, color=BLUE, linewidths=0)
    axes.plot([6, 6, 60], [60, 5, 5], color=GREY, lw=1.3)
    axes.plot([41], [38], "o", ms=8, mfc="white", mec=RED, mew=1.8)


def demo(axes) -> None:
    """Two halves about a hinge, one in three places."""
    for angle, alpha in ((-28, 0.25), (0, 0.5), (28, 1.0)):
        turn = np.deg2rad(angle + 90)
        axes.plot([32, 32 + 27 * np.cos(turn)], [24, 24 + 27 * np.sin(turn)], color=ORANGE, alpha=alpha, lw=7.5,
                  solid_capstyle="round")  # fmt: skip
    axes.plot([14, 50], [12, 12], color=BLUE, lw=7.5, solid_capstyle="round")
    axes.plot([32, 32], [12, 24], color=BLUE, lw=7.5, solid_capstyle="round")
    axes.plot([32], [24], "o", ms=6, color="white", mec=GREY, mew=1.5)


def mesh(axes) -> None:
    """Triangles in two colours."""
    left = [(8, 30), (24, 54), (26, 10), (38, 32)]
    right = [(38, 32), (44, 56), (58, 42), (46, 8), (60, 18)]
    for corners, edges, colour in (
        (left, ((0, 1), (0, 2), (0, 3), (1, 3), (2, 3)), BLUE),
        (right, ((0, 1), (1, 2), (0, 2), (0, 3), (2, 3), (3, 4), (2, 4)), ORANGE),
    ):
        for a, b in edges:
            axes.plot(*zip(corners[a], corners[b]), color=colour, lw=1.8, solid_capstyle="round")
        axes.plot(*zip(*corners), "o", ms=3.8, color=colour)


def flow(axes) -> None:
    """Arrows that turn about a point."""
    for radius, start in ((12, 0.1), (12, 2.2), (12, 4.3), (25, 0.5), (25, 1.55), (25, 2.6), (25, 3.65), (25, 4.7),
                          (25, 5.75)):  # fmt: skip
        a, b = start, start + (1.1 if radius < 20 else 0.62)
        ends = [(32 + radius * np.cos(t), 32 + radius * np.sin(t)) for t in (a, b)]
        style = dict(arrowstyle="-|>", mutation_scale=7, lw=1.7, shrinkA=0, shrinkB=0, connectionstyle="arc3,rad=0.2")
        axes.annotate("", ends[1], ends[0], arrowprops=dict(color=BLUE if radius < 20 else RED, **style))


def jobs(axes) -> None:
    """Bars: done, running, waiting."""
    for y, part, colour in ((48, 1.0, GREEN), (32, 0.6, BLUE), (16, 0.0, GREY)):
        axes.plot([10, 54], [y, y], color="#c9ced3", lw=6.5, solid_capstyle="round")
        if part:
            axes.plot([10, 10 + 44 * part], [y, y], color=colour, lw=6.5, solid_capstyle="round")


def main(folder: Path) -> None:
    """Write all icons."""
    folder.mkdir(parents=True, exist_ok=True)
    for draw in (panel, demo, mesh, flow, jobs):
        figure, axes = canvas()
        draw(axes)
        figure.savefig(folder / f"{draw.__name__}.png", dpi=SIZE, transparent=True, metadata={"Software": None})
        plt.close(figure)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""What the figures of a training share: the sheet, its colours, the sentence below it, and writing it whole."""

from __future__ import annotations

import os
import textwrap
from typing import TYPE_CHECKING

from ..atomic import atomic_path

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BLUE, ORANGE, GREY = "#0072b2", "#d55e00", "#8a8a8a"  # Okabe & Ito: told apart by colour-blind readers


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of so many inches that belongs to no window."""
    from matplotlib.figure import Figure

    from .sheet_canvas import SheetCanvas

    figure = Figure(figsize=(width, height), dpi=110, layout="constrained")
    SheetCanvas(figure)
    return figure


def say(figure: Figure, text: str) -> None:
    """The sentence below a figure, wrapped to its width."""
    lines = textwrap.fill(text, max(40, int(14 * figure.get_figwidth())))
    figure.supxlabel(lines, x=0.01, ha="left", fontsize=9, color="0.25")


def save(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Write the figure whole as a PNG."""
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png")

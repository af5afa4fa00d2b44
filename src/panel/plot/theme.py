"""The plot's colours, on a dark window and on a light one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Theme:
    """Colours of one kind of window, as matplotlib takes them.

    Attributes
    ----------
    window, page : of the figure and of the plot. ink, faint : of text and of lines.
    halo : around marks, so that they stand out on every colour. marker, path, hover, outline : of the marks.
    density : ``(256, 4)`` from few to many, of no colour that a selection has. values : ``(256, 4)`` from low to high.
    """

    window: str
    page: str
    ink: str
    faint: str
    halo: str
    marker: str
    path: str
    hover: str
    outline: str
    density: np.ndarray
    values: np.ndarray


def theme_of(dark: bool, window: str) -> Theme:
    """The theme for a window of this colour (``#rrggbb``)."""
    from matplotlib import colormaps

    steps = np.linspace(0, 1, 256)
    if dark:
        return Theme(
            window, "#16181c", "#e6e6e6", "#55585f", "#000000", "#ff5a4d", "#ff6fc4", "#ffffff", "#5ad1ff",
            density=colormaps["bone"](0.28 + 0.7 * steps), values=colormaps["viridis"](0.1 + 0.9 * steps),
        )  # fmt: skip
    return Theme(
        window, "#ffffff", "#202124", "#c4c7cc", "#ffffff", "#d62718", "#e0007a", "#202124", "#0b63c4",
        density=colormaps["bone_r"](0.12 + 0.7 * steps), values=colormaps["viridis"](0.95 * steps),
    )  # fmt: skip

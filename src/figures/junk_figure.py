"""junk.png: how well each image fits the model's image of it."""

from __future__ import annotations

import os
import textwrap

import numpy as np

from .sheet import BLUE, GREY, ORANGE, new_figure, say

_MOST = 20_000  # points drawn of either kind


def draw_junk(
    path: str | os.PathLike[str], scale: np.ndarray, excess: np.ndarray, unfit: np.ndarray, sentence: str
) -> None:
    """Write the picture: ``scale``, ``excess`` and whether they are ``unfit`` ``(n,)``; ``sentence`` is its title."""
    figure = new_figure(8.5, 6.4)
    figure.suptitle(textwrap.fill(sentence, 95), fontsize=11, parse_math=False)
    axis = figure.subplots()
    axis.axvline(1, color=GREY, linewidth=0.8, linestyle="--")
    axis.axhline(0, color=GREY, linewidth=0.8, linestyle="--")
    for rows, colour, name in ((~unfit, BLUE, "fit a state"), (unfit, ORANGE, "fit none")):
        step = max(1, int(rows.sum()) // _MOST)
        axis.scatter(scale[rows][::step], excess[rows][::step], s=4, color=colour, alpha=0.5, linewidths=0,
                     label=f"{int(rows.sum()):,} images {name}")  # fmt: skip
    low, high = np.percentile(scale, (0.05, 99.95))
    bottom, top = np.percentile(excess, (0.05, 99.95))
    axis.set(xlim=(min(low, 0) - 0.1, max(high, 1) + 0.2), ylim=(min(bottom, 0) - 1, max(top, 0) + 1),
             xlabel="how strong the model's image is in the image (1: as it should be)",
             ylabel="misfit beyond noise (its standard deviations)")  # fmt: skip
    axis.legend(frameon=False, fontsize=9, markerscale=3)
    axis.spines[["top", "right"]].set_visible(False)
    say(figure, "How to read: one cloud about the crossing of the dashed lines is as it should be. Towards the left "
                "the molecule is not in the image; far above, what is there is more than the model can make.")  # fmt: skip
    figure.savefig(path, format="png")

"""border.png: how latents are spread along each axis, beside the normal distribution."""

from __future__ import annotations

import os
import textwrap

import numpy as np

from ..explore.latent_spread import LatentSpread
from .sheet import BLUE, GREY, ORANGE, new_figure, say

_MOST = 6  # axes drawn


def draw_border(path: str | os.PathLike[str], spread: LatentSpread, sentence: str) -> None:
    """Write the picture; ``sentence`` is its title."""
    count = min(len(spread.determined), _MOST)
    across = min(count, 3)
    down = -(-count // across)
    figure = new_figure(max(4.2 * across, 7), 3.1 * down + 1.3)
    figure.suptitle(textwrap.fill(sentence, int(13 * figure.get_figwidth())), fontsize=11, parse_math=False)
    axes = figure.subplots(down, across, squeeze=False).ravel()
    for number, axis in enumerate(axes):
        if number >= count:
            axis.set_axis_off()
            continue
        values = spread.places[:, number]
        low, high = np.percentile(values, (0.5, 99.5))
        edges = np.linspace(low, max(high, low + 1e-6), 41)
        axis.hist(values, bins=edges.tolist(), density=True, color=BLUE, alpha=0.7)
        x = np.linspace(min(low, -3), max(high, 3), 200)
        axis.plot(x, np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi), color=GREY, linewidth=1.4)
        axis.axvspan(low, low + (high - low) / 20, color=ORANGE, alpha=0.15)
        axis.axvspan(high - (high - low) / 20, high, color=ORANGE, alpha=0.15)
        share = spread.determined[number]
        label = "" if np.isnan(share) else f", {100 * share:.0f} % told by the images"
        axis.set_title(f"axis {number + 1}{label}", fontsize=10)
        axis.set(xlabel="latent, in its standard deviations", ylabel="density of particles", yticks=[])
        axis.spines[["top", "right"]].set_visible(False)
    say(figure, "How to read: blue are the particles, the grey line is a normal distribution. Where blue towers in an "
                "orange strip, particles are piled up at that end.")  # fmt: skip
    figure.savefig(path, format="png")

"""activations.png: what the units of each layer of a network put out."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Sequence

import numpy as np

from .sheet import BLUE, GREY, ORANGE, new_figure, say

_MOST = 24  # layers drawn


def draw_activations(
    path: str | os.PathLike[str], layers: Sequence[tuple[str, np.ndarray]], sentence: str
) -> None:
    """Write the picture: names and values ``(m, units)`` of layers; ``sentence`` is its title."""
    layers = layers[:_MOST]
    figure = new_figure(max(1.1 * len(layers) + 3, 8), 6.4)
    figure.suptitle(textwrap.fill(sentence, int(13 * figure.get_figwidth())), fontsize=11, parse_math=False)
    values, spreads = figure.subplots(2, 1, sharex=True, height_ratios=(1.3, 1))
    places = np.arange(1, len(layers) + 1)
    for place, (_, each) in zip(places, layers):
        low, quarter, middle, threequarters, high = np.percentile(each, (0.5, 25, 50, 75, 99.5))
        values.plot([place, place], [low, high], color=GREY, linewidth=1.2)
        values.plot([place, place], [quarter, threequarters], color=BLUE, linewidth=9, solid_capstyle="butt")
        values.plot([place], [middle], "o", color="white", markersize=3)
        unit = each.std(axis=0)
        jitter = np.linspace(-0.25, 0.25, len(unit))
        spreads.scatter(place + jitter, np.maximum(unit, 1e-6), s=5, color=ORANGE, linewidths=0)
    values.set(ylabel="what the units put out")
    values.set_yscale("symlog", linthresh=1)
    spreads.set(ylabel="spread of each unit over particles", yscale="log", xticks=places)
    spreads.set_xticklabels([name for name, _ in layers], rotation=30, ha="right", fontsize=8)
    for axis in (values, spreads):
        axis.spines[["top", "right"]].set_visible(False)
    say(figure, "How to read: above, half of a layer's values lie in the bar, 99 % along the line; below, a point is "
                "a unit. Layers of about the same spread are healthy; points at the bottom are units that do "
                "nothing.")  # fmt: skip
    figure.savefig(path, format="png")

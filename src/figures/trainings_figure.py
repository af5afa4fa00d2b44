"""The loss of several trainings, pass by pass."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Sequence

import numpy as np

from .sheet import BLUE, GREY, ORANGE, new_figure, say

_COLOURS = (BLUE, ORANGE, GREY, "#009e73", "#cc79a7")


def draw_trainings(path: str | os.PathLike[str], losses: Sequence[tuple[str, np.ndarray]], sentence: str) -> None:
    """Write the picture: a word for each training and its loss ``(passes,)``; ``sentence`` is its title."""
    figure = new_figure(8.5, 4.6)
    figure.suptitle(textwrap.fill(sentence, 100), fontsize=11, parse_math=False)
    whole, end = figure.subplots(1, 2, width_ratios=(2, 1))
    for (word, values), colour in zip(losses, _COLOURS):
        whole.plot(np.arange(1, len(values) + 1), values, "o-", color=colour, markersize=3, label=word)
    end.bar(range(len(losses)), [values[-1] - losses[0][1][-1] for _, values in losses],
            color=_COLOURS[: len(losses)])  # fmt: skip
    end.axhline(0, color=GREY, linewidth=0.8)
    end.set(ylabel="loss after the last pass, over the first's (nats)")
    end.set_xticks(range(len(losses)), [word for word, _ in losses], rotation=20, ha="right", fontsize=8)
    whole.set(xlabel="pass over the images", ylabel="loss (nats per image)")
    whole.legend(frameon=False, fontsize=9)
    for axis in (whole, end):
        axis.spines[["top", "right"]].set_visible(False)
    say(figure, "How to read: lower is better. Steps of all curves at the same pass are changes of the box size.")
    figure.savefig(path, format="png")

"""composition.png: how much of each part of the molecule the images show."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Collection, Sequence

import numpy as np

from .sheet import BLUE, GREY, ORANGE, new_figure, say

_BINS = np.linspace(-1.5, 3.5, 81)
_MOST = 8  # parts drawn: those that vary most


def draw_composition(
    path: str | os.PathLike[str], amount: np.ndarray, absent: np.ndarray, names: Sequence[str], sentence: str,
    places: Collection[int] = (),
) -> None:  # fmt: skip
    """Write the picture: ``amount`` ``(m, p)`` of each part, and whether it is ``absent``.

    ``names`` ``(p,)`` of the parts; ``sentence``, its title; ``places`` are parts that are a place each of one domain.
    """
    parts = np.sort(np.argsort(-amount.var(axis=0), kind="stable")[:_MOST])
    figure = new_figure(8.5, 1.6 + 1.15 * len(parts))
    figure.suptitle(textwrap.fill(sentence, 95), fontsize=11, parse_math=False)
    axes = np.atleast_1d(figure.subplots(len(parts), sharex=True))
    for axis, part in zip(axes, parts, strict=True):
        values, lacking = np.clip(amount[:, part], _BINS[0], _BINS[-1]), absent[:, part]
        there, not_there = ("in this place", "in another") if part in places else ("have it", "lack it")
        for rows, colour, name in ((~lacking, BLUE, there), (lacking, ORANGE, not_there)):
            if rows.any():
                axis.hist(values[rows], _BINS, color=colour, alpha=0.7, label=f"{int(rows.sum()):,} {name}")
        for place in (0, 1):
            axis.axvline(place, color=GREY, linewidth=0.8, linestyle="--")
        axis.set(ylabel=f"part {names[part]}", yticks=[])
        axis.legend(frameon=False, fontsize=9)
        axis.spines[["top", "right", "left"]].set_visible(False)
    axes[-1].set(xlabel="how much of the part is in an image (0: absent, 1: the mean of all images)")
    say(figure, "How to read: one heap about 1 is a part that is always there. Two heaps, one of them at 0, "
                "are particles with it and without.")  # fmt: skip
    figure.savefig(path, format="png")

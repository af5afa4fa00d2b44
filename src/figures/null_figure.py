"""null.png: what a training found in the real images, beside what the same training finds in a rigid molecule's."""

from __future__ import annotations

import os
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .sheet import BLUE, ORANGE, new_figure, say

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, eq=False)
class NullSeries:
    """One of the two trainings.

    ``gain`` ``(m,)`` nats and ``motion`` ``(m,)`` Å of images; ``parts`` ``(p,)`` Å r.m.s. of the mesh's parts;
    ``information`` ``(f,)`` signal over noise of the leading motions at the first guess.
    """

    gain: np.ndarray
    motion: np.ndarray
    parts: np.ndarray
    information: np.ndarray


_NAMES = ("the real images", "a rigid molecule")


def draw_null(path: str | os.PathLike[str], real: NullSeries, rigid: NullSeries, sentence: str) -> None:
    """Write the picture; ``sentence`` is its title."""
    figure = new_figure(11, 7.6)
    figure.suptitle(textwrap.fill(sentence, 120), fontsize=11, parse_math=False)
    gain, motion, parts, information = figure.subplots(2, 2).ravel()
    _histograms(gain, real.gain, rigid.gain, "gain over the same map held rigid (nats per image)")
    _histograms(motion, real.motion, rigid.motion, "distance of an image's state from the mean shape (Å r.m.s.)")
    _bars(parts, real.parts, rigid.parts, "part of the mesh", "r.m.s. motion (Å)")
    _bars(information, real.information[:8], rigid.information[:8], "leading motion at the first guess",
          "signal over noise")  # fmt: skip
    gain.legend(frameon=False, fontsize=9)
    say(figure, "How to read: blue is the training of the real images, orange the same training of images in which "
                "nothing moves, made of its own map at the same poses, through the same CTFs, with the same noise. "
                "Dashed lines are means. Where blue lies on orange, what was found is what fitting noise gives; a "
                "motion that is in the images stands clear of it.")  # fmt: skip
    figure.savefig(path, format="png")


def _histograms(axis: Axes, real: np.ndarray, rigid: np.ndarray, label: str) -> None:
    both = np.concatenate([real, rigid])
    low, high = np.percentile(both, (0.2, 99.8))
    edges = np.linspace(low, max(high, low + 1e-6), int(np.clip(np.sqrt(len(real)), 12, 60)))
    for values, colour, name in zip((real, rigid), (BLUE, ORANGE), _NAMES):
        axis.hist(values, bins=edges.tolist(), density=True, color=colour, alpha=0.55, label=name)
        axis.axvline(values.mean(), color=colour, linestyle="--", linewidth=1.4)
    axis.set(xlabel=label, ylabel="share of the images", yticks=[])
    axis.spines[["top", "right"]].set_visible(False)


def _bars(axis: Axes, real: np.ndarray, rigid: np.ndarray, label: str, unit: str) -> None:
    for values, colour, side in ((real, BLUE, -0.2), (rigid, ORANGE, 0.2)):
        axis.bar(np.arange(1, len(values) + 1) + side, values, width=0.4, color=colour)
    most = max(len(real), len(rigid), 1)
    axis.set(xlabel=label, ylabel=unit, xticks=range(1, most + 1), xlim=(0.4, most + 0.6))
    axis.spines[["top", "right"]].set_visible(False)

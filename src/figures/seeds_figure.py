"""seeds_latents.png: the latents of two trainings of the same particles against each other."""

from __future__ import annotations

import os
import textwrap

import numpy as np

from .sheet import BLUE, new_figure, say

_MOST, _POINTS = 4, 5_000  # directions and points drawn


def draw_seeds(path: str | os.PathLike[str], first: np.ndarray, second: np.ndarray, sentence: str) -> None:
    """Write the picture: latents ``(m, K)`` and ``(m, K2)``, each direction of the first against the linear function
    of the second that is nearest to it; ``sentence`` is the title.
    """
    keep = np.isfinite(first).all(axis=1) & np.isfinite(second).all(axis=1)
    first, second = first[keep].astype(float), second[keep].astype(float)
    columns = np.hstack([np.ones((len(second), 1)), second])
    near = columns @ np.linalg.lstsq(columns, first, rcond=None)[0]
    count, step = min(first.shape[1], _MOST), max(1, len(first) // _POINTS)
    figure = new_figure(max(3.6 * count, 7), 4.9)
    figure.suptitle(textwrap.fill(sentence, int(13 * figure.get_figwidth())), fontsize=11, parse_math=False)
    for number, axis in enumerate(figure.subplots(1, count, squeeze=False)[0]):
        axis.scatter(first[::step, number], near[::step, number], s=3, color=BLUE, alpha=0.4, linewidths=0)
        axis.set(xlabel=f"latent {number + 1} of this training", ylabel="the same, told by the other's latents")
        axis.spines[["top", "right"]].set_visible(False)
    say(figure, "How to read: a point is a particle. Along a line both trainings have it in the same place; a round "
                "cloud is a direction that the other training does not know.")  # fmt: skip
    figure.savefig(path, format="png")

"""shift.png, rotate.png: where latents go when their images are shown otherwise."""

from __future__ import annotations

import os
import textwrap

import numpy as np

from .sheet import BLUE, GREY, ORANGE, new_figure, say

_MOST = 3  # dimensions drawn


def draw_moves(
    path: str | os.PathLike[str], before: np.ndarray, after: np.ndarray, uncertain: np.ndarray, words: str,
    sentence: str,
) -> None:  # fmt: skip
    """Write the picture: latents ``(m, k)`` before and after, and moves ``(m,)`` in units of a latent's own error.

    ``words`` says how the images are shown the second time; ``sentence`` is the title.
    """
    count = min(before.shape[1], _MOST)
    figure = new_figure(3.7 * (count + 1), 4.6)
    figure.suptitle(textwrap.fill(sentence, int(13 * figure.get_figwidth())), fontsize=11, parse_math=False)
    *pairs, sizes = figure.subplots(1, count + 1, squeeze=False)[0]
    for number, axis in enumerate(pairs):
        both = np.concatenate([before[:, number], after[:, number]])
        low, high = np.percentile(both, (0.2, 99.8))
        low, high = (low, high) if high > low else (low - 1, high + 1)  # all latents are one, and a plot has a width
        axis.plot([low, high], [low, high], color=GREY, linewidth=1)
        axis.scatter(before[:, number], after[:, number], s=5, color=BLUE, alpha=0.5, linewidths=0)
        axis.set(xlabel=f"latent {number + 1} of the image", ylabel=f"of the same image, {words}", xlim=(low, high),
                 ylim=(low, high))  # fmt: skip
    top = max(float(np.percentile(uncertain, 99)), 1.5)
    sizes.hist(np.minimum(uncertain, top), bins=np.linspace(0, top, 40).tolist(), color=BLUE, alpha=0.7)
    sizes.axvline(1, color=ORANGE, linestyle="--")
    sizes.set(xlabel="move, in units of its own uncertainty", ylabel="images", yticks=[])
    for axis in (*pairs, sizes):
        axis.spines[["top", "right"]].set_visible(False)
    say(figure, "How to read: points on the grey line stay where they were. Moves left of the dashed line are smaller "
                "than what is uncertain anyway.")  # fmt: skip
    figure.savefig(path, format="png")

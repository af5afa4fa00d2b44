"""gap.png: what each image loses by its latents not being the best, and where the best are."""

from __future__ import annotations

import os
import textwrap

import numpy as np

from .sheet import BLUE, GREY, ORANGE, new_figure, say


def draw_gap(
    path: str | os.PathLike[str], gap: np.ndarray, before: np.ndarray, after: np.ndarray, sentence: str
) -> None:
    """Write the picture: ``gap`` ``(m,)`` nats, latents ``(m, k)`` and the best; ``sentence`` is its title."""
    figure = new_figure(9, 4.6)
    figure.suptitle(textwrap.fill(sentence, 105), fontsize=11, parse_math=False)
    sizes, places = figure.subplots(1, 2)
    top = max(float(np.percentile(gap, 99)), 1.0)
    sizes.hist(np.minimum(gap, top), bins=np.linspace(0, top, 40).tolist(), color=BLUE, alpha=0.7)
    sizes.axvline(gap.mean(), color=ORANGE, linestyle="--")
    sizes.set(xlabel="what an image loses (nats); dashed: the mean", ylabel="images", yticks=[])
    both = np.concatenate([before[:, 0], after[:, 0]])
    low, high = np.percentile(both, (0.2, 99.8))
    places.plot([low, high], [low, high], color=GREY, linewidth=1)
    places.scatter(after[:, 0], before[:, 0], s=5, color=BLUE, alpha=0.5, linewidths=0)
    places.set(xlabel="best latent 1 of the image by itself", ylabel="latent 1 of the model", xlim=(low, high),
               ylim=(low, high))  # fmt: skip
    for axis in (sizes, places):
        axis.spines[["top", "right"]].set_visible(False)
    say(figure, "How to read: a network that tells latents well has its images at the left end of the histogram, and "
                "on the grey line.")  # fmt: skip
    figure.savefig(path, format="png")

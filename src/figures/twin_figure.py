"""twin.png: what own latents gain over wrong ones, image by image."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Sequence

import numpy as np

from .sheet import BLUE, GREY, ORANGE, new_figure, say


def draw_twin(path: str | os.PathLike[str], gains: np.ndarray, names: Sequence[str], sentence: str) -> None:
    """Write the picture: ``gains`` ``(m, c)`` nats over each of c wrong latents; ``sentence`` is its title."""
    figure = new_figure(3.4 * len(names), 4.2)
    figure.suptitle(textwrap.fill(sentence, int(13 * figure.get_figwidth())), fontsize=11, parse_math=False)
    for axis, name, gain in zip(figure.subplots(1, len(names), squeeze=False)[0], names, gains.T):
        low, high = np.percentile(gain, (1, 99))
        edges = np.linspace(min(low, 0), max(high, 1e-6), 40)
        axis.hist(np.clip(gain, edges[0], edges[-1]), bins=edges.tolist(), color=BLUE, alpha=0.7)
        axis.axvline(0, color=GREY, linewidth=1)
        axis.axvline(gain.mean(), color=ORANGE, linestyle="--")
        axis.set(xlabel=f"gain over {name} (nats)", ylabel="images", yticks=[])
        axis.spines[["top", "right"]].set_visible(False)
    say(figure, "How to read: dashed is the mean. Images right of the grey line are explained better by their own "
                "latents; a mean on the grey line says that latents are decoration.")  # fmt: skip
    figure.savefig(path, format="png")

"""dimensions.png: the gain on images that were held out, by the number of latent dimensions."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Sequence

from .sheet import BLUE, GREY, ORANGE, new_figure, say


def draw_dimensions(
    path: str | os.PathLike[str], totals: Sequence[tuple[float, float]], steps: Sequence[tuple[float, float]],
    wanted: int, sentence: str,
) -> None:  # fmt: skip
    """Write the picture: gain and standard error with 1, 2, … dimensions and of each step, ``sentence`` on top."""
    figure = new_figure(9, 4.4)
    figure.suptitle(textwrap.fill(sentence, 105), fontsize=11, parse_math=False)
    total, step = figure.subplots(1, 2)
    places = list(range(len(totals) + 1))
    gains, errors = [0.0, *(gain for gain, _ in totals)], [0.0, *(3 * error for _, error in totals)]
    total.errorbar(places, gains, yerr=errors, fmt="o-", color=BLUE, capsize=4)
    total.axvline(wanted, color=GREY, linestyle="--", linewidth=1)
    total.set(xlabel="latent dimensions (dashed: of this training)", ylabel="held-out gain (nats per image)",
              xticks=places)  # fmt: skip
    step.bar(places[1:], [gain for gain, _ in steps], yerr=[3 * error for _, error in steps], capsize=4,
             color=[BLUE if place <= wanted else ORANGE for place in places[1:]])  # fmt: skip
    step.axhline(0, color=GREY, linewidth=0.8)
    step.set(xlabel="latent dimension", ylabel="what it adds (nats per image)", xticks=places[1:])
    for axis in (total, step):
        axis.spines[["top", "right"]].set_visible(False)
    say(figure, "How to read: bars of error are three standard errors. A dimension whose bar stands clear of 0 is in "
                "the images; one that crosses it fits noise.")  # fmt: skip
    figure.savefig(path, format="png")

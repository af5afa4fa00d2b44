"""The figure of two models of the same particles: both plots in the colours of the first, how alike, and their maps."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from ..explore.compare_trainings import Comparison
from ..explore.trained_model import Trained
from .sheet import BLUE, GREY, ORANGE, new_figure, save, say

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST = 20_000  # particles that are drawn
_FRAME = (0.1, 99.9)  # percentiles that set the frame


def draw_comparison(path: str | os.PathLike[str], first: Trained, second: Trained, result: Comparison) -> None:
    """Draw both models' first two components, the particles coloured by where the first has them."""
    figure = new_figure(15, 4.9)
    axes = figure.subplots(1, 4 if result.maps is not None else 3)
    rows = result.rows
    some = np.random.default_rng(0).permutation(len(rows[0]))[:_MOST]
    places = [trained.components.coordinates(trained.latents[mine[some]])
              for trained, mine in zip((first, second), rows)]  # fmt: skip
    colour = np.argsort(np.argsort(places[0][:, 0]))
    for axis, trained, points in zip(axes, (first, second), places):
        _scatter(axis, points, colour, f"{trained.folder.name} ({trained.model.kind})")
    _draw_shares(axes[2], result)
    if result.maps is not None:
        _fsc(axes[3], result)
    correlation = ", ".join(f"{value:.2f}" for value in result.correlation[:6])
    say(
        figure,
        f"How to read: {result.particles:,} particles that both models have, matched by {result.by}. Left, where the "
        "first places them; next, where the second does, each particle in its colour of the first plot: colours that "
        f"stay in order are what both have found (canonical correlations {correlation}). Then how many particles are "
        "placed alike, from 0, by chance, to 1. "
        + ("" if result.maps is None else f"Right, how the maps of {result.maps.count} particles agree, on average."),
    )
    save(figure, path)


def _scatter(axis: Axes, points: np.ndarray, colour: np.ndarray, title: str) -> None:
    right = points[:, 0]
    up = points[:, 1] if points.shape[1] > 1 else np.random.default_rng(1).uniform(-1, 1, len(points))
    axis.scatter(right, up, c=colour, s=max(1.0, min(12.0, 3e4 / len(points))), cmap="viridis", linewidths=0, alpha=0.6)
    for values, limit in ((right, axis.set_xlim), (up, axis.set_ylim)):
        low, high = np.percentile(values, _FRAME)
        spare = 0.05 * max(high - low, 1e-6)
        limit(low - spare, high + spare)
    axis.set(title=title, xlabel="pc1", ylabel="pc2" if points.shape[1] > 1 else "(spread to be seen)")
    axis.spines[["top", "right"]].set_visible(False)


def _draw_shares(axis: Axes, result: Comparison) -> None:
    axis.hist(result.alike, bins=40, range=(0, 1), color=BLUE)
    middle = float(np.median(result.alike))
    axis.axvline(middle, color=ORANGE)
    axis.set(title=f"placed alike: {middle:.2f} at the median", xlabel="alike", ylabel="particles")
    axis.spines[["top", "right"]].set_visible(False)


def _fsc(axis: Axes, result: Comparison) -> None:
    maps = result.maps
    assert maps is not None
    axis.plot(maps.frequency, maps.fsc, color=BLUE)
    axis.axhline(0.5, color=GREY, linewidth=0.8)
    axis.set(title=f"maps: CC {maps.cc:.2f}, of changes {maps.change:.2f}",
             xlabel="1/Å", ylabel="mean FSC", ylim=(-0.1, 1.02), xlim=(0, float(maps.frequency[-1])))  # fmt: skip
    axis.spines[["top", "right"]].set_visible(False)

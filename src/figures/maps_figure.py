"""The figure of maps at some latent points: projections, and their differences."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .sheet import GREY, new_figure, save, say

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_maps(path: str | os.PathLike[str], volumes: np.ndarray, labels: Sequence[str]) -> None:
    """Draw maps at s latent points as projections, with their difference from the middle one (number s // 2) below.

    Of the three axes the line of sight is the one along which the maps differ most.

    Parameters
    ----------
    volumes : (s, N, N, N) [z, y, x]; labels : s names
    """
    volumes = np.asarray(volumes, np.float32)
    middle = len(volumes) // 2
    projections = [volumes.sum(axis=1 + k) for k in range(3)]
    changes = [((views - views[middle]) ** 2).sum() / max((views[middle] ** 2).sum(), 1e-30) for views in projections]
    along = int(np.argmax(changes))
    views = _cropped(projections[along])
    change = views - views[middle]
    rows = 1 if len(views) == 1 else 2
    shape = float(np.clip(views.shape[1] / views.shape[2], 0.4, 2))
    figure = new_figure(max(1.4 + 2.4 * len(views), 6), 1.5 + 2.5 * shape * rows)
    axes = figure.subplots(rows, len(views), squeeze=False)
    low, high = np.percentile(views, 1), max(float(views.max()), 1e-30)
    for axis, view, label in zip(axes[0], views, labels):
        axis.imshow(view, cmap="gray_r", origin="lower", vmin=low, vmax=high, interpolation="bilinear")
        axis.set_title(label, fontsize=11)
    if rows == 2:
        _differences(figure, axes, change, middle)
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])
    right, up = (("x", "y"), ("x", "z"), ("y", "z"))[along]
    axes[0, 0].set_ylabel(f"map, seen along {'zyx'[along]}\n({right} to the right, {up} up)", fontsize=9)
    say(figure, _maps_text(labels[middle] if rows == 2 else None))
    save(figure, path)


def _maps_text(reference: str | None) -> str:
    text = "How to read: each map is summed along the line of sight; dark is density."
    if reference is None:
        return text
    return (
        f"{text} Below, what each has more (orange) and less (purple) than the map at {reference}: motion shows as "
        "pairs of the two colours along the edges of a moving domain; one colour alone is density that appears or is "
        "lost, and speckles everywhere are noise."
    )


def _cropped(views: np.ndarray) -> np.ndarray:
    """The views without the empty margin common to all."""
    seen = np.abs(views).max(axis=0) > 0.02 * max(float(np.abs(views).max()), 1e-30)
    slices = []
    for axis in (1, 0):
        hit = np.flatnonzero(seen.any(axis=axis))
        slices.append(slice(max(hit[0] - 2, 0), hit[-1] + 3) if len(hit) else slice(None))
    return views[:, slices[0], slices[1]]


def _differences(figure: Figure, axes: np.ndarray, change: np.ndarray, middle: int) -> None:
    top = max(float(np.abs(change).max()), 1e-30)
    for number, (axis, difference) in enumerate(zip(axes[1], change)):
        image = axis.imshow(difference, cmap="PuOr_r", origin="lower", vmin=-top, vmax=top, interpolation="bilinear")
        if number == middle:
            axis.text(0.5, 0.5, "reference", transform=axis.transAxes, ha="center", va="center", color=GREY)
    axes[1, 0].set_ylabel("difference", fontsize=9)
    bar = figure.colorbar(image, ax=axes, shrink=0.5, pad=0.01, panchor=False, ticks=[-top, 0, top])
    bar.ax.set_yticklabels(["less", "same", "more"])

"""The figure of how much better motion explains held-out images than a rigid molecule, by resolution and by image."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from ..explore.held_out_gain import SURE, GainSummary
from .sheet import BLUE, GREY, ORANGE, new_figure, save, say

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_gain(
    path: str | os.PathLike[str], summary: GainSummary, gains: np.ndarray, images: str = "each held-out image"
) -> None:
    """Draw the gain by shell, what is gained beyond each resolution, and a histogram of the gains ``each`` (m,).

    ``images`` says which they are.
    """
    figure = new_figure(15, 4.8)
    shells, tail, by_image = figure.subplots(1, 3)
    frequency = np.array([1 / shell.resolution for shell in summary.shells])
    _by_shell(shells, frequency, summary)
    _beyond(tail, frequency, summary)
    _by_image(by_image, summary, gains)
    say(
        figure,
        f"How to read: {images} is placed by one half of its Fourier components, and the other half says how "
        "much better the moving molecule explains it than a rigid one, which may turn and shift. Left, by shell, with "
        "the standard error over images. Middle, all of the gain beyond a resolution: what is above the grey band of "
        f"{SURE:g} standard errors is real, and the dashed line is the finest resolution at which it is. Right, image "
        "by image: most are above zero where most of the particles move.",
    )
    save(figure, path)


def _by_shell(axis: Axes, frequency: np.ndarray, summary: GainSummary) -> None:
    gain, error = (np.array([getattr(shell, name) for shell in summary.shells]) for name in ("gain", "error"))
    axis.errorbar(frequency, gain, error, color=BLUE, ecolor=GREY, fmt="o-", markersize=3, linewidth=1)
    axis.axhline(0, color="0.6", linewidth=0.8)
    axis.set(ylabel="gain by shell (nats per image)")
    _resolutions(axis, summary)


def _beyond(axis: Axes, frequency: np.ndarray, summary: GainSummary) -> None:
    tail, error = summary.tail[1:], summary.tail_error[1:]
    axis.fill_between(frequency, -SURE * error, SURE * error, color=GREY, alpha=0.3, linewidth=0)
    axis.plot(frequency, tail, "o-", color=BLUE, markersize=3, linewidth=1)
    axis.set_yscale("symlog", linthresh=max(float(np.median(error)), 1e-3))
    axis.set(ylabel="gain of this shell and all finer ones (nats per image)")
    _resolutions(axis, summary)


def _by_image(axis: Axes, summary: GainSummary, gains: np.ndarray) -> None:
    low, high = np.percentile(gains, (0.5, 99.5))
    bins = int(np.clip(np.sqrt(len(gains)), 10, 80))
    counts, edges = np.histogram(gains, bins=bins, range=(low, max(high, low + 1e-3)))
    axis.stairs(counts, edges, fill=True, color=BLUE)
    axis.axvline(0, color="0.6", linewidth=0.8)
    axis.axvline(summary.gain, color=ORANGE, linestyle="--")
    axis.set(xlabel="gain of an image (nats)", ylabel="images")
    axis.set_title(f"mean {summary.gain:.2f} ± {summary.error:.2f} nats", fontsize=10)
    axis.spines[["top", "right"]].set_visible(False)


def _resolutions(axis: Axes, summary: GainSummary) -> None:
    """An axis of frequencies that is read in Å, and the finest resolution of the gain."""
    axis.set(xlabel="resolution (Å)")
    axis.xaxis.set_major_formatter(lambda frequency, _: f"{1 / frequency:.3g}" if frequency > 0 else "∞")
    axis.spines[["top", "right"]].set_visible(False)
    if summary.resolution is not None:
        axis.axvline(1 / summary.resolution, color=ORANGE, linestyle="--")
        axis.set_title(f"real up to {summary.resolution:.1f} Å", fontsize=10)

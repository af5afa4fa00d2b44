"""epochs.png and epochs.gif: latents after each pass, as a strip of pictures and as a film."""

from __future__ import annotations

import io
import os
import textwrap
from typing import TYPE_CHECKING

import numpy as np

from ..explore.latents_by_pass import Convergence, LatentsByPass
from .sheet import BLUE, ORANGE, new_figure, say

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FRAMES = 12  # of the strip
_POINTS = 3_000
_MILLISECONDS = 500  # of a frame


def draw_epochs(path: str | os.PathLike[str], kept: LatentsByPass, measured: Convergence, sentence: str) -> None:
    """Write the strip, with how the latents come to their last places below it; ``sentence`` is its title."""
    chosen = np.unique(np.linspace(0, len(kept.passes) - 1, min(len(kept.passes), _FRAMES)).astype(int))
    across = min(len(chosen), 6)
    down = -(-len(chosen) // across)
    figure = new_figure(max(2.1 * across, 8), 2.1 * down + 4)
    figure.suptitle(textwrap.fill(sentence, int(13 * figure.get_figwidth())), fontsize=11, parse_math=False)
    (upper,), (lower,) = figure.subfigures(2, 1, squeeze=False, height_ratios=(2.1 * down, 2.3))
    aligned = _aligned(kept.z)
    axes = upper.subplots(down, across, squeeze=False).ravel()
    for axis in axes[len(chosen) :]:
        axis.set_axis_off()
    for axis, number in zip(axes, chosen):
        _frame(axis, aligned, number)
        axis.set_title(f"pass {kept.passes[number]}", fontsize=9)
    curve = lower.subplots()
    curve.plot(kept.passes, measured.to_last, "o-", color=BLUE, label="agreement with the last pass")
    curve.plot(kept.passes, measured.bend, "o-", color=ORANGE, label="bent (a V: near 1)")
    curve.set(xlabel="pass over the images", ylim=(-0.03, 1.05), xticks=kept.passes[:: max(1, len(kept.passes) // 15)])
    curve.legend(frameon=False, fontsize=9)
    curve.spines[["top", "right"]].set_visible(False)
    say(figure, _axes_text(kept.z.shape[2]))
    figure.savefig(path, format="png")


def _axes_text(dims: int) -> str:
    if dims == 1:
        return ("How to read: each point is a particle; to the right its last latent, upwards its latent after that "
                "pass. A straight line is a place that is kept; a V is a motion that is folded.")  # fmt: skip
    return ("How to read: each point is a particle in the first two latent dimensions after that pass, turned to lie "
            "on the last; its colour is its last place along the first. Colours in order are places that are "
            "kept.")  # fmt: skip


def film_epochs(path: str | os.PathLike[str], kept: LatentsByPass) -> None:
    """Write the film: a frame for each pass that was kept."""
    from PIL import Image

    frames, aligned = [], _aligned(kept.z)
    for number, epoch in enumerate(kept.passes):
        figure = new_figure(4.2, 4.2)
        axis = figure.subplots()
        _frame(axis, aligned, number)
        axis.set_title(f"pass {epoch}", fontsize=11)
        memory = io.BytesIO()
        figure.savefig(memory, format="png")
        frames.append(Image.open(memory).convert("P", palette=Image.Palette.ADAPTIVE, colors=64))
    frames[0].save(path, format="GIF", save_all=True, append_images=frames[1:], loop=0,
                   duration=[_MILLISECONDS] * (len(frames) - 1) + [3 * _MILLISECONDS])  # fmt: skip


def _aligned(z: np.ndarray) -> np.ndarray:
    """Each pass's latents ``(m, k)`` centred, and turned to lie on the last pass's (orthogonal Procrustes)."""
    z = z[:, np.isfinite(z).all(axis=(0, 2))][:, :: max(1, z.shape[1] // _POINTS)]
    z = z - z.mean(axis=1, keepdims=True)
    turned = []
    for each in z:
        left, _, right = np.linalg.svd(each.T @ z[-1])
        turned.append(each @ left @ right)
    return np.stack(turned)


def _frame(axis: Axes, z: np.ndarray, number: int) -> None:
    last, now = z[-1], z[number]
    if z.shape[2] == 1:
        x, y, colour = last[:, 0], now[:, 0], last[:, 0]
        ranges = [np.percentile(values, (0.3, 99.7)) for values in (last, z)]
    else:
        x, y, colour = now[:, 0], now[:, 1], last[:, 0]
        ranges = [np.percentile(z[:, :, place], (0.3, 99.7)) for place in (0, 1)]
    limits = np.percentile(last[:, 0], (2, 98))
    axis.scatter(x, y, c=colour, cmap="viridis", vmin=limits[0], vmax=limits[1], s=2, linewidths=0)
    (left, right), (bottom, top) = ranges
    margin_x, margin_y = 0.1 * max(right - left, 1e-6), 0.1 * max(top - bottom, 1e-6)
    axis.set(xlim=(left - margin_x, right + margin_x), ylim=(bottom - margin_y, top + margin_y), xticks=[], yticks=[])

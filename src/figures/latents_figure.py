"""The figure of where the particles lie in latent space, and of the motions that the images show."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal

import numpy as np

from .sheet import BLUE, ORANGE, new_figure, save, say

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Normalize
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

_MOST_AXES = 8  # latent axes in the grid of pairs
_MOST_BARS = 30  # motions in the bar panel


def draw_latents(path: str | os.PathLike[str], z: np.ndarray, information: np.ndarray | None = None) -> None:
    """Draw how the particles lie in latent space, as counts on a grid (a million take about a second).

    Parameters
    ----------
    z : (n, K) latents; one axis: a histogram; two: a density with marginals; more: every pair of the first eight
    information : (m,) signal over noise of each motion found at the start, or None
    """
    z = np.asarray(z)
    axes = min(z.shape[1], _MOST_AXES)
    bare = information is None or len(information) == 0
    size = {1: 4.2, 2: 6.6}.get(axes, 2.2 + 1.7 * axes)
    wide = 7.5 if axes == 1 else size
    figure = new_figure(wide + (0 if bare else 4.2), size + 0.9)
    left, right = (figure, None) if bare else figure.subfigures(1, 2, squeeze=False, width_ratios=(wide, 4.2))[0]
    low, width = _frame(z)
    bins = int(np.clip(np.sqrt(len(z)) / 2, 24, 140))
    column = [_bin_numbers(z[:, k], low[k], width, bins) for k in range(axes)]
    edges = [low[k] + width * np.linspace(0, 1, bins + 1) for k in range(axes)]
    {1: _one_axis, 2: _two_axes}.get(axes, _many_axes)(left, column, edges)
    if right is not None:
        _bars(right.subplots(), np.asarray(information), z.shape[1])
    inside = int(np.all([number >= 0 for number in column], axis=0).sum())
    figure.suptitle(f"{len(z):,} particles in {z.shape[1]} latent dimension{'s' * (z.shape[1] > 1)}", fontsize=12)
    say(figure, _latents_text(z.shape[1], len(z) - inside, bare))
    save(figure, path)


def _latents_text(dims: int, outside: int, bare: bool) -> str:
    text = (
        "How to read: every particle is one point; separate clumps are separate states, one stretched or curved cloud "
        "is a continuous motion, a round cloud with a single peak may be noise alone."
    )
    if not bare:
        text += (
            " Bars: motions that the data show stand clear of the smooth tail; above the dashed line "
            "at 1 a single image is enough to tell where its particle is along the motion, below it most of a "
            "particle's place is noise."
        )
    if dims > _MOST_AXES:
        text += f" Axes 1 to {_MOST_AXES} of {dims} are drawn."
    return text + (f" {outside:,} outlying particles lie outside the frame." if outside else "")


def _frame(z: np.ndarray) -> tuple[np.ndarray, float]:
    """Lower corner (K,) and side of a cube that holds all but far outliers; one width for all keeps shapes true."""
    low, high = np.percentile(z[np.isfinite(z).all(axis=1)], (0.1, 99.9), axis=0)
    width = max(float((high - low).max()), 1e-6) * 1.3
    return (low + high) / 2 - width / 2, width


def _bin_numbers(values: np.ndarray, low: float, width: float, bins: int) -> np.ndarray:
    """Bin of each value, −1 outside."""
    with np.errstate(invalid="ignore"):
        place = (values - low) * (bins / width)
        number = np.full(len(values), -1, np.int32)
        inside = (place >= 0) & (place < bins)
    number[inside] = place[inside].astype(np.int32)
    return number


def _counts(right: np.ndarray, up: np.ndarray, bins: int) -> np.ndarray:
    """(bins, bins) [up, right] number of particles in each square."""
    inside = (right >= 0) & (up >= 0)
    flat = up[inside].astype(np.int64) * bins + right[inside]
    return np.bincount(flat, minlength=bins * bins).reshape(bins, bins)


def _one_axis(figure: Figure, column: list[np.ndarray], edges: list[np.ndarray]) -> None:
    axis = figure.subplots()
    _histogram(axis, column[0], edges[0])
    axis.set(xlabel="z1 (standard deviations)", ylabel="particles")
    axis.spines[["top", "right"]].set_visible(False)


def _two_axes(figure: Figure, column: list[np.ndarray], edges: list[np.ndarray]) -> None:
    middle = figure.subplots()
    image = _density(middle, column[0], column[1], edges[0], edges[1])
    middle.set(xlabel="z1", ylabel="z2")
    top = middle.inset_axes((0, 1.02, 1, 0.22), sharex=middle)
    side = middle.inset_axes((1.02, 0, 0.22, 1), sharey=middle)
    _histogram(top, column[0], edges[0])
    _histogram(side, column[1], edges[1], "horizontal")
    for axis in (top, side):
        axis.axis("off")
    scale = middle.inset_axes((1.04, 1.12, 0.18, 0.03))
    figure.colorbar(image, cax=scale, orientation="horizontal", format="%g")
    scale.set_title("particles in a square", fontsize=8)
    scale.tick_params(labelsize=8)


def _many_axes(figure: Figure, column: list[np.ndarray], edges: list[np.ndarray]) -> None:
    """Pairs below the diagonal, each axis alone on it; one colour scale."""
    from matplotlib.colors import LogNorm

    count = len(column)
    grid = figure.subplots(count, count, squeeze=False)
    bins = len(edges[0]) - 1
    pairs = {(i, j): _counts(column[j], column[i], bins) for i in range(count) for j in range(i)}
    norm = LogNorm(1, max(10, max(int(pair.max()) for pair in pairs.values())))
    for (i, j), counts in pairs.items():
        image = _show_counts(grid[i, j], counts, edges[j], edges[i], norm)
    for i in range(count):
        _histogram(grid[i, i], column[i], edges[i])
        grid[i, i].set(yticks=[], box_aspect=1)
        grid[i, i].spines[["top", "left", "right"]].set_visible(False)
        for j in range(count):
            _trim(grid[i, j], i, j, count)
    upper = figure.add_axes((0.52, 0.9, 0.36, 0.12 / count))  # in the empty corner; outside the automatic layout
    figure.colorbar(image, cax=upper, orientation="horizontal", format="%g", label="particles in a square")


def _trim(axis: Axes, i: int, j: int, count: int) -> None:
    """Labels at the left and lower edge of the grid only; nothing above the diagonal."""
    if j > i:
        axis.axis("off")
        return
    axis.tick_params(labelsize=7, labelbottom=i == count - 1, labelleft=j == 0 and i > 0)
    if i == count - 1:
        axis.set_xlabel(f"z{j + 1}")
    if j == 0 and i > 0:
        axis.set_ylabel(f"z{i + 1}")


def _histogram(
    axis: Axes, number: np.ndarray, edges: np.ndarray, orientation: Literal["vertical", "horizontal"] = "vertical"
) -> None:
    counts = np.bincount(number[number >= 0], minlength=len(edges) - 1)
    axis.stairs(counts, edges, fill=True, color=BLUE, orientation=orientation)
    (axis.set_xlim if orientation == "vertical" else axis.set_ylim)(edges[0], edges[-1])


def _density(axis: Axes, right: np.ndarray, up: np.ndarray, right_edges: np.ndarray, up_edges: np.ndarray) -> AxesImage:
    from matplotlib.colors import LogNorm

    counts = _counts(right, up, len(right_edges) - 1)
    return _show_counts(axis, counts, right_edges, up_edges, LogNorm(1, max(10, int(counts.max()))))


def _show_counts(
    axis: Axes, counts: np.ndarray, right_edges: np.ndarray, up_edges: np.ndarray, norm: Normalize
) -> AxesImage:
    """Counts on a logarithmic colour scale, white where there is no particle."""
    extent = (right_edges[0], right_edges[-1], up_edges[0], up_edges[-1])
    shown = np.ma.masked_equal(counts, 0)
    axis.set_box_aspect(1)
    return axis.imshow(shown, origin="lower", extent=extent, norm=norm, cmap="viridis_r", aspect="auto",
                       interpolation="nearest")  # fmt: skip


def _bars(axis: Axes, information: np.ndarray, used: int) -> None:
    """Signal over noise of each motion; those that became latent axes are dark."""
    shown = information[:_MOST_BARS]
    positive = shown[shown > 0]
    floor = 0.5 * float(positive.min()) if len(positive) else 0.1
    floor = max(floor, 1e-5 * float(positive.max())) if len(positive) else floor
    colours = [BLUE if i < used else "#b8cfe0" for i in range(len(shown))]
    axis.bar(np.arange(1, len(shown) + 1), np.maximum(shown, floor), color=colours)
    axis.axhline(1, color=ORANGE, linestyle="--", linewidth=1.2)
    axis.set(yscale="log", xlabel="motion, from the strongest", ylabel="signal over noise in one image")
    axis.set_xlim(0.3, max(len(shown), 8) + 0.7)
    axis.set_ylim(floor, 2 * max(1.0, float(positive.max()) if len(positive) else 1.0))
    axis.set_box_aspect(1.15)
    axis.set_anchor("N")
    axis.set_title(f"Motions in the data (dark: the {used} in use)", fontsize=10)
    axis.locator_params(axis="x", integer=True)
    axis.spines[["top", "right"]].set_visible(False)

"""series.png: projections of each series side by side, what changes in them, and where they lie among the particles."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from ..models.latent_points import Series
from .sheet import GREY, ORANGE, new_figure, save, say

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_SHOWN = 7  # maps of a series
MOST_SERIES = 4
MOST_POINTS = 5000  # particles drawn one by one
_VIEWS = ("x", "y", "z")  # along which axis (of xyz) one looks; the map's array axis is 2 - number


def draw_series(
    path: str | os.PathLike[str],
    series: tuple[Series, ...],
    read: Callable[[int], np.ndarray],
    pixel_size: float,
    latents: np.ndarray,
    outside: np.ndarray,
) -> None:
    """Write the picture.

    Parameters
    ----------
    read : gives map ``i`` ``(N, N, N)`` [z, y, x], numbered through all series. pixel_size : Å.
    latents : ``(n, K)`` of the particles. outside : ``(m,)`` bool, points where there are no particles.
    """
    shown = series[:MOST_SERIES]
    columns = max(min(len(block.z), MOST_SHOWN) for block in shown)
    layout = _SeriesLayout(max(columns, 3), len(shown))
    start = 0
    for number, block in enumerate(shown):
        rows = _spread_evenly(len(block.z))
        volumes = [read(start + i) for i in rows]
        _draw_maps(layout.pictures(number), block, rows, volumes, pixel_size)
        _draw_place(layout.scatter(number), block, rows, latents, outside[start : start + len(block.z)])
        start += len(block.z)
    left_out = f" {len(series) - len(shown)} further series are not shown." if len(series) > len(shown) else ""
    say(
        layout.figure,
        "Projections of the maps on one grey scale, along the axis that shows most change; below, the difference to "
        "the middle one: orange is density that came, purple is density that left." + left_out,
    )
    save(layout.figure, path)


class _SeriesLayout:
    """A figure with a block for each series: two rows of small pictures, and a plot to their right. Inches."""

    SIDE, GAP, TITLE, PLOT, FOOT = 1.6, 0.06, 0.62, 2.75, 0.55

    def __init__(self, columns: int, blocks: int) -> None:
        self.columns = columns
        self.wide = columns * (self.SIDE + self.GAP) + self.PLOT + 1.0
        self.block = 2 * self.SIDE + self.GAP + self.TITLE + 0.1
        self.high = blocks * self.block + self.FOOT
        self.figure = new_figure(self.wide, self.high)
        self.figure.set_layout_engine("none")

    def _axes(self, left: float, bottom: float, width: float, height: float) -> Axes:
        return self.figure.add_axes((left / self.wide, bottom / self.high, width / self.wide, height / self.high))

    def pictures(self, number: int) -> np.ndarray:
        """Axes ``(2, columns)`` of block ``number``."""
        top, step = self.high - number * self.block - self.TITLE, self.SIDE + self.GAP
        lefts = [0.1 + step * i for i in range(self.columns)]
        return np.array([
            [self._axes(left, top - self.SIDE - step * j, self.SIDE, self.SIDE) for left in lefts] for j in range(2)
        ])  # fmt: skip

    def scatter(self, number: int) -> Axes:
        """The axes to the right of block ``number``."""
        top = self.high - number * self.block - self.TITLE
        left = self.columns * (self.SIDE + self.GAP) + 0.8
        return self._axes(left, top - self.PLOT, self.PLOT, self.PLOT)


def _spread_evenly(count: int) -> np.ndarray:
    """Which of ``count`` maps are shown: first, last, and evenly between."""
    return np.unique(np.linspace(0, count - 1, min(count, MOST_SHOWN)).round().astype(int))


def _draw_maps(
    axes: np.ndarray, series: Series, rows: np.ndarray, volumes: list[np.ndarray], pixel_size: float
) -> None:
    """Two rows of pictures: the projections, and their difference to the middle one."""
    view, images = _best_view(volumes)
    middle = len(rows) // 2
    changes = images - images[middle]
    window = _window(images)
    images, changes = images[:, window[0], window[1]], changes[:, window[0], window[1]]
    bright, strong = max(np.percentile(images, 99.9), 1e-30), max(np.percentile(np.abs(changes), 99.9), 1e-30)
    for axis in axes.ravel():
        axis.axis("off")
    for column, i in enumerate(rows):
        axes[0, column].imshow(images[column], cmap="gray_r", origin="lower", vmin=0, vmax=bright)
        axes[0, column].set_title(_label(series.z[i]), fontsize=8)
        if column != middle or len(rows) == 1:
            axes[1, column].imshow(changes[column], cmap="PuOr_r", origin="lower", vmin=-strong, vmax=strong)
            axes[1, column].contour(images[middle], levels=[0.15 * bright], colors="0.55", linewidths=0.6)
    if len(rows) > 1:
        _scale_bar(axes[1, middle], images.shape[1:], pixel_size)
    about = f"{series.name}: {len(series.z)} maps, seen along {_VIEWS[view]}"
    axes[0, 0].text(0.02, 1.22, about, transform=axes[0, 0].transAxes, fontsize=11, fontweight="bold")


def _label(z: np.ndarray) -> str:
    shown = ", ".join(f"{value:.2f}" for value in z[:4])
    return shown + (", …" if len(z) > 4 else "")


def _best_view(volumes: list[np.ndarray]) -> tuple[int, np.ndarray]:
    """The axis (of xyz) along which projections change most through the series, and the projections ``(m, N, N)``."""
    projections = []
    for view in range(3):
        images = np.stack([volume.sum(axis=2 - view) for volume in volumes])
        # against the picture's own power: looking down a long molecule makes everything stronger
        change = ((images - images.mean(axis=0)) ** 2).sum() / max((images**2).sum(), 1e-30)
        projections.append((float(change), images))
    view = int(np.argmax([change for change, _ in projections]))
    return view, projections[view][1]


def _window(images: np.ndarray) -> tuple[slice, slice]:
    """The square around whatever is there in any of the images ``(m, N, N)``, with a margin."""
    size = images.shape[1]
    there = (np.abs(images) > 0.04 * np.abs(images).max()).any(axis=0)
    at = np.argwhere(there) if there.any() else np.array([[0, 0], [size - 1, size - 1]])
    low, high = at.min(axis=0), at.max(axis=0)
    half = int(1.1 * (high - low).max() / 2) + 2
    middle = (low + high) // 2
    rows, columns = (slice(max(0, m - half), min(size, m + half + 1)) for m in middle)
    return rows, columns


def _scale_bar(axis: Axes, shape: tuple[int, int], pixel_size: float) -> None:
    """A bar of a round length, where the middle's difference to itself would be."""
    width = shape[1] * pixel_size
    length = max(step for step in (1, 2, 5, 10, 20, 50, 100, 200, 500) if step <= max(0.5 * width, 1))
    axis.set(xlim=(0, shape[1]), ylim=(0, shape[0]), aspect="equal")
    middle, half = 0.5 * shape[1], 0.5 * length / pixel_size
    axis.plot([middle - half, middle + half], [0.45 * shape[0]] * 2, color="0.2", linewidth=2)
    axis.text(middle, 0.5 * shape[0], f"{length} Å", ha="center", fontsize=9)


def _draw_place(axis: Axes, series: Series, rows: np.ndarray, latents: np.ndarray, outside: np.ndarray) -> None:
    """Where the points lie among the particles: the two latent axes along which the series runs most."""
    if latents.shape[1] == 1:
        axis.hist(latents[:, 0], bins=60, color="0.75")
        axis.set(xlabel="z1", ylabel="particles")
        x, y, names = series.z[:, 0], np.zeros(len(series.z)), None
    else:
        reach = np.ptp(series.z, axis=0) if len(series.z) > 1 else -np.arange(latents.shape[1])
        a, b = np.sort(np.argsort(-reach, kind="stable")[:2])
        _draw_particles(axis, latents[:, a], latents[:, b])
        names, x, y = (f"z{a + 1}", f"z{b + 1}"), series.z[:, a], series.z[:, b]
        axis.set(xlabel=names[0], ylabel=names[1], aspect="equal")
    axis.plot(x[~outside], y[~outside], "o", color=ORANGE, markersize=3.5, clip_on=False, label="map")
    axis.plot(x[outside], y[outside], "x", color="#b2182b", markersize=6, clip_on=False, label="map, no particles near")
    axis.plot(x[rows], y[rows], "o", mfc="none", mec=ORANGE, markersize=8, clip_on=False, label="shown")
    axis.tick_params(labelsize=8, color=GREY)
    drawn = [line for line in axis.lines if np.size(line.get_xdata()) and not str(line.get_label()).startswith("_")]
    axis.legend(handles=drawn, fontsize=7, loc="upper right", frameon=True, framealpha=0.8)


def _draw_particles(axis: Axes, x: np.ndarray, y: np.ndarray) -> None:
    """Single points while they can be told apart, counts on a grid beyond."""
    if len(x) < MOST_POINTS:
        axis.plot(x, y, ".", color="0.65", markersize=3, markeredgewidth=0, label="_particles")
        return
    low, high = np.percentile([x, y], (0.1, 99.9), axis=1)
    edges = [np.linspace(a - 0.1 * (b - a), b + 0.1 * (b - a), 81) for a, b in zip(low, high)]
    counts = np.histogram2d(x, y, bins=edges)[0].T
    axis.pcolormesh(*edges, np.where(counts > 0, counts, np.nan) ** 0.5, cmap="Greys", vmin=-0.2 * counts.max() ** 0.5)

"""reconstruct.png of a map at a point: the map, how wide a kernel each place of it has, and why."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from ..engine.maps.kernel_map import StateMap
from .reconstruct_figure import VIEWS, draw_fsc, draw_view
from .sheet import BLUE, GREY, ORANGE, new_figure, say

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import SubFigure

_BANDS = (("lowest frequencies", GREY), ("middle", ORANGE), ("highest", BLUE))


def draw_state(path: str | os.PathLike[str], state: StateMap, pixel_size: float, point: np.ndarray, unit: str) -> None:
    """Write the picture of the map at a latent ``point`` ``(K,)``; widths are in ``unit``."""
    figure = new_figure(13, 6.4)
    pictures, plots = figure.subfigures(1, 2, squeeze=False, width_ratios=(6.3, 6.7))[0]
    axes = pictures.subplots(2, 3)
    for column, view in enumerate(VIEWS):
        draw_view(axes[:, column], state.maps.mean, pixel_size, view)
    (of_widths, fsc), (section, particles) = plots.subplots(2, 2)
    _draw_gain(of_widths, state, unit)
    draw_fsc(fsc, state.maps)
    _draw_widths(plots, section, state, unit)
    _draw_particles(particles, state, unit)
    where = ", ".join(f"{value:.4g}" for value in point)
    low, middle, high = state.typical
    say(figure, f"The map of the state at ({where}) from the images of the particles about it: sections through the "
                "middle above, projections below. A narrow kernel shows this state with few particles, a wide one many "
                "particles' mean. Which is best is asked at each place, and decided by the nearest particles of the "
                f"other half: {middle:.3g} {unit} for half of the molecule, {low:.3g} to {high:.3g} for all but a "
                "fifth of it. The half-maps are compared without a mask.")  # fmt: skip
    figure.savefig(path, format="png")


def _draw_gain(axis: Axes, state: StateMap, unit: str) -> None:
    """How well the whole map of each width predicts the nearest images, by band of frequency."""
    for (name, colour), gain in zip(_BANDS, state.choice.gain, strict=True):
        axis.plot(_shown(state), gain - gain.max(), ".-", color=colour, label=name)
    spread = np.median([gain.max() - gain for gain in state.choice.gain])
    axis.set_yscale("symlog", linthresh=max(float(spread), 1.0))
    axis.set_title("What one width for the whole map loses", fontsize=10)
    axis.set(xscale="log", xlabel=f"width of the kernel ({unit})", ylabel="nats of the nearest images")
    axis.legend(fontsize=7)


def _draw_widths(plots: SubFigure, axis: Axes, state: StateMap, unit: str) -> None:
    """The width used, the mean of the molecule's density along the axis that shows it largest."""
    density = np.maximum(state.maps.mean, 0)
    density = np.where(density > 0.2 * np.percentile(density, 99.8), density, 0)
    extent = [np.count_nonzero(density.any(axis=2 - "xyz".index(eye))) for *_, eye in VIEWS]
    right, up, eye = VIEWS[int(np.argmax(extent))]
    along = 2 - "xyz".index(eye)
    weight = density.sum(axis=along)
    width = (density * np.minimum(state.width, _shown(state)[-1])).sum(axis=along) / np.maximum(weight, 1e-30)
    shown = np.where(weight > 0, width, np.nan)
    image = axis.imshow(shown, origin="lower", cmap="viridis", vmin=0)
    axis.set(xticks=[], yticks=[])
    axis.set_title(f"width used, along {eye}: {right} →, {up} ↑", fontsize=10)
    plots.colorbar(image, ax=axis, label=unit, shrink=0.8)


def _draw_particles(axis: Axes, state: StateMap, unit: str) -> None:
    """How many particles each width is worth, and how much of the molecule has it."""
    shown = _shown(state)
    axis.plot(shown, [state.shells.effective(width) for width in state.shells.widths], ".-", color=GREY)
    axis.set(xscale="log", yscale="log", xlabel=f"width of the kernel ({unit})", ylabel="particles it is worth")
    part = axis.twinx()
    part.plot(shown, 100 * state.share, "s-", color=BLUE, markersize=3)
    part.set(ylim=(0, None))
    part.set_ylabel("% of the molecule that has it", color=BLUE)


def _shown(state: StateMap) -> np.ndarray:
    """The widths ``(w,)`` as they are drawn: the last, beyond all particles, a step beyond the one before it."""
    widths = state.shells.widths.copy()
    if len(widths) > 2:
        widths[-1] = widths[-2] ** 2 / widths[-3]
    return widths

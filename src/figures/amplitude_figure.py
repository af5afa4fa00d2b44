"""The figure of how far each particle, and each place of the molecule, moves."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from .coloured_views import draw_coloured, maximum_projection
from .molecule_views import VIEWS, mask_limits, strong_colours, voxel_places
from .sheet import BLUE, ORANGE, new_figure, save, say

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_amplitude(
    path: str | os.PathLike[str],
    amplitude: np.ndarray,
    vertex_rms: np.ndarray,
    vertices: np.ndarray,
    volume: np.ndarray,
    pixel_size: float,
) -> None:
    """Draw how far particles, and how far the places of the molecule, move.

    Parameters
    ----------
    amplitude : (n,) Å, density-weighted mean displacement of each particle
    vertex_rms : (v,) Å, root mean square displacement of each vertex over the particles; vertices : (v, 3) Å xyz
    volume : (N, N, N) [z, y, x] canonical map
    """
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    limits = mask_limits(volume > 0.02 * volume.max(), voxel_places(volume, pixel_size))
    wide, deep, tall = (high - low for low, high in limits)
    figure = new_figure(15, float(np.clip(11 * max(deep, tall) / (2.9 * wide + deep) + 1.6, 4.5, 9)))
    histogram, *views = figure.subplots(1, 4, width_ratios=(0.9 * wide, wide, wide, deep))
    _amplitude_histogram(histogram, np.asarray(amplitude, float))
    local = [maximum_projection(volume, vertices, vertex_rms, pixel_size, view) for view in VIEWS]
    top = max(max(float(rms[bright > 0.05].max(initial=0)) for bright, rms in local), 1e-6)
    scale = ScalarMappable(Normalize(0, top), strong_colours())
    for axis, view, (bright, rms) in zip(views, VIEWS, local):
        draw_coloured(axis, scale, bright, rms, view, limits, pixel_size)
    figure.colorbar(scale, ax=views, shrink=0.75, pad=0.01, panchor=False, label="r.m.s. displacement (Å)")
    say(
        figure,
        "How to read: left, how far each particle's molecule is from the map at rest, averaged over its density; "
        "displacements much smaller than the resolution need good reasons to be believed. Right, the map seen along "
        "its axes (strongest density along the line of sight), dark where it stays, bright orange where it moves: "
        "domains of one even colour or with a smooth gradient away from a hinge are believable, speckles are not.",
    )
    save(figure, path)


def _amplitude_histogram(axis: Axes, amplitude: np.ndarray) -> None:
    top = max(float(np.percentile(amplitude, 99.9)), 1e-6) * 1.1
    counts, edges = np.histogram(amplitude, bins=int(np.clip(np.sqrt(len(amplitude)), 12, 80)), range=(0, top))
    middle = float(np.median(amplitude))
    axis.stairs(counts, edges, fill=True, color=BLUE)
    axis.axvline(middle, color=ORANGE, linestyle="--")
    axis.set(xlabel="mean displacement of a particle (Å)", ylabel="particles", xlim=(0, top))
    axis.set_title(f"median {middle:.2g} Å", fontsize=10)
    axis.spines[["top", "right"]].set_visible(False)

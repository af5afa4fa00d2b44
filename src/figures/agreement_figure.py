"""The figure of how two half models agree: where the molecule moves, and where they differ about it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..explore.motion_agreement import Agreement
from ..mesh.tetmesh import TetMesh
from .coloured_views import draw_coloured, maximum_projection
from .molecule_views import VIEWS, mask_limits, strong_colours, voxel_places
from .sheet import BLUE, ORANGE, new_figure, save, say

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_BARS = 12  # parts that are drawn
DENSE = 0.02  # of the heaviest vertex' mass: a vertex that carries less moves nothing


def draw_agreement(
    path: str | os.PathLike[str], agreement: Agreement, mesh: TetMesh, volume: np.ndarray, pixel_size: float,
    labels: Sequence[int],
) -> None:  # fmt: skip
    """Draw the motion above and the models' difference below, in one scale; ``volume`` (N, N, N) [z, y, x].

    ``labels`` (p,) name the parts of the mesh.
    """
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    limits = mask_limits(volume > 0.02 * volume.max(), voxel_places(volume, pixel_size))
    wide, deep, tall = (high - low for low, high in limits)
    figure = new_figure(15, float(np.clip(22 * max(deep, tall) / (2.9 * wide + deep) + 2, 7, 14)))
    axes = figure.subplots(2, 4, width_ratios=(0.9 * wide, wide, wide, deep))
    values = {"motion": agreement.motion, "difference of the models": agreement.difference}
    local = {name: [maximum_projection(volume, mesh.vertices, each, pixel_size, view) for view in VIEWS]
             for name, each in values.items()}  # fmt: skip
    top = max(max(float(rms[bright > 0.05].max(initial=0)) for bright, rms in local["motion"]), 1e-6)
    scale = ScalarMappable(Normalize(0, top), strong_colours())
    for row, (name, views) in zip(axes, local.items()):
        for axis, view, (bright, rms) in zip(row[1:], VIEWS, views):
            draw_coloured(axis, scale, bright, rms, view, limits, pixel_size)
            axis.set_title(name, fontsize=10)
        figure.colorbar(scale, ax=row[1:], shrink=0.75, pad=0.01, panchor=False, label="r.m.s. (Å)")
    _bars(axes[0, 0], agreement, mesh, labels)
    _vertices(axes[1, 0], agreement)
    say(
        figure,
        "How to read: two models that share no image place the same images, which neither was trained on. Above, how "
        "far the molecule moves from image to image (whole-body motion taken away); below, by how much the two models "
        "differ about it, in the same colours. Believe a motion where the lower pictures are much darker than the "
        "upper ones. Left, the same by part of the mesh, and each vertex, the larger the more density it carries.",
    )
    save(figure, path)


def _bars(axis: Axes, agreement: Agreement, mesh: TetMesh, labels: Sequence[int]) -> None:
    parts = agreement.parts(mesh)[:MOST_BARS]
    named = [("all", *agreement.over(np.ones_like(agreement.mass)))]
    if mesh.parts > 1:
        named += [(f"part {labels[each.part]}", each.motion, each.difference) for each in parts]
    names, motion, difference = zip(*named)
    place = np.arange(len(names))
    axis.barh(place - 0.2, motion, 0.38, color=BLUE, label="motion")
    axis.barh(place + 0.2, difference, 0.38, color=ORANGE, label="difference")
    axis.set_yticks(place, names)
    axis.invert_yaxis()
    axis.set(xlabel="r.m.s. (Å)")
    axis.legend(frameon=False, fontsize=9, ncols=2, loc="lower left", bbox_to_anchor=(0, 1))
    axis.spines[["top", "right"]].set_visible(False)


def _vertices(axis: Axes, agreement: Agreement) -> None:
    heavy = agreement.mass > DENSE * agreement.mass.max()
    motion, difference = agreement.motion[heavy], agreement.difference[heavy]
    size = 40 * agreement.mass[heavy] / max(float(agreement.mass.max()), 1e-30)
    axis.scatter(motion, difference, s=size, color=BLUE, alpha=0.5, linewidths=0)
    top = 1.05 * max(float(motion.max(initial=0)), float(difference.max(initial=0)), 1e-6)
    axis.plot((0, top), (0, top), color="0.6", linestyle="--", linewidth=1)
    axis.set(xlabel="motion of a vertex (Å)", ylabel="difference (Å)", xlim=(0, top), ylim=(0, top))
    axis.spines[["top", "right"]].set_visible(False)

"""The figure of a flow: arrows on three sections of the map."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .molecule_views import VIEWS, View, mask_limits, strong_colours, voxel_places
from .sheet import GREY, new_figure, save, say

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.quiver import Quiver

_MOST_ARROWS = 350  # in one section


def draw_flow(
    path: str | os.PathLike[str],
    vertices_rest: np.ndarray,
    vertices_moved: np.ndarray,
    volume: np.ndarray,
    voxel_cell: np.ndarray,
    cells: np.ndarray,
    pixel_size: float,
    labels: Sequence[str],
) -> None:
    """Draw the flow as arrows on three sections through the middle of the map, one column per latent point.

    Parameters
    ----------
    vertices_rest : (v, 3) Å xyz; vertices_moved : (s, v, 3) at s latent points
    volume : (N, N, N) [z, y, x] canonical map; voxel_cell : (N, N, N) cell of each voxel, −1 outside the mask
    cells : (c, 4) vertex indices; labels : s names of the latent points
    """
    moved = np.asarray(vertices_moved) - vertices_rest
    length = np.linalg.norm(moved, axis=2)
    carrying = np.unique(cells[np.unique(voxel_cell[voxel_cell >= 0])])  # the others move nothing
    edge = float(np.median(np.linalg.norm(vertices_rest[cells[:, 0]] - vertices_rest[cells[:, 1]], axis=1)))
    middle = _middle(volume, voxel_cell, pixel_size)
    top = max(float(np.percentile(length[:, carrying], 99.5)), 1e-6)
    stretch = _stretch(top, np.ptp(vertices_rest[carrying], axis=0).max())
    limits = mask_limits(voxel_cell >= 0, voxel_places(volume, pixel_size))
    wide, deep, tall = (high - low for low, high in limits)
    inch = 2.7 / max(wide, deep)
    figure = new_figure(max(1.6 + 3.1 * len(moved), 6), float(np.clip(inch * (deep + 2 * tall) + 3, 6, 16)))
    axes = figure.subplots(3, len(moved), squeeze=False, height_ratios=(deep, tall, tall))
    for row, view in zip(axes, VIEWS):
        near = _near(vertices_rest, carrying, view, middle, edge)
        for axis, step, size in zip(row, moved, length):
            _section(axis, volume, voxel_cell, pixel_size, view, middle)
            axis.set(xlim=limits[view[2]], ylim=limits[view[3]], aspect="equal")
            arrows = _arrows(axis, vertices_rest[near], step[near], size[near], view, stretch, top)
        for axis in row[1:]:
            axis.set_ylabel("")
            axis.tick_params(labelleft=False)
    for axis, label in zip(axes[0], labels):
        axis.set_title(label, fontsize=11)
    figure.colorbar(
        arrows, ax=axes, shrink=0.6, pad=0.01, panchor=False, extend="max", label="displacement in space (Å)"
    )
    say(figure, _flow_text(stretch))
    save(figure, path)


def _flow_text(stretch: float) -> str:
    lengths = "true to scale" if stretch == 1 else f"drawn {stretch:g} times as long as the displacement"
    return (
        "How to read: grey is a section of the map, the thin line its mask; an arrow shows where that place goes at "
        f"the latent point above ({lengths}; a short arrow of a strong colour goes towards you or away). Coherent "
        "swings of whole domains are motion; arrows that scatter at random, or that are large only in the solvent "
        "between line and map, are noise."
    )


def _middle(volume: np.ndarray, voxel_cell: np.ndarray, pixel_size: float) -> np.ndarray:
    """(3,) Å xyz, on a voxel: the middle of the map's mass inside the mask."""
    mass = np.where(voxel_cell >= 0, np.maximum(volume, 0), 0)
    mass = mass if mass.sum() > 0 else (voxel_cell >= 0).astype(float)
    index = [np.average(np.arange(len(mass)), weights=mass.sum(axis=tuple({0, 1, 2} - {k}))) for k in (2, 1, 0)]
    return (np.rint(index) - len(mass) // 2) * pixel_size


def _stretch(top: float, extent: float) -> float:
    """By how much arrows are lengthened so that the longest spans about an eighth of the molecule: 1, 2, 5, 10 …"""
    wanted = max(0.12 * extent / top, 1)
    step = 10 ** np.floor(np.log10(wanted))
    return float(min(step * max(k for k in (1, 2, 5) if k * step <= wanted), 100))


def _near(vertices: np.ndarray, carrying: np.ndarray, view: View, middle: np.ndarray, edge: float) -> np.ndarray:
    """Vertices within half an edge of the section, thinned evenly where there are too many to tell apart."""
    eye = view[4]
    near = carrying[np.abs(vertices[carrying, eye] - middle[eye]) <= 0.5 * edge]
    return near[:: max(1, -(-len(near) // _MOST_ARROWS))]


def _section(
    axis: Axes, volume: np.ndarray, voxel_cell: np.ndarray, pixel_size: float, view: View, middle: np.ndarray
) -> None:
    """One section of the map in light grey, cropped to the mask and outlined by it."""
    right_name, up_name, *_, eye = view
    at = int(round(middle[eye] / pixel_size)) + len(volume) // 2
    image, mask = (np.take(grid, at, axis=2 - eye) for grid in (volume, voxel_cell >= 0))
    along = voxel_places(volume, pixel_size)
    high = max(float(np.percentile(volume[voxel_cell >= 0], 99.5)) if mask.any() else 0, 1e-30)
    edge = (along[0] - pixel_size / 2, along[-1] + pixel_size / 2)
    axis.imshow(np.clip(image, 0, None), cmap="gray_r", vmin=0, vmax=1.7 * high, origin="lower",
                extent=(*edge, *edge), interpolation="bilinear")  # fmt: skip
    if mask.any() and not mask.all():
        axis.contour(along, along, mask.astype(float), levels=[0.5], colors=GREY, linewidths=0.7)
    axis.set_xlabel(f"{right_name} (Å)", fontsize=8)
    axis.set_ylabel(f"{up_name} (Å), section {'xyz'[eye]} = {middle[eye]:.0f} Å", fontsize=8)
    axis.tick_params(labelsize=7)


def _arrows(
    axis: Axes, start: np.ndarray, step: np.ndarray, size: np.ndarray, view: View, stretch: float, top: float
) -> Quiver:
    """In-plane arrows, coloured by the length of the displacement in space."""
    from matplotlib.colors import Normalize

    _, _, right, up, _ = view
    drawn = axis.quiver(
        start[:, right], start[:, up], step[:, right], step[:, up], size,
        cmap=strong_colours(), norm=Normalize(0, top), angles="xy", scale_units="xy", scale=1 / stretch,
        width=0.006, headwidth=3.2, headlength=3.6, headaxislength=3.2, minlength=0.6,
    )  # fmt: skip
    return drawn

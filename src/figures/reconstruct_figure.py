"""reconstruct.png: sections and projections of the map, and how far its halves agree."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from ..engine.maps.fsc import THRESHOLD
from ..engine.maps.reconstruction import Reconstruction
from .sheet import BLUE, GREY, ORANGE, new_figure, say

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_RIGID = (
    "from their images alone: sections through the middle above, projections below. All are taken for one rigid body, "
    "so what moves among them is smeared. The half-maps are compared without a mask, in the sphere that fits the box."
)
_MOVED = (
    "every particle's motion undone by the model: sections through the middle above, {below}. The half-maps are "
    "compared without a mask."
)
VIEWS = (("x", "y", "z"), ("x", "z", "y"), ("y", "z", "x"))  # right, up, and the axis one looks along


def draw_reconstruction(
    path: str | os.PathLike[str],
    reconstruction: Reconstruction,
    pixel_size: float,
    counts: tuple[int, int],
    selection: str | None,
    moved: bool = False,
    twin: Reconstruction | None = None,
) -> None:
    """Write the picture. ``counts`` are the particles of the halves, ``selection`` the name of what they are of.

    ``moved``: the particles' motion is undone; a ``twin`` is the map of the same at rest.
    """
    figure = new_figure(10.5, 5.2)
    pictures, curve = figure.subfigures(1, 2, squeeze=False, width_ratios=(6.3, 4.2))[0]
    axes = pictures.subplots(2, 3)
    for column, view in enumerate(VIEWS):
        along = 2 - "xyz".index(view[2])
        if twin is None:
            draw_view(axes[:, column], reconstruction.mean, pixel_size, view)
        else:
            images = _section(reconstruction.mean, along), _section(twin.mean, along)
            _draw_images(axes[:, column], images, pixel_size, view, "at rest,")
    draw_fsc(curve.subplots(), reconstruction, twin)
    what = f"selection {selection!r}" if selection else "all particles"
    below = "projections below" if twin is None else "below those of the rigid map of the same particles"
    how = _MOVED.format(below=below) if moved else _RIGID
    say(figure, f"The map of {what}, {counts[0]} + {counts[1]}, {how}")
    figure.savefig(path, format="png")


def draw_view(axes: np.ndarray, volume: np.ndarray, pixel_size: float, view: tuple[str, str, str]) -> None:
    """A section in the upper, a projection in the lower of two axes."""
    along = 2 - "xyz".index(view[2])
    _draw_images(axes, (_section(volume, along), volume.sum(axis=along)), pixel_size, view, "along")


def _section(volume: np.ndarray, along: int) -> np.ndarray:
    return np.take(volume, len(volume) // 2, axis=along)


def _draw_images(
    axes: np.ndarray, images: tuple[np.ndarray, np.ndarray], pixel_size: float, view: tuple[str, str, str], lower: str
) -> None:
    """A section in the upper of two axes, and what ``lower`` names below it."""
    right, up, eye = view
    box = len(images[0])
    low = -(box // 2 + 0.5) * pixel_size
    extent = (low, low + box * pixel_size) * 2
    for axis, image in zip(axes, images):
        axis.imshow(image, cmap="gray_r", origin="lower", extent=extent, vmin=np.percentile(image, 1))
        axis.set(xticks=[], yticks=[])
    axes[0].set_title(f"{eye} = 0 Å", fontsize=9)
    axes[1].set_title(f"{lower} {eye}: {right} →, {up} ↑", fontsize=9)


def draw_fsc(axis: Axes, reconstruction: Reconstruction, twin: Reconstruction | None = None) -> None:
    """The FSC of the half-maps, and where it falls below the threshold; that of a twin beside it."""
    if twin is not None:
        axis.plot(twin.frequency, twin.fsc, color=GREY, label="at rest")
    axis.plot(reconstruction.frequency, reconstruction.fsc, color=BLUE, label="in motion" if twin is not None else None)
    axis.axhline(THRESHOLD, color=GREY, linewidth=0.8)
    title = "The half-maps agree nowhere"
    if reconstruction.resolution is not None:
        axis.axvline(1 / reconstruction.resolution, color=ORANGE, linewidth=0.8)
        title = f"The half-maps agree to {reconstruction.resolution:.1f} Å (FSC {THRESHOLD})"
    axis.set_title(title, fontsize=10)
    if twin is not None:
        axis.legend(fontsize=8)
    axis.locator_params(axis="x", nbins=5)
    axis.set(xlabel="spatial frequency (1/Å)", ylabel="FSC of the half-maps", xlim=(0, reconstruction.frequency[-1]),
             ylim=(min(-0.1, reconstruction.fsc.min() - 0.05), 1.05))  # fmt: skip

"""The figures of what moves: arrows on sections, how far each place goes, maps and their differences."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from .picture_sheet import BLUE, GREY, ORANGE, new_figure, save, say

_MOST_ARROWS = 350  # in one section
_VIEWS = (("x", "y", 0, 1, 2), ("x", "z", 0, 2, 1), ("y", "z", 1, 2, 0))  # right, up, and the xyz axes right, up, eye


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
    limits = _mask_limits(voxel_cell >= 0, _along(volume, pixel_size))
    wide, deep, tall = (high - low for low, high in limits)
    inch = 2.7 / max(wide, deep)
    figure = new_figure(max(1.6 + 3.1 * len(moved), 6), float(np.clip(inch * (deep + 2 * tall) + 3, 6, 16)))
    axes = figure.subplots(3, len(moved), squeeze=False, height_ratios=(deep, tall, tall))
    for row, view in zip(axes, _VIEWS):
        near = _near(vertices_rest, carrying, view, middle, edge)
        for axis, step, size in zip(row, moved, length):
            _section(axis, volume, voxel_cell, pixel_size, view, middle)
            axis.set(xlim=limits[view[2]], ylim=limits[view[3]], aspect="equal")
            arrows = _arrows(axis, vertices_rest[near], step[near], size[near], view, stretch, top)
        for axis in row[1:]:
            axis.set_ylabel("")
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


def _near(vertices: np.ndarray, carrying: np.ndarray, view, middle: np.ndarray, edge: float) -> np.ndarray:
    """Vertices within half an edge of the section, thinned evenly where there are too many to tell apart."""
    eye = view[4]
    near = carrying[np.abs(vertices[carrying, eye] - middle[eye]) <= 0.5 * edge]
    return near[:: max(1, -(-len(near) // _MOST_ARROWS))]


def _section(axis, volume: np.ndarray, voxel_cell: np.ndarray, pixel_size: float, view, middle: np.ndarray) -> None:
    """One section of the map in light grey, cropped to the mask and outlined by it."""
    right_name, up_name, *_, eye = view
    at = int(round(middle[eye] / pixel_size)) + len(volume) // 2
    image, mask = (np.take(grid, at, axis=2 - eye) for grid in (volume, voxel_cell >= 0))
    along = _along(volume, pixel_size)
    high = max(float(np.percentile(volume[voxel_cell >= 0], 99.5)) if mask.any() else 0, 1e-30)
    edge = (along[0] - pixel_size / 2, along[-1] + pixel_size / 2)
    axis.imshow(np.clip(image, 0, None), cmap="gray_r", vmin=0, vmax=1.7 * high, origin="lower",
                extent=(*edge, *edge), interpolation="bilinear")  # fmt: skip
    if mask.any() and not mask.all():
        axis.contour(along, along, mask.astype(float), levels=[0.5], colors=GREY, linewidths=0.7)
    axis.set_xlabel(f"{right_name} (Å)", fontsize=8)
    axis.set_ylabel(f"{up_name} (Å), section {'xyz'[eye]} = {middle[eye]:.0f} Å", fontsize=8)
    axis.tick_params(labelsize=7)


def _along(volume: np.ndarray, pixel_size: float) -> np.ndarray:
    """Å of the voxels along one axis."""
    return (np.arange(len(volume)) - len(volume) // 2) * pixel_size


def _mask_limits(mask: np.ndarray, along: np.ndarray) -> list[tuple[float, float]]:
    """Range in x, y and z of a mask, Å, with a margin; the whole box where the mask is empty."""
    limits = []
    for axis in (2, 1, 0):
        hit = np.flatnonzero(mask.any(axis=tuple({0, 1, 2} - {axis})))
        low, high = (along[hit[0]], along[hit[-1]]) if len(hit) else (along[0], along[-1])
        margin = 0.1 * (high - low) + (along[1] - along[0])
        limits.append((low - margin, high + margin))
    return limits


def _arrows(axis, start: np.ndarray, step: np.ndarray, size: np.ndarray, view, stretch: float, top: float):
    """In-plane arrows, coloured by the length of the displacement in space."""
    from matplotlib.colors import Normalize

    _, _, right, up, _ = view
    drawn = axis.quiver(
        start[:, right], start[:, up], step[:, right], step[:, up], size,
        cmap=_strong(), norm=Normalize(0, top), angles="xy", scale_units="xy", scale=1 / stretch,
        width=0.006, headwidth=3.2, headlength=3.6, headaxislength=3.2, minlength=0.6,
    )  # fmt: skip
    return drawn


def _strong():
    """Plasma without its yellow end, which would vanish on white."""
    import matplotlib
    from matplotlib.colors import ListedColormap

    return ListedColormap(matplotlib.colormaps["plasma"](np.linspace(0, 0.82, 256)), name="plasma_strong")


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

    limits = _mask_limits(volume > 0.02 * volume.max(), _along(volume, pixel_size))
    wide, deep, tall = (high - low for low, high in limits)
    figure = new_figure(15, float(np.clip(11 * max(deep, tall) / (2.9 * wide + deep) + 1.6, 4.5, 9)))
    histogram, *views = figure.subplots(1, 4, width_ratios=(0.9 * wide, wide, wide, deep))
    _amplitude_histogram(histogram, np.asarray(amplitude, float))
    local = [_hottest(volume, vertices, vertex_rms, pixel_size, view) for view in _VIEWS]
    top = max(max(float(rms[bright > 0.05].max(initial=0)) for bright, rms in local), 1e-6)
    scale = ScalarMappable(Normalize(0, top), _strong())
    for axis, view, (bright, rms) in zip(views, _VIEWS, local):
        _coloured(axis, scale, bright, rms, view, limits, pixel_size)
    figure.colorbar(scale, ax=views, shrink=0.75, pad=0.01, panchor=False, label="r.m.s. displacement (Å)")
    say(
        figure,
        "How to read: left, how far each particle's molecule is from the map at rest, averaged over its density; "
        "displacements much smaller than the resolution need good reasons to be believed. Right, the map seen along "
        "its axes (strongest density along the line of sight), dark where it stays, bright orange where it moves: "
        "domains of one even colour or with a smooth gradient away from a hinge are believable, speckles are not.",
    )
    save(figure, path)


def _amplitude_histogram(axis, amplitude: np.ndarray) -> None:
    top = max(float(np.percentile(amplitude, 99.9)), 1e-6) * 1.1
    counts, edges = np.histogram(amplitude, bins=int(np.clip(np.sqrt(len(amplitude)), 12, 80)), range=(0, top))
    middle = float(np.median(amplitude))
    axis.stairs(counts, edges, fill=True, color=BLUE)
    axis.axvline(middle, color=ORANGE, linestyle="--")
    axis.set(xlabel="mean displacement of a particle (Å)", ylabel="particles", xlim=(0, top))
    axis.set_title(f"median {middle:.2g} Å", fontsize=10)
    axis.spines[["top", "right"]].set_visible(False)


def _hottest(volume: np.ndarray, vertices: np.ndarray, vertex_rms: np.ndarray, pixel_size: float, view):
    """Maximum projection (N, N) scaled to 0..1, and the r.m.s. displacement (N, N), Å, where each maximum lies."""
    from scipy.spatial import cKDTree

    *_, right, up, eye = view
    line = 2 - eye
    bright = volume.max(axis=line)  # [up, right]: the array's order zyx keeps up before right in all three views
    rows, columns = np.indices(bright.shape)
    place = np.empty((*bright.shape, 3))
    place[..., right], place[..., up], place[..., eye] = columns, rows, volume.argmax(axis=line)
    away, nearest = cKDTree(vertices).query((place - len(volume) // 2) * pixel_size, k=min(4, len(vertices)))
    share = 1 / (away.reshape(*bright.shape, -1) + 1e-3 * pixel_size)
    rms = (share * np.asarray(vertex_rms)[nearest].reshape(share.shape)).sum(axis=-1) / share.sum(axis=-1)
    return np.clip(bright / max(float(bright.max()), 1e-30), 0, 1), rms


def _coloured(axis, scale, bright: np.ndarray, rms: np.ndarray, view, limits, pixel_size: float) -> None:
    """Colour by displacement, strength by density."""
    right_name, up_name, right, up, _ = view
    image = scale.to_rgba(rms)
    image[..., 3] = np.sqrt(np.minimum(2 * bright, 1))  # weaker density is still seen
    half = (len(bright) // 2 + 0.5) * pixel_size
    far = (len(bright) - len(bright) // 2 - 0.5) * pixel_size
    axis.imshow(image, origin="lower", extent=(-half, far, -half, far), interpolation="nearest")
    axis.set(xlim=limits[right], ylim=limits[up])
    axis.set(xlabel=f"{right_name} (Å)", ylabel=f"{up_name} (Å)")


def draw_maps(path: str | os.PathLike[str], volumes: np.ndarray, labels: Sequence[str]) -> None:
    """Draw maps at s latent points as projections, with their difference from the middle one (number s // 2) below.

    Of the three axes the line of sight is the one along which the maps differ most.

    Parameters
    ----------
    volumes : (s, N, N, N) [z, y, x]; labels : s names
    """
    volumes = np.asarray(volumes, np.float32)
    middle = len(volumes) // 2
    sights = [volumes.sum(axis=1 + k) for k in range(3)]
    sight = int(
        np.argmax([((views - views[middle]) ** 2).sum() / max((views[middle] ** 2).sum(), 1e-30) for views in sights])
    )
    views = _cropped(sights[sight])
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
    right, up = (("x", "y"), ("x", "z"), ("y", "z"))[sight]
    axes[0, 0].set_ylabel(f"map, seen along {'zyx'[sight]}\n({right} to the right, {up} up)", fontsize=9)
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


def _differences(figure, axes, change: np.ndarray, middle: int) -> None:
    top = max(float(np.abs(change).max()), 1e-30)
    for number, (axis, one) in enumerate(zip(axes[1], change)):
        image = axis.imshow(one, cmap="PuOr_r", origin="lower", vmin=-top, vmax=top, interpolation="bilinear")
        if number == middle:
            axis.text(0.5, 0.5, "reference", transform=axis.transAxes, ha="center", va="center", color=GREY)
    axes[1, 0].set_ylabel("difference", fontsize=9)
    bar = figure.colorbar(image, ax=axes, shrink=0.5, pad=0.01, panchor=False, ticks=[-top, 0, top])
    bar.ax.set_yticklabels(["less", "same", "more"])

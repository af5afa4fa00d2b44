"""A picture of a mesh: slices of the consensus with the mask's outline and the mesh, by part and by rigidity."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from ..atomic import atomic_path
from ..mesh.tetmesh import TetMesh

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import PolyCollection
    from matplotlib.figure import Figure

Plane = tuple[str, int, int, int]  # name, axis to the right, axis up, axis towards the eye
_PLANES: tuple[Plane, ...] = (("xy", 0, 1, 2), ("xz", 0, 2, 1), ("yz", 1, 2, 0))


def draw_mesh(
    path: str | os.PathLike[str],
    mesh: TetMesh,
    consensus: np.ndarray,
    mask: np.ndarray,
    labels: tuple[int, ...] | None = None,
) -> None:
    """Write a .png: three slices through the middle of the mask, with parts above and rigidity weights below.

    Parameters
    ----------
    consensus, mask : (N, N, N) [z, y, x] at the mesh's box; the mask 0..1
    labels : names of the parts in the legend (default 0..p-1)
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13.5, 8.8), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(2, 3)
    middle = _middle(mesh)
    for column, plane in enumerate(_PLANES):
        for row in (0, 1):
            _draw_slice(axes[row, column], mesh, consensus, mask, plane, middle)
        _draw_parts(axes[0, column], mesh, plane, middle)
        shades = _draw_weights(axes[1, column], mesh, plane, middle)
    _legend(figure, mesh, labels)
    figure.colorbar(shades, ax=axes[1], shrink=0.85, pad=0.01, format="%g", label="relative rigidity weight")
    volume = mesh.volumes()
    figure.suptitle(
        f"{len(mesh.vertices):,} vertices, {len(mesh.cells):,} cells of {np.median(volume):.0f} Å$^3$ (median), "
        f"{int(mesh.mask.sum()):,} voxels of {mesh.pixel_size:.3g} Å, {mesh.parts} part{'s' * (mesh.parts != 1)}"
    )
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png")


def _middle(mesh: TetMesh) -> np.ndarray:
    """(3,) Å xyz, on a voxel: the middle of the mask by the median of its voxels."""
    index = np.median(np.argwhere(mesh.mask), axis=0)[::-1].round()
    return (index - mesh.box // 2) * mesh.pixel_size


def _draw_slice(
    axis: Axes, mesh: TetMesh, consensus: np.ndarray, mask: np.ndarray, plane: Plane, middle: np.ndarray
) -> None:
    name, right, up, eye = plane
    at = int(round(middle[eye] / mesh.pixel_size)) + mesh.box // 2
    image, outline = (np.take(grid, at, axis=2 - eye) for grid in (consensus, mask))
    along = (np.arange(mesh.box) - mesh.box // 2) * mesh.pixel_size
    edge = (along[0] - 0.5 * mesh.pixel_size, along[-1] + 0.5 * mesh.pixel_size)
    low, high = np.percentile(consensus, 1), max(np.percentile(consensus[mask > 0], 99.5), 1e-30)
    axis.imshow(image, cmap="gray_r", origin="lower", extent=(*edge, *edge), vmin=low, vmax=high)
    axis.contour(along, along, outline, levels=[0.5], colors="#d62728", linewidths=1.2)
    extent = 1.1 * np.abs(mesh.vertices).max()
    axis.set(xlim=(-extent, extent), ylim=(-extent, extent), aspect="equal")
    axis.set(xlabel=f"{name[0]} (Å)", ylabel=f"{name[1]} (Å)", title=f"{'xyz'[eye]} = {middle[eye]:.0f} Å")


def _draw_parts(axis: Axes, mesh: TetMesh, plane: Plane, middle: np.ndarray) -> None:
    from matplotlib.collections import PolyCollection

    polygons, cells = cell_sections(mesh, plane, middle)
    colours = np.asarray(part_colours(mesh.parts))[mesh.part[cells]]
    faces = [(*colour[:3], 0.16) for colour in colours]
    axis.add_collection(PolyCollection(polygons, facecolors=faces, edgecolors=colours, lw=0.5))


def _draw_weights(axis: Axes, mesh: TetMesh, plane: Plane, middle: np.ndarray) -> PolyCollection:
    from matplotlib.collections import PolyCollection
    from matplotlib.colors import LogNorm, Normalize

    low, high = float(mesh.weights.min()), float(mesh.weights.max())
    scale = LogNorm(max(low, 1e-3), high) if high > 4 * max(low, 1e-3) else Normalize(low, max(high, low + 1e-3))
    polygons, cells = cell_sections(mesh, plane, middle)
    shades = PolyCollection(polygons, cmap="viridis", norm=scale, edgecolors=(0, 0, 0, 0.25), lw=0.3, alpha=0.75)
    shades.set_array(mesh.weights[cells])
    axis.add_collection(shades)
    return shades


def cell_sections(mesh: TetMesh, plane: Plane, middle: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
    """Polygons (k, 2) in which the plane cuts cells, and the cells (n,) they belong to."""
    _, right, up, eye = plane
    corner = mesh.vertices[mesh.cells].astype(np.float64)
    height = corner[:, :, eye] - middle[eye] - 1e-4  # off the lattice's own planes, in which cells would be degenerate
    cut = np.flatnonzero((height.min(axis=1) < 0) & (height.max(axis=1) > 0))
    return [_section(corner[cell][:, [right, up]], height[cell]) for cell in cut], cut


def _section(flat: np.ndarray, height: np.ndarray) -> np.ndarray:
    """Convex polygon of the points where a tetrahedron's edges cross height 0, in order around their middle."""
    crossings: list[np.ndarray] = []
    for a in range(4):
        for b in range(a + 1, 4):
            if height[a] * height[b] < 0:
                crossings.append(flat[a] + (flat[b] - flat[a]) * height[a] / (height[a] - height[b]))
    points = np.array(crossings)
    away = points - points.mean(axis=0)
    return points[np.argsort(np.arctan2(away[:, 1], away[:, 0]))]


def part_colours(count: int) -> list[tuple[float, float, float, float]]:
    """One colour per part: the ten of Tableau, then around the colour circle."""
    import matplotlib

    if count <= 10:
        return [matplotlib.colormaps["tab10"](number) for number in range(count)]
    return [matplotlib.colormaps["hsv"](number / count) for number in range(count)]


def _legend(figure: Figure, mesh: TetMesh, labels: tuple[int, ...] | None) -> None:
    from matplotlib.artist import Artist
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    names = range(mesh.parts) if labels is None else labels
    colours = list(zip(part_colours(mesh.parts), names))[:12]
    shown: list[Artist] = [Patch(color=colour, label=f"part {name}") for colour, name in colours]
    shown.append(Line2D([], [], color="#d62728", label="mask at 0.5"))
    figure.legend(handles=shown, loc="outside lower center", ncols=len(shown), frameon=False)

"""resolution.png: how far two half-maps agree, as a whole, by part and locally, and what the views cover."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from ..engine.maps.fsc import THRESHOLD
from ..engine.maps.half_agreement import HalfAgreement, PairCurves
from ..engine.maps.map_quality import MapQuality
from ..engine.maps.orientation_coverage import OrientationCoverage
from .molecule_views import VIEWS, mask_limits, voxel_places
from .sheet import BLUE, GREY, ORANGE, new_figure, say

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import SubFigure

GREEN = "#009e73"
_PALEST = 0.3  # opacity of the colour of local resolution where the mask holds no density
_PARTS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000", "#8a8a8a")  # Okabe & Ito


def draw_resolution(
    path: str | os.PathLike[str], quality: MapQuality, pixel_size: float, twin_name: str = "rigid"
) -> None:
    """Write the picture; ``twin_name`` is what the second pair of half-maps is, where there is one."""
    agreement = quality.agreement
    figure = new_figure(13.5, 8.4)
    upper, lower = figure.subfigures(2, 1, squeeze=False)[:, 0]
    curves = upper.subplots(1, 3 if agreement.own.parts else 2, squeeze=False)[0]
    _draw_curves(curves[0], agreement, twin_name)
    if agreement.own.parts:
        _draw_parts(curves[1], agreement, twin_name)
    _draw_guinier(curves[-1], quality)
    _draw_lower(lower, quality, pixel_size)
    say(figure, _text(quality, twin_name))
    figure.savefig(path, format="png")


def _text(quality: MapQuality, twin_name: str) -> str:
    twin = f" Dashed: the {twin_name} half-maps, in the same masks." if quality.agreement.twin is not None else ""
    return (
        "How to read: where the corrected curve falls below 0.143 the map ends. The randomised curve is what the mask "
        f"alone makes the half-maps agree on; where it is not near 0, the mask is too tight or too sharp.{twin} Local "
        "resolution is coloured in the mask, fully where the map has density. Views: a map all of one shade is seen "
        "evenly from all sides."
    )


def _draw_curves(axis: Axes, agreement: HalfAgreement, twin_name: str) -> None:
    own, twin = agreement.own, agreement.twin
    drawn = (("unmasked", own.unmasked, GREY), ("masked", own.whole.masked, BLUE),
             ("phase-randomised", own.whole.randomised, GREEN), ("corrected", own.whole.corrected, ORANGE))  # fmt: skip
    for name, curve, colour in drawn:
        axis.plot(agreement.frequency, curve, color=colour, label=name, linewidth=1.8 if name == "corrected" else 1.1)
    if twin is not None:
        name = f"corrected, {twin_name}"
        axis.plot(agreement.frequency, twin.whole.corrected, color=ORANGE, linestyle="--", label=name)
    _finish(axis, agreement, "The whole: " + _reached(own, twin, twin_name))


def _reached(own: PairCurves, twin: PairCurves | None, twin_name: str) -> str:
    return _against(own.whole.resolution, None if twin is None else twin.whole.resolution, twin is not None, twin_name)


def _against(own: float | None, twin: float | None, has_twin: bool, twin_name: str) -> str:
    words = f"{_angstroms(own)} (FSC {THRESHOLD})"
    return f"{words}, {twin_name} {_angstroms(twin)}" if has_twin else words


def _angstroms(value: float | None) -> str:
    return "no agreement" if value is None else f"{value:.1f} Å"


def _draw_parts(axis: Axes, agreement: HalfAgreement, twin_name: str) -> None:
    for number, (label, part) in enumerate(zip(agreement.labels, agreement.own.parts)):
        colour, words = _PARTS[number % len(_PARTS)], _angstroms(part.resolution)
        if agreement.twin is not None:
            other = agreement.twin.parts[number]
            axis.plot(agreement.frequency, other.corrected, color=colour, linestyle="--", linewidth=1)
            words += f" ({twin_name} {_angstroms(other.resolution)})"
        axis.plot(agreement.frequency, part.corrected, color=colour, label=f"part {label}: {words}")
    _finish(axis, agreement, "Inside each part of the mesh, corrected")


def _finish(axis: Axes, agreement: HalfAgreement, title: str) -> None:
    axis.axhline(THRESHOLD, color=GREY, linewidth=0.8)
    axis.set_title(title, fontsize=10)
    axis.set(xlim=(0, agreement.frequency[-1]), ylim=(-0.15, 1.05), ylabel="FSC of the half-maps")
    axis.legend(fontsize=8, loc="lower left")
    ticks = axis.get_xticks()
    shown = [tick for tick in ticks if 0 < tick <= agreement.frequency[-1]]
    axis.set_xticks(shown, [f"1/{1 / tick:.1f}" for tick in shown])
    axis.set_xlabel("spatial frequency (1/Å)")


def _draw_guinier(axis: Axes, quality: MapQuality) -> None:
    guinier = quality.guinier
    axis.plot(guinier.square, guinier.amplitude, ".", color=BLUE, markersize=4)
    axis.locator_params(axis="x", nbins=5)
    axis.set(xlabel="squared frequency (1/Å²)", ylabel="ln of the signal's amplitude")
    if guinier.fitted is not None and guinier.b_factor is not None:
        ends = 1 / np.square(guinier.fitted)
        axis.plot(ends, guinier.offset + guinier.b_factor / 4 * ends, color=ORANGE, linewidth=1.8)
        coarse, fine = guinier.fitted
        axis.set_title(f"Guinier: B = {guinier.b_factor:.0f} Å² from {coarse:.1f} to {fine:.1f} Å", fontsize=10)
    else:
        axis.set_title("Guinier: no line fitted", fontsize=10)
        axis.text(0.97, 0.95, _wrapped(guinier.refusal), transform=axis.transAxes, fontsize=8, ha="right", va="top",
                  color="0.25")  # fmt: skip
    if quality.b_factor is not None and quality.b_factor != guinier.b_factor:
        axis.set_title(f"{axis.get_title()}; given: {quality.b_factor:.0f} Å²", fontsize=10)


def _wrapped(text: str) -> str:
    import textwrap

    return textwrap.fill(text, 38)


def _draw_lower(figure: SubFigure, quality: MapQuality, pixel_size: float) -> None:
    """Local resolution in three sections, its histogram, and the views where they are known."""
    has_views = quality.coverage is not None
    widths = (6.3, 2.8, 4.4) if has_views else (6.3, 2.8)
    panels = figure.subfigures(1, len(widths), width_ratios=widths, squeeze=False)[0]
    _draw_local(panels[0], quality, pixel_size)
    _draw_histogram(panels[1].subplots(), quality)
    if quality.coverage is not None:
        _draw_views(panels[2].add_subplot(projection="mollweide"), quality.coverage)


def _draw_local(figure: SubFigure, quality: MapQuality, pixel_size: float) -> None:
    volume, local, mask = quality.local_map, quality.local.volume, quality.agreement.mask.volume
    top = max(float(np.quantile(volume[mask > 0.5], 0.995)) if (mask > 0.5).any() else 0.0, 1e-30)
    low, high = quality.local.quantiles[0], max(quality.local.quantiles[-1], quality.local.quantiles[0] + 0.1)
    along = voxel_places(volume, pixel_size)
    limits = mask_limits(mask > 0.5, along)
    middle = _middle(mask)
    axes = figure.subplots(1, 3)
    edge = along[0] - pixel_size / 2, along[-1] + pixel_size / 2
    for axis, (right, up, x, y, eye) in zip(axes, VIEWS):
        density, colour, inside = (np.take(grid, middle[eye], axis=2 - eye) for grid in (volume, local, mask))
        shade = (_PALEST + (1 - _PALEST) * np.clip(2 * density / top, 0, 1)) * (inside > 0.5)
        axis.imshow(density, cmap="gray_r", origin="lower", extent=edge * 2, vmin=0, vmax=top)
        drawn = axis.imshow(colour, cmap="viridis_r", origin="lower", extent=edge * 2, vmin=low, vmax=high, alpha=shade)
        axis.set(xlim=limits[x], ylim=limits[y], xticks=[], yticks=[])
        axis.set_title(f"{'xyz'[eye]} = {along[middle[eye]]:.0f} Å: {right} →, {up} ↑", fontsize=9)
    figure.colorbar(drawn, ax=axes, orientation="horizontal", shrink=0.7, label="local resolution (Å)")


def _middle(mask: np.ndarray) -> tuple[int, int, int]:
    """Voxel x, y, z in the middle of a mask; of the box where it is empty."""
    where = np.argwhere(mask > 0.5)
    z, y, x = np.median(where, axis=0).astype(int) if len(where) else [len(mask) // 2] * 3
    return int(x), int(y), int(z)


def _draw_histogram(axis: Axes, quality: MapQuality) -> None:
    values = quality.local.volume[quality.agreement.mask.volume > 0.5]
    axis.hist(values, bins=40, color=BLUE)
    median = quality.local.quantiles[2]
    axis.axvline(median, color=ORANGE, linewidth=1)
    axis.set_title(f"Local resolution: median {median:.1f} Å", fontsize=10)
    axis.set(xlabel="local resolution in the mask (Å)", yticks=[])
    axis.set_ylabel("voxels", fontsize=9)


def _draw_views(axis: Axes, coverage: OrientationCoverage) -> None:
    """Views by direction in the map's axes, against even ones."""
    from scipy.spatial import cKDTree

    longitude, latitude = np.radians(np.linspace(-180, 180, 181)), np.radians(np.linspace(-90, 90, 91))
    across, up = np.meshgrid((longitude[1:] + longitude[:-1]) / 2, (latitude[1:] + latitude[:-1]) / 2)
    points = np.stack([np.cos(up) * np.cos(across), np.cos(up) * np.sin(across), np.sin(up)], axis=-1)
    nearest = cKDTree(coverage.directions).query(points.reshape(-1, 3))[1].reshape(across.shape)
    top = max(2.0, float(np.quantile(coverage.views, 0.99)))
    drawn = axis.pcolormesh(longitude, latitude, coverage.views[nearest], cmap="viridis", vmin=0, vmax=top)
    axis.set(xticks=np.radians([-90, 0, 90]), yticks=np.radians([-45, 0, 45]))
    axis.set_xticklabels(["−y", "+x", "+y"], fontsize=8, color="white")
    axis.set_yticklabels(["−45°", "0°", "45°"], fontsize=8)
    seen = f"; {coverage.hardly_seen:.0%} of directions hardly seen" if coverage.hardly_seen > 0 else ""
    axis.set_title(f"Views: coverage (SCF) {coverage.scf:.2f} of 1{seen}", fontsize=10)
    axis.figure.colorbar(drawn, ax=axis, orientation="horizontal", shrink=0.7, label="views, times the even number")

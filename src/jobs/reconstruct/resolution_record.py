"""How good a reconstruction is, in numbers for its record and in sentences for its log."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ...engine.maps.fsc import THRESHOLD
from ...engine.maps.half_agreement import HalfAgreement, PairCurves
from ...engine.maps.local_resolution import QUANTILES, LocalResolution
from ...engine.maps.map_quality import MapQuality
from ...engine.maps.sharpening import Guinier


def quality_record(quality: MapQuality, twin_name: str) -> dict[str, Any]:
    """Numbers for a job's record; resolutions in Å at FSC 0.143, None where there is none."""
    agreement, coverage = quality.agreement, quality.coverage
    record: dict[str, Any] = resolutions(agreement.own, agreement.labels)
    if agreement.twin is not None:
        record[twin_name] = resolutions(agreement.twin, agreement.labels)
    record |= {
        "mask": agreement.mask.source,
        "warnings": list(agreement.mask.warnings),
        "phases_random_from": round(1 / agreement.own.random_from, 2),
        "b_factor": None if quality.b_factor is None else round(quality.b_factor, 1),
        "guinier": _guinier(quality.guinier),
        "local_resolution": local_record(quality.local),
        "coarsest_local_resolution": round(quality.local.coarsest, 2),
        "contour_level": quality.contour.level,
        "contour_encloses_kda": quality.contour.mass,
    }
    if coverage is not None:
        record["orientation"] = {"scf": coverage.scf, "hardly_seen": coverage.hardly_seen}
    return record


def local_record(local: LocalResolution) -> dict[str, float]:
    """Å below which the shares of the mask's voxels are that name them."""
    return {f"{share:g}": value for share, value in zip(QUANTILES, local.quantiles)}


def twin_line(own: LocalResolution, twin: LocalResolution, mask: np.ndarray, name: str) -> str:
    """By how many Å the local resolution is finer than the twin's, over the mask's voxels (N, N, N)."""
    gain = (twin.volume - own.volume)[mask > 0.5]
    shares = np.quantile(gain, (0.1, 0.5, 0.9)) if gain.size else np.zeros(3)
    low, middle, high = shares.round(1) + 0.0  # no -0.0
    return (f"Local resolution beside that of the {name} map: finer by {middle:.1f} Å at the median of the mask, from "
            f"{low:.1f} to {high:.1f} Å in eight tenths of it (below 0: coarser).")  # fmt: skip


def resolutions(curves: PairCurves, labels: tuple[int, ...]) -> dict[str, Any]:
    """Resolutions of one pair of half-maps, Å or None: without a mask, in the mask, and in each part."""
    return {
        f"resolution_{THRESHOLD}": curves.resolution,
        f"masked_resolution_{THRESHOLD}": curves.whole.resolution,
        f"part_resolution_{THRESHOLD}": {str(label): part.resolution for label, part in zip(labels, curves.parts)},
    }


def _guinier(guinier: Guinier) -> dict[str, Any]:
    if guinier.b_factor is None or guinier.fitted is None:
        return {"b_factor": None, "refused": guinier.refusal}
    return {"b_factor": round(guinier.b_factor, 1), "range": [round(value, 2) for value in guinier.fitted]}


def resolution_lines(quality: MapQuality, twin_name: str) -> Iterator[str]:
    """Sentences for a job's log, what is doubtful first."""
    agreement, local = quality.agreement, quality.local.quantiles
    for warning in agreement.mask.warnings:
        yield f"Warning: {warning}"
    twin = agreement.twin
    beside = f" ({twin_name}: {_reach(twin.whole.resolution)})" if twin is not None else ""
    yield (f"In the mask ({agreement.mask.source}), corrected by phase randomisation, they agree "
           f"{_reach(agreement.own.whole.resolution)}{beside}{_end_of_images(agreement)}.")  # fmt: skip
    for number, label in enumerate(agreement.labels):
        beside = f" ({twin_name}: {_reach(twin.parts[number].resolution)})" if twin is not None else ""
        yield f"In part {label}: {_reach(agreement.own.parts[number].resolution)}{beside}."
    yield from _sharpening(quality)
    yield (f"Local resolution: {local[0]:.1f} to {local[-1]:.1f} Å in eight tenths of the mask, median {local[2]:.1f} "
           f"Å{_coarsest(quality.local)}.")  # fmt: skip
    if quality.coverage is not None:
        scf, hidden = quality.coverage.scf, quality.coverage.hardly_seen
        words = f"; {hidden:.0%} of Fourier directions are hardly seen" if hidden > 0 else ""
        yield f"Orientation coverage (SCF): {scf:.2f} of 1{words}."


def _coarsest(local: LocalResolution) -> str:
    """Said where places of the mask have the coarsest resolution that is told, which stands for none too."""
    if local.quantiles[-1] < 0.99 * local.coarsest:
        return ""
    return f"; {local.coarsest:.1f} Å is the coarsest that a box of this size tells, and stands where nothing agrees"


def _end_of_images(agreement: HalfAgreement) -> str:
    """Said where the curve is above the threshold to its end: a larger box of the images may show more."""
    return " (as fine as these images go)" if agreement.own.whole.corrected.min() >= THRESHOLD else ""


def _sharpening(quality: MapQuality) -> Iterator[str]:
    guinier = quality.guinier
    if quality.b_factor is not None and quality.b_factor != guinier.b_factor:
        done = "Damped by the given B-factor, and not sharpened, as it is above 0" if quality.b_factor > 0 else \
            "Sharpened by the given B-factor"
        yield f"{done}, {quality.b_factor:.1f} Å²."
    elif guinier.fitted is not None:
        coarse, fine = guinier.fitted
        yield f"Sharpened by a B-factor of {guinier.b_factor:.1f} Å², fitted from {coarse:.1f} to {fine:.1f} Å."
    else:
        yield f"{guinier.refusal} There is no sharpened.mrc; give --b-factor to have one."


def _reach(value: float | None) -> str:
    return "nowhere" if value is None else f"to {value:.1f} Å"

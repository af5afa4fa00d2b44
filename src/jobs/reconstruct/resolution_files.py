"""What a reconstruction writes of how good it is: curves, sharpened and local maps, coverage, a folder to deposit."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...engine.maps.fsc import THRESHOLD
from ...engine.maps.half_agreement import HalfAgreement, PairCurves, measure_agreement
from ...engine.maps.half_pair import HalfPair
from ...mesh.map_files import write_map
from ...mesh.tetmesh import TetMesh
from ..job_folder import JobRun

FSC = "fsc.csv"
MASK = "fsc_mask.mrc"


@dataclass(frozen=True, eq=False)
class ResolutionRequest:
    """What is known beside two half-maps.

    mask : file of the mask that was given. mesh : whose mask and parts are used. labels : (p,) of its parts. b_factor :
    Å² that was given, negative to sharpen; fitted without. views : (n, 3, 3) rotations of all particles. weight : (n,)
    of each, all alike without. centre : (3,) Å xyz, where voxel N//2 lies. twin_name : what the twin is.
    """

    mask: Path | None = None
    mesh: TetMesh | None = None
    labels: tuple[int, ...] | None = None
    b_factor: float | None = None
    views: np.ndarray | None = None
    weight: np.ndarray | None = None
    centre: np.ndarray | None = None
    twin_name: str = "rigid"


def write_resolution(
    pair: HalfPair, request: ResolutionRequest, job: JobRun, twin: HalfPair | None = None
) -> dict[str, Any]:
    """Measure two half-maps, write all that follows from them into the job's folder; the numbers for its record."""
    agreement = measure_agreement(pair, request.mask, request.mesh, twin, job.seed, request.labels)
    for warning in agreement.mask.warnings:
        job.log(f"Warning: {warning}")
    with job.output(MASK) as path:
        write_map(path, agreement.mask.volume, pair.pixel_size, request.centre)
    write_fsc_table(agreement, request.twin_name, job)
    return agreement_record(agreement, request.twin_name)


def write_fsc_table(agreement: HalfAgreement, twin_name: str, job: JobRun) -> None:
    """fsc.csv: a line for each shell, a column for each curve."""
    columns = dict(_columns(agreement, twin_name))
    with job.output(FSC) as path, open(path, "w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["shell", "frequency (1/Å)", "resolution (Å)", *columns])
        for shell in range(1, len(agreement.frequency)):
            frequency = agreement.frequency[shell]
            curves = (f"{curve[shell]:.4f}" for curve in columns.values())
            table.writerow([shell, f"{frequency:.6f}", f"{1 / frequency:.3f}", *curves])


def _columns(agreement: HalfAgreement, twin_name: str) -> Iterator[tuple[str, np.ndarray]]:
    for name, curves in (("", agreement.own), (f"{twin_name} ", agreement.twin)):
        if curves is None:
            continue
        yield f"{name}fsc", curves.unmasked
        yield f"{name}masked", curves.whole.masked
        yield f"{name}phase-randomised", curves.whole.randomised
        yield f"{name}corrected", curves.whole.corrected
        for label, part in zip(agreement.labels, curves.parts):
            yield f"{name}part {label} corrected", part.corrected


def agreement_record(agreement: HalfAgreement, twin_name: str) -> dict[str, Any]:
    """Resolutions in Å at FSC 0.143, None where there is none, for a job's record."""
    record: dict[str, Any] = {"mask": agreement.mask.source, "warnings": list(agreement.mask.warnings)}
    record |= _resolutions(agreement.own, agreement.labels)
    if agreement.twin is not None:
        record[twin_name] = _resolutions(agreement.twin, agreement.labels)
    return record


def _resolutions(curves: PairCurves, labels: tuple[int, ...]) -> dict[str, Any]:
    return {
        f"resolution_{THRESHOLD}": curves.resolution,
        f"masked_resolution_{THRESHOLD}": curves.whole.resolution,
        f"part_resolutions_{THRESHOLD}": {str(label): part.resolution for label, part in zip(labels, curves.parts)},
    }

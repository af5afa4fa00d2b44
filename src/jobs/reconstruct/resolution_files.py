"""What a reconstruction writes of how good it is: curves, sharpened and local maps, coverage, a folder to deposit."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import numpy as np

from ...engine.maps.half_agreement import HalfAgreement, agreement_steps, measure_agreement
from ...engine.maps.half_pair import HalfPair
from ...engine.maps.local_resolution import LocalResolution, local_resolution
from ...engine.maps.map_quality import MapQuality, judge_maps
from ...engine.maps.orientation_coverage import orientation_coverage
from ...figures.resolution_figure import draw_resolution
from ...mesh.map_files import write_map
from ..job_folder import JobRun
from ..throttle import Throttled
from .deposition import Deposition, write_deposition
from .half_map_files import write_shells
from .reconstructed_files import LOCAL, LOCAL_MAP, MASK, SHARPENED, TWIN_LOCAL
from .resolution_record import local_record, quality_record, resolution_lines, twin_line
from .resolution_request import ResolutionRequest

FSC, FIGURE = "fsc.csv", "resolution.png"


def write_resolution(
    pair: HalfPair, request: ResolutionRequest, job: JobRun, twin: HalfPair | None = None
) -> dict[str, Any]:
    """Measure two half-maps, write all that follows from them into the job's folder; the numbers for its record.

    Written are fsc.csv, fsc_mask.mrc, local_resolution.mrc, local_sharpened.mrc, resolution.png, deposit/, and, where a
    B-factor was given or fitted, sharpened.mrc. A ``twin`` is measured beside the pair, in the same masks; its local
    resolution is rigid_local_resolution.mrc.
    """
    progress, steps = Throttled(job), agreement_steps(request.mesh, twin is not None)
    done = count(1)
    agreement = measure_agreement(pair, request.mask, request.mesh, twin, job.seed, request.labels,
                                  lambda: progress(next(done), steps, stage="resolution"))  # fmt: skip
    coverage = None if request.views is None else orientation_coverage(request.views, request.weight)
    quality = judge_maps(pair, agreement, request.b_factor, coverage,
                         lambda step, total: progress(step, total, stage="local resolution"))  # fmt: skip
    for line in resolution_lines(quality, request.twin_name):
        job.log(line)
    _write_maps(quality, pair.pixel_size, request.centre, job)
    write_fsc_table(agreement, request.twin_name, job)
    with job.output(FIGURE) as path:
        draw_resolution(path, quality, pair.pixel_size, request.twin_name)
    unsharpened = None if quality.sharpened is None else quality.unsharpened
    deposition = Deposition(pair, quality.primary, unsharpened, quality.b_factor, quality.contour, request.centre)
    write_deposition(deposition, agreement, job)
    record = quality_record(quality, request.twin_name)
    if twin is not None:
        local = _write_twin_local(twin, quality, request, job)
        record[request.twin_name]["local_resolution"] = local_record(local)
    return record


def _write_twin_local(twin: HalfPair, quality: MapQuality, request: ResolutionRequest, job: JobRun) -> LocalResolution:
    """The local resolution of the twin, in the pair's mask, as a map; logged is by how much the pair's is finer."""
    progress, mask = Throttled(job), quality.agreement.mask.volume
    stage = f"local resolution of the {request.twin_name} map"
    local = local_resolution(twin, mask, lambda step, total: progress(step, total, stage=stage))
    with job.output(TWIN_LOCAL) as path:
        write_map(path, local.volume, twin.pixel_size, request.centre)
    job.log(twin_line(quality.local, local, mask, request.twin_name))
    return local


def _write_maps(quality: MapQuality, pixel_size: float, centre: np.ndarray | None, job: JobRun) -> None:
    maps = {MASK: quality.agreement.mask.volume, LOCAL: quality.local.volume, LOCAL_MAP: quality.local_map}
    if quality.sharpened is not None:
        maps[SHARPENED] = quality.sharpened
    for name, volume in maps.items():
        with job.output(name) as path:
            write_map(path, volume, pixel_size, centre)


def write_fsc_table(agreement: HalfAgreement, twin_name: str, job: JobRun) -> None:
    """fsc.csv: a line for each shell, a column for each curve."""
    write_shells(FSC, agreement.frequency, dict(_columns(agreement, twin_name)), job)


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

"""Run a ``reconstruct`` job: half-maps of rigid particles by weighted back-projection, their FSC, and their mean."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np

from ...engine.maps.fsc import THRESHOLD
from ...engine.maps.half_pair import HalfPair
from ...engine.maps.reconstruction import Reconstruction, reconstruct
from ...engine.maps.solvent_mask import check_mask
from ...figures.reconstruct_figure import draw_reconstruction
from ...mesh.map_files import write_map
from ...mesh.storage import load_mesh
from ...particles.prepared import Prepared, load_prepared
from ..inputs import job_file
from ..job_folder import JobRun
from .reconstruct_halves import halves_of
from .reconstruct_parameters import MAP, ReconstructParameters
from .reconstruct_sums import forget_sums, sum_images
from .resolution_files import write_resolution
from .resolution_request import ResolutionRequest, part_labels


def run(parameters: ReconstructParameters, job: JobRun) -> None:
    """Write half1.mrc, half2.mrc, map.mrc, reconstruct.png, what `write_resolution` does, and reconstruct.json."""
    prepared = load_prepared(parameters.particles)
    request = _request(parameters, prepared)
    halves = halves_of(parameters, prepared, job)
    sums = sum_images(prepared, halves, job)
    if sums is None:
        return
    result = reconstruct(sums, prepared.pixel_size)
    counts = (len(halves[0]), len(halves[1]))
    job.log(_words(result, counts))
    _write(result, prepared.pixel_size, request.centre, job)
    with job.output("reconstruct.png") as path:
        draw_reconstruction(path, result, prepared.pixel_size, counts, parameters.selection)
    request = replace(request, views=prepared.particles.views(np.concatenate(halves)))
    quality = write_resolution(HalfPair(result.first, result.second, prepared.pixel_size), request, job)
    _write_record(parameters, quality, prepared, counts, job)
    forget_sums(job)


def _request(parameters: ReconstructParameters, prepared: Prepared) -> ResolutionRequest:
    """What is known beside the images; without a mesh, the maps lie where prep's consensus does.

    A mask or mesh that cannot be used is refused here, before the images are read.
    """
    request = ResolutionRequest(parameters.mask, b_factor=parameters.b_factor, centre=prepared.centre)
    if parameters.mesh is not None:
        file = job_file(parameters.mesh, "mesh.npz")
        mesh = load_mesh(file)
        request = replace(request, mesh=mesh, labels=part_labels(file, mesh), centre=mesh.centre)
    check_mask(request.mask, request.mesh, prepared.box, prepared.pixel_size)
    return request


def _words(result: Reconstruction, counts: tuple[int, int]) -> str:
    halves = f"half-maps of {counts[0]} and {counts[1]} particles"
    if result.resolution is None:
        return f"Warning: the {halves} agree nowhere (FSC {THRESHOLD}, no mask); take more particles."
    limit = " (as fine as these images go)" if result.fsc[1:].min() >= THRESHOLD else ""
    return (
        f"The {halves} agree to {result.resolution:.1f} Å{limit}: FSC {THRESHOLD}, no mask but the sphere in the box."
    )


def _write(result: Reconstruction, pixel_size: float, centre: np.ndarray | None, job: JobRun) -> None:
    for name, volume in (("half1.mrc", result.first), ("half2.mrc", result.second), (MAP, result.mean)):
        with job.output(name) as path:
            write_map(path, volume, pixel_size, centre)


def _write_record(
    parameters: ReconstructParameters, quality: dict[str, Any], prepared: Prepared, counts: tuple[int, int], job: JobRun
) -> None:
    record = {
        "box": prepared.box,
        "pixel_size": prepared.pixel_size,
        "particles": prepared.folder.name,
        "selection": parameters.selection,
        "halves": counts,
        **quality,
    }
    with job.output("reconstruct.json") as path:
        path.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

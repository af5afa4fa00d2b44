"""Run a ``reconstruct`` job: half-maps of rigid particles by weighted back-projection, their FSC, and their mean."""

from __future__ import annotations

import csv
import json

import numpy as np

from ...engine.maps.fsc import THRESHOLD
from ...engine.maps.reconstruction import Reconstruction, of_halves, reconstruct
from ...figures.reconstruct_figure import draw_reconstruction
from ...mesh.map_files import read_map, write_map
from ...mesh.storage import load_mesh
from ...particles.prepared import Prepared, load_prepared
from ..inputs import job_file
from ..job_folder import JobRun
from ..reports.write_report import report
from .moving_solver import MOVED, NAMES, RIGID, WORDS
from .reconstruct_halves import halves_of
from .reconstruct_moving import kinds_of, solve_moving
from .reconstruct_parameters import MAP, ReconstructParameters
from .reconstruct_sums import forget_sums, sum_images

MEANS = {MOVED: MAP, RIGID: "rigid_map.mrc"}


def run(parameters: ReconstructParameters, job: JobRun) -> None:
    """Write half1.mrc, half2.mrc, map.mrc, fsc.csv, reconstruct.png and reconstruct.json."""
    if parameters.model is None:
        reconstruct_rigid(parameters, job)
    else:
        reconstruct_moving(parameters, job)


def reconstruct_rigid(parameters: ReconstructParameters, job: JobRun) -> None:
    """The map of particles that are all one rigid body, by back-projection."""
    prepared = load_prepared(parameters.particles)
    centre = _centre(parameters, prepared)
    halves = halves_of(parameters, prepared, job)
    sums = sum_images(prepared, halves, job)
    if sums is None:
        return
    result = reconstruct(sums, prepared.pixel_size)
    counts = (len(halves[0]), len(halves[1]))
    job.log(_words(result, counts))
    _write(result, prepared.pixel_size, centre, job)
    with job.output("reconstruct.png") as path:
        draw_reconstruction(path, result, prepared.pixel_size, counts, parameters.selection)
    _write_record(parameters, result, prepared, counts, job)
    forget_sums(job)
    report(job, "reconstruct")


def reconstruct_moving(parameters: ReconstructParameters, job: JobRun) -> None:
    """The maps of particles whose motion is undone, and beside them those of the same particles at rest."""
    inputs = solve_moving(parameters, job)
    if inputs is None:
        return
    counts = (len(inputs.halves[0]), len(inputs.halves[1]))
    results = {kind: _solved(job, kind) for kind in kinds_of(parameters)}
    pixel_size = inputs.trained.model.pixel_size * inputs.trained.model.box / len(results[MOVED].first)
    for kind, result in results.items():
        job.log(f"{WORDS[kind].capitalize()}: {_words(result, counts)}")
        with job.output(MEANS[kind]) as path:
            write_map(path, result.mean, pixel_size, inputs.trained.model.centre)


def _solved(job: JobRun, kind: str) -> Reconstruction:
    """A pair of half-maps that was written, and their mean."""
    (first, pixel_size), (second, _) = (read_map(job.folder / name) for name in NAMES[kind])
    return of_halves(first, second, (first + second) / 2, pixel_size)


def _centre(parameters: ReconstructParameters, prepared: Prepared) -> np.ndarray | None:
    """Where the maps' voxel N//2 lies, (3,) Å xyz; None where neither mesh nor prep says."""
    return prepared.centre if parameters.mesh is None else load_mesh(job_file(parameters.mesh, "mesh.npz")).centre


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
    with job.output("fsc.csv") as path, open(path, "w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["shell", "frequency (1/Å)", "resolution (Å)", "fsc"])
        for shell in range(1, len(result.fsc)):
            frequency = result.frequency[shell]
            table.writerow([shell, f"{frequency:.6f}", f"{1 / frequency:.3f}", f"{result.fsc[shell]:.4f}"])


def _write_record(
    parameters: ReconstructParameters, result: Reconstruction, prepared: Prepared, counts: tuple[int, int], job: JobRun
) -> None:
    record = {
        "box": prepared.box,
        "pixel_size": prepared.pixel_size,
        "particles": prepared.folder.name,
        "selection": parameters.selection,
        "halves": counts,
        "resolution_0.143": result.resolution,
    }
    with job.output("reconstruct.json") as path:
        path.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

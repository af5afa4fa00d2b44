"""Run a ``reconstruct`` job: half-maps of rigid particles by weighted back-projection, their FSC, and their mean."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass

import numpy as np

from ..engine.backproject import fourier_shell_correlation, soft_ball, weigh_shells
from ..engine.fsc_weights import signal_share
from ..mesh.maps import write_map
from ..mesh.storage import load_mesh
from ..particles.prepared import Prepared, load_prepared
from .folder import JobRun
from .inputs import job_file
from .prep_check import resolution
from .reconstruct import MAP, ReconstructParameters
from .reconstruct_halves import halves_of
from .reconstruct_picture import draw_reconstruction
from .reconstruct_sums import Sums, forget_sums, sum_images

THRESHOLD = 0.143  # of the FSC of two halves (Rosenthal & Henderson 2003)


@dataclass(frozen=True)
class Reconstruction:
    """Maps ``(D, D, D)`` float32 [z, y, x] and what their halves agree on.

    first, second : of the halves of the particles, unfiltered. mean : of both, each shell weighted by the correlation
    to be expected with the true map. frequency : ``(D//2+1,)`` 1/Å. fsc : ``(D//2+1,)``; 1 at zero frequency.
    resolution : Å where the FSC falls below `THRESHOLD`; None where it is nowhere above.
    """

    first: np.ndarray
    second: np.ndarray
    mean: np.ndarray
    frequency: np.ndarray
    fsc: np.ndarray
    resolution: float | None


def run(parameters: ReconstructParameters, job: JobRun) -> None:
    """Write half1.mrc, half2.mrc, map.mrc, fsc.csv, reconstruct.png and reconstruct.json."""
    prepared = load_prepared(parameters.particles)
    centre = _centre(parameters, prepared)
    halves = halves_of(parameters, prepared, job)
    sums = sum_images(prepared, halves, job)
    if sums is None:
        return
    found = _maps(sums, prepared)
    counts = (len(halves[0]), len(halves[1]))
    job.log(_words(found, counts))
    _write(found, prepared.pixel_size, centre, job)
    with job.output("reconstruct.png") as path:
        draw_reconstruction(path, found, prepared.pixel_size, counts, parameters.selection)
    _write_record(parameters, found, prepared, counts, job)
    forget_sums(job)


def _centre(parameters: ReconstructParameters, prepared: Prepared) -> np.ndarray | None:
    """Where the maps' voxel N//2 lies, (3,) Å xyz; None where neither mesh nor prep says."""
    return prepared.centre if parameters.mesh is None else load_mesh(job_file(parameters.mesh, "mesh.npz")).centre


def _maps(sums: Sums, prepared: Prepared) -> Reconstruction:
    """The maps and their FSC. No image shows what lies outside the sphere that fits the box: it is zero in all maps."""
    box = prepared.box
    ball = soft_ball(box, box / 2 - 3)
    first, second = (one.map() * ball for one in sums)
    fsc = fourier_shell_correlation(first, second)
    fsc[0] = 1  # the mean density, of which prep has left nothing to compare
    frequency = np.arange(box // 2 + 1) / (box * prepared.pixel_size)
    mean = weigh_shells(sums[0].merged(sums[1]).map() * ball, np.sqrt(signal_share(fsc)))
    return Reconstruction(first, second, mean, frequency, fsc, resolution(frequency, fsc, THRESHOLD))


def _words(found: Reconstruction, counts: tuple[int, int]) -> str:
    halves = f"half-maps of {counts[0]} and {counts[1]} particles"
    if found.resolution is None:
        return f"Warning: the {halves} agree nowhere (FSC {THRESHOLD}, no mask); take more particles."
    limit = " (as fine as these images go)" if found.fsc[1:].min() >= THRESHOLD else ""
    return f"The {halves} agree to {found.resolution:.1f} Å{limit}: FSC {THRESHOLD}, no mask but the sphere in the box."


def _write(found: Reconstruction, pixel_size: float, centre: np.ndarray | None, job: JobRun) -> None:
    for name, volume in (("half1.mrc", found.first), ("half2.mrc", found.second), (MAP, found.mean)):
        with job.output(name) as path:
            write_map(path, volume, pixel_size, centre)
    with job.output("fsc.csv") as path, open(path, "w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["shell", "frequency (1/Å)", "resolution (Å)", "fsc"])
        for shell in range(1, len(found.fsc)):
            frequency = found.frequency[shell]
            table.writerow([shell, f"{frequency:.6f}", f"{1 / frequency:.3f}", f"{found.fsc[shell]:.4f}"])


def _write_record(
    parameters: ReconstructParameters, found: Reconstruction, prepared: Prepared, counts: tuple[int, int], job: JobRun
) -> None:
    record = {
        "box": prepared.box,
        "pixel_size": prepared.pixel_size,
        "particles": prepared.folder.name,
        "selection": parameters.selection,
        "halves": counts,
        "resolution_0.143": found.resolution,
    }
    with job.output("reconstruct.json") as path:
        path.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

"""The folder of a reconstruct job whose local resolution is known, written by the job's own last step."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from chimerax.flexrec.engine.maps.reconstruction import Reconstruction, of_halves
from chimerax.flexrec.jobs.job_folder import JobRun
from chimerax.flexrec.jobs.reconstruct.half_map_files import write_halves
from chimerax.flexrec.jobs.reconstruct.reconstructed_files import HALVES, TWIN_HALVES
from chimerax.flexrec.jobs.reconstruct.resolution_request import ResolutionRequest
from chimerax.flexrec.jobs.reconstruct.write_reconstruction import write_reconstruction
from reported_jobs import record
from simulated_halves import BOX, PIXEL, molecule, noise

CLEAR, BLURRED = 0.4, 1.0  # sigmas of the noise; of more, the windows of local resolution see it far off


def make_reconstruction(folder: Path, twin: bool = True, centre: np.ndarray | None = None) -> Path:
    """Maps as clear everywhere, and a rigid twin that is as clear where x < N/2, and noisier beyond."""
    record(folder, "reconstruct")
    job, request = JobRun(folder), ResolutionRequest(centre=centre)
    right = np.arange(BOX) >= BOX // 2
    own = _halves(np.full(BOX, CLEAR))
    rigid = _halves(np.where(right, BLURRED, CLEAR)) if twin else None
    write_halves(own, HALVES, PIXEL, centre, job)
    if rigid is not None:
        write_halves(rigid, TWIN_HALVES, PIXEL, centre, job)
    about = {"particles": "001-prep", "selection": None, "halves": (500, 500)}
    write_reconstruction(own, rigid, PIXEL, request, about, job)
    return folder


def _halves(sigma: np.ndarray) -> Reconstruction:
    """Half-maps whose noise depends on x, (N,) sigmas."""
    first, second = ((molecule() + sigma * noise(seed)).astype(np.float32) for seed in (100, 101))
    return of_halves(first, second, (first + second) / 2, PIXEL)

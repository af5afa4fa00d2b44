"""Run a ``reconstruct`` job: rigid or under motion."""

from __future__ import annotations

from ..job_folder import JobRun
from .reconstruct_moving import reconstruct_moving
from .reconstruct_parameters import ReconstructParameters
from .reconstruct_rigid import reconstruct_rigid


def run(parameters: ReconstructParameters, job: JobRun) -> None:
    """Write the half-maps, map.mrc, and what `write_reconstruction` does; under motion, the rigid twin's beside them.
    """
    if parameters.model is None:
        reconstruct_rigid(parameters, job)
    else:
        reconstruct_moving(parameters, job)

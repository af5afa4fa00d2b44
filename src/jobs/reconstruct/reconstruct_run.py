"""Run a ``reconstruct`` job: rigid, under motion, or of the particles about a state."""

from __future__ import annotations

from dataclasses import asdict

from ...errors import InputError
from ..job_folder import JobRun
from ..reports.write_report import report
from .reconstruct_moving import reconstruct_moving
from .reconstruct_parameters import RECONSTRUCT, ReconstructParameters
from .reconstruct_rigid import reconstruct_rigid
from .state_run import reconstruct_states


def run(parameters: ReconstructParameters, job: JobRun) -> None:
    """Write the half-maps, map.mrc, and what `write_reconstruction` does; under motion, the rigid twin's beside them.

    Of states, what `reconstruct_states` does. A report ends all others.
    """
    _refuse_unused(parameters)
    if parameters.at or parameters.path is not None:
        reconstruct_states(parameters, job)
    elif parameters.latents is not None:
        raise InputError("latents: says whose latents points are, and no point is given; give --at or --path.")
    elif (reconstruct_rigid if parameters.model is None else reconstruct_moving)(parameters, job):
        report(job, "reconstruct")


def _refuse_unused(parameters: ReconstructParameters) -> None:
    """``InputError`` where something was asked that would change a map whose motion is undone, and this one is none."""
    unused = RECONSTRUCT.unused(asdict(parameters))
    asked = {"box": parameters.box, "independent": parameters.independent, "refine_poses": parameters.refine_poses}
    for name, value in asked.items():
        if value and name in unused:
            kind = "without a model" if parameters.model is None else "for the map of a state"
            raise InputError(f"{name}: means nothing {kind}; leave it out.")

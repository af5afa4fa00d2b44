"""A reconstruction under motion: half-maps in motion and at rest, alone or in several processes, and their means."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ...explore.trained_model import open_trained
from ...particles.prefetch import threads_here
from ...particles.prepared import load_prepared
from ..job_folder import JobRun
from ..queue.slots import device_name
from ..train.train_run import choose_device
from ..train.train_team import processes_for, run_team
from .full_images import open_full_images
from .moving_solver import MOVED, NAMES, RIGID, Inputs, MovingSolver
from .reconstruct_halves import halves_of
from .reconstruct_motion import check_model
from .reconstruct_parameters import ReconstructParameters

if TYPE_CHECKING:
    from ...engine.training.batches import ParticleImages
    from ...engine.training.team import Team

STOPPED = "Stopped; resume goes on from the last whole pass."


def solve_moving(parameters: ReconstructParameters, job: JobRun) -> Inputs | None:
    """Write the half-maps; None where the job was asked to stop.

    ``InputError`` where particles, model and selection do not belong together, or recorded images are gone.
    """
    from ...engine.training.trainer import Interrupted

    inputs, images = _read(parameters, job)
    job.log(f"{sum(map(len, inputs.halves))} particles in {images.box} pixels of {images.pixel_size:.3g} Å, moved by "
            f"{inputs.trained.folder.name}.")  # fmt: skip
    device = choose_device(device_name(parameters.device))
    count = processes_for(len(images)) if device == "cpu" else 1
    try:
        if count > 1:
            run_team((device,) * count, job, threads_each=threads_here() // count)
        else:
            job.on_device(device)
            _solve(parameters, job, device, inputs, images)
    except Interrupted:
        pass
    if all((job.folder / name).is_file() for kind in kinds_of(parameters) for name in NAMES[kind]):
        return inputs
    job.log(STOPPED)
    return None


def kinds_of(parameters: ReconstructParameters) -> tuple[str, ...]:
    """What is solved."""
    return (MOVED, RIGID) if parameters.twin else (MOVED,)


def solve_in_team(parameters: ReconstructParameters, job: JobRun, device: str) -> None:
    """Solve as one of the processes that torchrun has started."""
    from ...engine.training.team import join_team
    from ...engine.training.trainer import Interrupted

    inputs, images = _read(parameters, job)
    team = join_team(device)
    try:
        _solve(parameters, job, device, inputs, images, team)
    except Interrupted:
        os._exit(0)  # without a farewell to the others, who hear of it as well: what the last pass found is kept
    team.leave()


def _read(parameters: ReconstructParameters, job: JobRun) -> tuple[Inputs, ParticleImages]:
    assert parameters.model is not None
    prepared, trained = load_prepared(parameters.particles), open_trained(parameters.model)
    check_model(trained, prepared)
    inputs = Inputs(prepared, trained, halves_of(parameters, prepared, job), parameters.refine_poses)
    return inputs, open_full_images(trained, prepared, parameters.box, job)


def _solve(
    parameters: ReconstructParameters, job: JobRun, device: str, inputs: Inputs, images: ParticleImages,
    team: Team | None = None,
) -> None:  # fmt: skip
    solver = MovingSolver(inputs, images, job, device, team)
    for kind in kinds_of(parameters):
        solver.solve(kind)

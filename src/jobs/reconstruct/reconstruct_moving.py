"""A reconstruction under motion: half-maps in motion and at rest, alone or in several processes, and their means."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import numpy as np

from ...engine.maps.reconstruction import Reconstruction, of_halves
from ...engine.maps.solvent_mask import check_mask
from ...errors import InputError
from ...explore.trained_model import Trained, open_trained
from ...mesh.map_files import read_map
from ...particles.prefetch import threads_here
from ...particles.prepared import Prepared, load_prepared
from ..inputs import job_file
from ..job_folder import JobRun
from ..part_labels import labels_of_training
from ..queue.slots import device_name
from ..train.train_run import choose_device
from ..train.train_team import processes_for, run_team
from .full_images import open_full_images
from .moving_solver import MOVED, NAMES, RIGID, SOLVED, Inputs, MovingSolver, forget_others
from .reconstruct_halves import FEWEST, halves_of
from .reconstruct_motion import check_model, counted_rows, half_models
from .reconstruct_parameters import ReconstructParameters
from .resolution_request import ResolutionRequest
from .write_reconstruction import write_reconstruction

if TYPE_CHECKING:
    from ...engine.training.batches import ParticleImages
    from ...engine.training.team import Team

STOPPED = "Stopped; resume goes on from the last whole pass."


def reconstruct_moving(parameters: ReconstructParameters, job: JobRun) -> bool:
    """The maps of particles whose motion is undone, and beside them those of the same particles at rest.

    False where the job was asked to stop.
    """
    inputs = solve_moving(parameters, job)
    if inputs is None:
        return False
    moved, pixel_size = _solved(job, MOVED)
    rigid = _solved(job, RIGID)[0] if parameters.twin else None
    weight = np.concatenate([model.probability[half] for model, half in zip(inputs.models, inputs.halves)])
    mesh, rows = inputs.models[0].model.moving_points.mesh, np.concatenate(inputs.halves)
    request = ResolutionRequest(
        parameters.mask, mesh, _labels(parameters, mesh.parts), parameters.b_factor,
        inputs.prepared.particles.views(rows), weight, inputs.models[0].model.centre,
    )  # fmt: skip
    record = {"particles": inputs.prepared.folder.name, "selection": parameters.selection,
              "halves": (len(inputs.halves[0]), len(inputs.halves[1])), "model": inputs.name,
              "independent": inputs.independent,
              "poses_refined": parameters.refine_poses, "warnings": _unfinished(inputs),
              "solved": {kind: _solution_numbers(job, kind) for kind in kinds_of(parameters)}}  # fmt: skip
    write_reconstruction(moved, rigid, pixel_size, request, record, job)
    return True


def _labels(parameters: ReconstructParameters, parts: int) -> tuple[int, ...]:
    """The names of the parts of the mesh that the model was trained with."""
    assert parameters.model is not None
    return labels_of_training(job_file(parameters.model, "model.json").parent, parts)


def _unfinished(inputs: Inputs) -> list[str]:
    """A warning where the training is not at its end."""
    model = inputs.models[0].model
    if model.epoch == model.epochs:
        return []
    return [f"{inputs.name} is not finished: its motion is that {model.progress}. Reconstruct again when it is done."]


def _solved(job: JobRun, kind: str) -> tuple[Reconstruction, float]:
    """A pair of half-maps that was written, and their pixel size."""
    (first, pixel_size), (second, _) = (read_map(job.folder / name) for name in NAMES[kind])
    return of_halves(first, second, (first + second) / 2, pixel_size), pixel_size


def _solution_numbers(job: JobRun, kind: str) -> dict[str, float]:
    """Passes over the images, and nats of an image of the other half that each half-map explains."""
    record = json.loads((job.folder / SOLVED[kind]).read_text(encoding="utf-8"))
    return {name: record[name] for name in ("passes", "explained")}


def solve_moving(parameters: ReconstructParameters, job: JobRun) -> Inputs | None:
    """Write the half-maps; None where the job was asked to stop.

    ``InputError`` where particles, model and selection do not belong together, or recorded images are gone.
    """
    from ...engine.training.trainer import Interrupted

    inputs, images = _read(parameters, job)
    if inputs.left_out:
        job.log(f"{inputs.left_out} particles whose latents are no numbers, or that are no particles by their "
                "probability, are left out.")  # fmt: skip
    whose = "by the model of its half" if inputs.independent else f"by {inputs.models[0].folder.name}"
    job.log(f"{sum(map(len, inputs.halves))} particles in {images.box} pixels of {images.pixel_size:.3g} Å, each moved "
            f"{whose}.")  # fmt: skip
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
    """Solve as one of the processes of a team."""
    from ...engine.training.team import join_team
    from ...engine.training.trainer import Interrupted

    team = join_team(device)
    inputs, images = _read_alike(parameters, job, team)
    try:
        _solve(parameters, job, device, inputs, images, team)
    except Interrupted:
        os._exit(0)  # without leaving the group, for the others stop as well: what the last pass found is kept
    team.leave()


def _read_alike(parameters: ReconstructParameters, job: JobRun, team: Team) -> tuple[Inputs, ParticleImages]:
    """What all processes have read of one and the same pass of a training, which may go on meanwhile."""
    while True:
        inputs, images = _read(parameters, job)
        number = int(inputs.identity[:12], 16)
        if team.least(number) == -team.least(-number):
            return inputs, images


def _read(parameters: ReconstructParameters, job: JobRun) -> tuple[Inputs, ParticleImages]:
    assert parameters.model is not None
    prepared, trained = load_prepared(parameters.particles), open_trained(parameters.model)
    check_model(trained, prepared)
    check_mask(parameters.mask, trained.model.moving_points.mesh, prepared.box, prepared.pixel_size)
    return _inputs(parameters, prepared, trained, job), open_full_images(trained, prepared, parameters.box, job)


def _inputs(parameters: ReconstructParameters, prepared: Prepared, trained: Trained, job: JobRun) -> Inputs:
    """Halves as they are, and the models of each."""
    models = half_models(trained) if parameters.independent else (trained, trained)
    halves = halves_of(parameters, prepared, job)
    chosen = np.concatenate(halves)
    candidates = (chosen, chosen) if parameters.independent else halves
    own = [np.intersect1d(rows, counted_rows(model)) for rows, model in zip(candidates, models)]
    if min(map(len, own)) < FEWEST:
        what = "independent: of" if parameters.independent else "model: of"
        raise InputError(f"{what} the {len(chosen)} particles, {len(own[0])} and {len(own[1])} of the halves have "
                         f"latents and a probability above zero in {trained.folder.name}, and {FEWEST} are needed in "
                         "each; take more, or train again.")  # fmt: skip
    lost = 0 if parameters.independent else len(chosen) - sum(map(len, own))
    return Inputs(prepared, (own[0], own[1]), models, trained, parameters.refine_poses, lost)


def _solve(
    parameters: ReconstructParameters, job: JobRun, device: str, inputs: Inputs, images: ParticleImages,
    team: Team | None = None,
) -> None:  # fmt: skip
    if team is None or team.leads:
        forget_others(inputs, job)
    if team is not None:
        team.wait()
    solver = MovingSolver(inputs, images, job, device, team)
    for kind in kinds_of(parameters):
        solver.solve(kind)

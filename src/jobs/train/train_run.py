"""The ``train`` job: what it does."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import fields
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from ...errors import InputError
from ...mesh.tetmesh import TetMesh
from ...particles.prefetch import processes_here, threads_here
from ...particles.prepared import Prepared, load_prepared
from ..declare import refuse_without_use
from ..inputs import job_file
from ..job_folder import JobRun
from ..part_labels import labelled_mesh
from ..queue.slots import device_name
from ..reports.training_facts import TrainingFacts
from ..reports.write_report import report
from .given_latents import given_latents
from .train_halves import check_halves, train_halves
from .train_images import ready_images
from .train_model import MESH_FILE, STOPPED, Inputs, train_model
from .train_moving import with_what_moves
from .train_parameters import TRAIN, CommonParameters
from .train_parts import check_parts, chosen_parts, without_use

if TYPE_CHECKING:
    from ...engine.training.team import Team

FEWEST = 8  # images: with fewer, parts of them that are compared with one another are empty


def run(parameters: CommonParameters, job: JobRun) -> None:
    """Train, or go on training, and write the model after every pass."""
    from ...engine.training.trainer import Interrupted
    from .train_team import nodes_here, processes_for, run_team

    # a mistake is one sentence here, and a heap of tracebacks from several processes
    inputs = read_inputs(parameters, job.log)
    if parameters.halves:
        check_halves(parameters, inputs[0].particles, job)
    particles = inputs[0].particles
    devices = choose_devices(parameters.devices)
    if not devices:
        device = choose_device(parameters.device)
        devices = (device,) * (processes_for(len(particles), parameters.in_memory) if device == "cpu" else 1)
    if len(devices) * nodes_here() > 1:
        try:
            ready_images(parameters, particles, len(devices), job)
        except Interrupted:
            job.log(STOPPED)
            return
        run_team(devices, job, threads_each=None if parameters.devices else threads_here() // len(devices))
    else:
        job.on_device(device := choose_device(devices[0]))
        train(parameters, job, device, inputs=inputs)
    if TrainingFacts(job.folder).finished:
        report(job, "train")


def train_in_team(parameters: CommonParameters, job: JobRun, device: str) -> None:
    """Train as one of the processes of a team."""
    from ...engine.training.team import join_team

    # before the others are met: copying may take longer than a meeting waits
    ready_images(parameters, load_prepared(parameters.particles).particles, processes_here())
    team = join_team(device)
    train(parameters, job, device, team)
    team.leave()


def train(
    parameters: CommonParameters, job: JobRun, device: str, team: Team | None = None, inputs: Inputs | None = None
) -> None:
    """Train on one device, alone or as one of a team, of which the leader writes; ``inputs`` where they are read."""
    inputs = inputs or read_inputs(parameters)
    fit = partial(train_model, parameters, device=device, team=team)
    if fit(job, inputs) is not None and parameters.halves:
        train_halves(parameters, job, inputs, fit, team)


def read_inputs(parameters: CommonParameters, say: Callable[[str], object] | None = None) -> Inputs:
    """Particles, mesh and latents to begin with; ``InputError`` where they do not belong together."""
    check_parts(parameters)
    refuse_without_use(TRAIN, parameters, without_use(vars(parameters)))
    prepared = load_prepared(parameters.particles)
    if len(prepared.particles) < FEWEST:
        raise InputError(
            f"particles: {len(prepared.particles)} images are too few to train on, {FEWEST} are the least, and a "
            "motion needs thousands; give more particles."
        )
    mesh = labelled_mesh(job_file(parameters.mesh, MESH_FILE))
    check_fit(prepared, mesh)
    check_encoder_box(vars(parameters)["encoder_box"], prepared)
    mesh = with_what_moves(mesh, parameters.moving, prepared)
    return prepared, mesh, initial_latents(parameters, prepared, say)


def check_fit(prepared: Prepared, mesh: TetMesh) -> None:
    """``InputError`` where the mesh is larger than the images' field of view."""
    half = prepared.box * prepared.pixel_size / 2
    inside = np.argwhere(mesh.voxel_cell >= 0)[:, ::-1]
    reach = np.abs((inside - mesh.voxel_cell.shape[0] // 2) * mesh.pixel_size).max()
    if reach > half + 1.5 * mesh.pixel_size:
        raise InputError(
            f"mesh: it reaches {reach:.0f} Å from the centre, but the images show only {half:.0f} Å ({prepared.box} "
            f"pixels of {prepared.pixel_size:.3g} Å); check the pixel size of the consensus, or run prep with a larger "
            "--crop."
        )


def check_encoder_box(box: int | None, prepared: Prepared) -> None:
    """``InputError`` where the encoder cannot see images of that many pixels."""
    if box is not None and (box > prepared.box or box % 2):
        raise InputError(f"encoder_box: is {box}, but must be even and no more than the {prepared.box} pixels of the "
                         "prepared images.")  # fmt: skip


def initial_latents(
    parameters: CommonParameters, prepared: Prepared, say: Callable[[str], object] | None = None
) -> np.ndarray | None:  # fmt: skip
    """Latents ``(n, k)`` to begin with, or None; ``say`` is told how they were matched."""
    values = vars(parameters)
    path = values["initial_latents"]
    if not _starts_from_latents(parameters):
        return None
    count = len(prepared.particles)
    given = given_latents(path, prepared)
    if given.z.shape != (count, parameters.latent_dims):
        raise InputError(
            f"{path}: array z is {' x '.join(map(str, given.z.shape))}, but {count} particles in "
            f"{parameters.latent_dims} latent dimensions are wanted; give latents of these particles, and "
            "--latent-dims to match."
        )
    if values["freeze_latents"] and not given.partner.all():
        raise InputError(f"freeze_latents: {np.count_nonzero(~given.partner)} of the {count} particles have no latents "
                         f"in {path}; leave it out, or prep the others alone.")  # fmt: skip
    if say is not None:
        say(given.sentence(path))
    return given.z


def _starts_from_latents(parameters: CommonParameters) -> bool:
    """Whether latents are given to begin with; ``InputError`` where they are missing, or given to no purpose."""
    decoder, values = chosen_parts(vars(parameters))[0], vars(parameters)
    given, asked = values["initial_latents"] is not None, "--initial-latents"
    if any(each.name == "start" for each in fields(decoder.parameters)):
        asked = "--start latents and --initial-latents"
        if values["start"] == "latents" and not given:
            raise InputError("initial_latents: --start latents needs them; give a train job, another program's folder, "
                             "or an .npz with an array z.")  # fmt: skip
        if values["start"] != "latents" and given:
            raise InputError("initial_latents: is given but --start is not latents; say --start latents to use it.")
    if values["freeze_latents"] and not given:
        raise InputError(f"freeze_latents: needs latents to keep; give {asked}.")
    return given


def choose_devices(words: tuple[str, ...]) -> tuple[str, ...]:
    """Those of several processes, checked: GPUs, each once, or processors; ``0`` is ``cuda:0``."""
    names = tuple(device_name(word) for word in words)
    if len(names) < 2:
        return names
    kinds = {name.partition(":")[0] for name in names}
    if len(kinds) > 1 or not kinds <= {"cpu", "cuda"}:
        raise InputError(f"devices: {','.join(words)} cannot share the images; give GPUs, as 0,1, or cpu,cpu.")
    twice = next((name for name in names if names.count(name) > 1), "") if kinds == {"cuda"} else ""
    if twice:
        raise InputError(f"devices: {twice} is named twice; give every GPU once.")
    for name in dict.fromkeys(names):
        choose_device(name)  # or why it cannot be used here
    return names


def choose_device(name: str) -> str:
    """``auto`` resolved, and anything else checked; ``1`` is ``cuda:1``."""
    if name.startswith("mps"):
        os.environ.setdefault("PYTORCH_ENABLE_MPS_FALLBACK", "1")  # small solvers that Apple's GPUs lack: on the CPU
    import torch

    name = device_name(name)
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.zeros(1, device=name).item()  # the meta device has no values to give
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0].partition(". ")[0]  # torch goes on with a list of all that it knows
        reason = "there is no such kind" if reason.startswith("Expected one of") else reason  # its own list of kinds
        raise InputError(f"device: {name} cannot be used here ({reason}); say cpu, or auto.") from error
    return name

"""The ``train`` job: what it does."""

from __future__ import annotations

import os
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...engine.latents.table_parameters import TableParameters
from ...errors import InputError
from ...mesh.storage import load_mesh
from ...mesh.tetmesh import TetMesh
from ...particles.prefetch import processes_here, threads_here
from ...particles.prepared import Prepared, load_prepared
from ..inputs import job_file
from ..job_folder import JobRun
from ..queue.slots import device_name
from ..reports.training_facts import TrainingFacts
from ..reports.write_report import report
from .train_halves import check_halves, train_halves
from .train_images import ready_images
from .train_model import MESH_FILE, STOPPED, Inputs, train_model
from .train_moving import with_what_moves
from .train_parameters import CommonParameters
from .train_parts import SOURCES, check_parts, chosen_parts

if TYPE_CHECKING:
    from ...engine.training.team import Team



def run(parameters: CommonParameters, job: JobRun) -> None:
    """Train, or go on training, and write the model after every pass."""
    from ...engine.training.trainer import Interrupted
    from .train_team import nodes_here, processes_for, run_team

    # a mistake is one sentence here, and a heap of tracebacks from several processes
    inputs = read_inputs(parameters)
    if parameters.halves:
        check_halves(parameters, inputs[0].particles, job)
    particles = inputs[0].particles
    devices = tuple(device_name(word) for word in parameters.devices)
    if not devices:
        device = choose_device(device_name(parameters.device))
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
    """Train as one of the processes that torchrun has started."""
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


def read_inputs(parameters: CommonParameters) -> Inputs:
    """Particles, mesh and latents to begin with; ``InputError`` where they do not belong together."""
    check_parts(parameters)
    prepared = load_prepared(parameters.particles)
    mesh = load_mesh(job_file(parameters.mesh, MESH_FILE))
    check_fit(prepared, mesh)
    mesh = with_what_moves(mesh, parameters.moving, prepared)
    return prepared, mesh, initial_latents(parameters, len(prepared.particles))


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


def initial_latents(parameters: CommonParameters, count: int) -> np.ndarray | None:
    """Latents ``(n, k)`` to begin with, or None."""
    table: TableParameters = SOURCES["table"].settings(parameters)
    if not _starts_from_latents(parameters, table) or table.initial_latents is None:
        return None
    path = job_file(table.initial_latents, "latents.npz")
    z = read_latents(path)
    if z.shape != (count, parameters.latent_dims):
        raise InputError(
            f"{path}: array z is {' x '.join(map(str, z.shape))}, but {count} particles in {parameters.latent_dims} "
            "latent dimensions are wanted; give latents of these particles, and --latent-dims to match."
        )
    return z


def _starts_from_latents(parameters: CommonParameters, table: TableParameters) -> bool:
    """Whether latents are given to begin with; ``InputError`` where they are missing, or given to no purpose."""
    decoder, values = chosen_parts(vars(parameters))[0], vars(parameters)
    given, asked = table.initial_latents is not None, "--initial-latents"
    if any(each.name == "start" for each in fields(decoder.parameters)):
        asked = "--start latents and --initial-latents"
        if values["start"] == "latents" and not given:
            raise InputError("initial_latents: --start latents needs them; give a train job or an .npz with an array "
                             "z.")  # fmt: skip
        if values["start"] != "latents" and given:
            raise InputError("initial_latents: is given but --start is not latents; say --start latents to use it.")
    if table.freeze_latents and not given:
        raise InputError(f"freeze_latents: needs latents to keep; give {asked}.")
    return given


def read_latents(path: Path) -> np.ndarray:
    """Array ``z`` ``(n, k)`` of an .npz file."""
    try:
        with np.load(path, allow_pickle=False) as file:
            z = np.asarray(file["z"], np.float32)
    except (OSError, KeyError, ValueError, EOFError, AttributeError) as error:
        raise InputError(f"{path}: has no array z; write it with numpy.savez(path, z=…).") from error
    z = z[:, None] if z.ndim == 1 else z
    if z.ndim != 2 or not np.isfinite(z).all():
        raise InputError(f"{path}: array z must be particles x dimensions of finite numbers.")
    return z


def choose_device(name: str) -> str:
    """``auto`` resolved, and anything else checked."""
    if name.startswith("mps"):
        os.environ.setdefault("PYTORCH_ENABLE_MPS_FALLBACK", "1")  # small solvers that Apple's GPUs lack: on the CPU
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.zeros(1, device=name).item()  # the meta device has no values to give
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"device: {name} cannot be used here ({reason}); say cpu, or auto.") from error
    return name

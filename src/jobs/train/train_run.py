"""The ``train`` job: what it does."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...engine.decoders.flow.flow_parameters import FlowParameters
from ...engine.latents.table_parameters import TableParameters
from ...errors import InputError, is_out_of_memory
from ...mesh.storage import load_mesh, save_mesh
from ...mesh.tetmesh import TetMesh
from ...particles.prefetch import processes_here, threads_here
from ...particles.prepared import Prepared, load_prepared
from ..inputs import job_file
from ..job_folder import JobRun
from ..mesh.mesh_again import mesh_again
from ..queue.slots import device_name
from ..reports.training_facts import TrainingFacts
from ..reports.write_report import report
from ..throttle import Throttled
from .train_figures import draw_training
from .train_images import open_images, ready_images
from .train_memory import images_at_once, lower, settle
from .train_moving import told_moving, with_what_moves
from .train_parameters import CommonParameters
from .train_particles import write_particles
from .train_parts import DECODERS, SOURCES, check_parts, chosen_parts

if TYPE_CHECKING:
    from ...engine.training.stage import Stage
    from ...engine.training.team import Team
    from ...engine.training.trainer import Settings

Inputs = tuple[Prepared, TetMesh, np.ndarray | None]
MESH_FILE = "mesh.npz"
STOPPED = "Stopped; resume goes on from the last whole pass."


def run(parameters: CommonParameters, job: JobRun) -> None:
    """Train, or go on training, and write the model after every pass."""
    from ...engine.training.trainer import Interrupted
    from .train_team import nodes_here, processes_for, run_team

    # a mistake is one sentence here, and a heap of tracebacks from several processes
    inputs = read_inputs(parameters)
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
    from ...engine.training.checkpoint import RESUME, load_resume, save_model, save_resume
    from ...engine.training.memory import release_memory
    from ...engine.training.trainer import Interrupted, Trainer
    from ...engine.training.training_loop import Training, run_training

    prepared, mesh, latents = inputs or read_inputs(parameters)
    leads, checkpoint = team is None or team.leads, job.folder / RESUME
    where = os.path.relpath(prepared.folder, job.folder)
    decoder_part, source_part = chosen_parts(vars(parameters))
    decoder = decoder_part.make(parameters)
    if decoder.keeps_mesh and checkpoint.is_file():
        mesh = load_mesh(job.folder / MESH_FILE)  # which may be another than it began with
    try:
        images = open_images(parameters, prepared, job if leads else None, team is not None)
    except Interrupted:
        job.log(STOPPED)
        return

    def remake(soft: TetMesh, volume: np.ndarray, pixel_size: float) -> TetMesh:
        if leads:
            with job.output(MESH_FILE) as path:
                again = mesh_again(parameters.mesh, soft, volume, pixel_size, job.log)
                save_mesh(path, with_what_moves(again, parameters.moving, prepared))
        trainer.team.wait()
        return load_mesh(job.folder / MESH_FILE)

    trainer = Trainer(
        images,
        mesh,
        settings_of(parameters),
        decoder.rungs(prepared.box, prepared.pixel_size, len(prepared.particles), parameters.latent_dims,
                      parameters.epochs, parameters.band, parameters.batch_size),
        seed=job.seed,
        device=device,
        log=job.log if leads else _silent,
        progress=Throttled(job) if leads else _silent,
        stop=job.stop_requested,
        team=team,
        remake=remake,
    )
    if mesh.free is not None:
        trainer.log(told_moving(mesh))

    def save(training: Training, stage: Stage) -> None:
        if not leads:
            return
        save_model(job.output, trainer, training, stage, where)
        save_resume(job.output, trainer, training)
        job.log(training.decoder.summary(training.history[-1]))
        draw_training(job)
        if training.epoch == trainer.epochs:
            write_particles(job, prepared, trainer)

    def attempt() -> bool:
        """Go on from the newest checkpoint to the end; False where memory ran out and less of it may do."""
        try:
            training = Training(decoder_part.make(parameters), source_part.make(parameters, latents))
            if checkpoint.is_file():
                load_resume(checkpoint, trainer, training)
                trainer.log(f"Going on after pass {training.epoch} of {trainer.epochs}.")
            else:
                training.begin(trainer)
            settle(job, trainer, training)
            run_training(trainer, training, save)
            return True
        except Exception as error:
            if not (is_out_of_memory(error) and lower(job, trainer)):
                raise
            if trainer.team.size > 1:  # the others wait for this one: all begin again
                raise SystemExit(1) from None
            return False

    if leads and decoder.keeps_mesh and not checkpoint.is_file():
        with job.output(MESH_FILE) as path:
            save_mesh(path, mesh)
    trainer.at_once = images_at_once(job) or trainer.at_once
    try:
        while not attempt():
            release_memory()
    except Interrupted:
        trainer.log(STOPPED)


def read_inputs(parameters: CommonParameters) -> Inputs:
    """Particles, mesh and latents to begin with; ``InputError`` where they do not belong together."""
    check_parts(parameters)
    prepared = load_prepared(parameters.particles)
    mesh = load_mesh(job_file(parameters.mesh, MESH_FILE))
    check_fit(prepared, mesh)
    mesh = with_what_moves(mesh, parameters.moving, prepared)
    return prepared, mesh, initial_latents(parameters, len(prepared.particles))


def _silent(*values: object, **named: object) -> None:
    """What a process that does not lead says."""


def settings_of(parameters: CommonParameters) -> Settings:
    """The engine's settings, which have the parameters' names."""
    from dataclasses import fields

    from ...engine.training.trainer import Settings

    named = {field.name for field in fields(Settings)} & {field.name for field in fields(parameters)}
    return Settings(**{name: getattr(parameters, name) for name in named})


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
    flow: FlowParameters = DECODERS["flow"].settings(parameters)
    table: TableParameters = SOURCES["table"].settings(parameters)
    if flow.start != "latents":
        if table.initial_latents is not None:
            raise InputError("initial_latents: is given but --start is not latents; say --start latents to use it.")
        if table.freeze_latents:
            raise InputError("freeze_latents: needs latents to keep; give --start latents and --initial-latents.")
        return None
    if table.initial_latents is None:
        raise InputError("initial_latents: --start latents needs them; give a train job or an .npz with an array z.")
    path = job_file(table.initial_latents, "latents.npz")
    z = read_latents(path)
    if z.shape != (count, parameters.latent_dims):
        raise InputError(
            f"{path}: array z is {' x '.join(map(str, z.shape))}, but {count} particles in {parameters.latent_dims} "
            "latent dimensions are wanted; give latents of these particles, and --latent-dims to match."
        )
    return z


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

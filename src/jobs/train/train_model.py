"""A model trained and written: of all prepared particles, or of some of them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import is_out_of_memory
from ...mesh.storage import load_mesh, save_mesh
from ...mesh.tetmesh import TetMesh
from ...particles.prepared import Prepared
from ..job_folder import JobRun
from ..mesh.mesh_again import mesh_again
from ..part_run import whole_of
from ..throttle import Throttled
from .keep_latents import keep_latents
from .train_figures import PassFigures
from .train_images import open_images
from .train_memory import images_at_once, lower, set_images_at_once
from .train_moving import moving_summary, with_what_moves
from .train_parameters import CommonParameters
from .train_particles import select_junk, write_particles
from .train_parts import chosen_parts

if TYPE_CHECKING:
    from ...engine.decoders.decoder import Decoder
    from ...engine.training.batches import ParticleImages
    from ...engine.training.checkpoint import Subset
    from ...engine.training.stage import Stage
    from ...engine.training.team import Team
    from ...engine.training.trainer import Settings, Trainer
    from ...engine.training.training_loop import Training

Inputs = tuple[Prepared, TetMesh, np.ndarray | None]  # particles, mesh, and latents to begin with
MESH_FILE = "mesh.npz"
STOPPED = "Stopped; resume goes on from the last whole pass."


def train_model(
    parameters: CommonParameters, job: JobRun, inputs: Inputs, subset: Subset | None = None, *, device: str,
    team: Team | None = None,
) -> tuple[Trainer, Training] | None:  # fmt: skip
    """Train a model on one device, alone or as one of a team, of which the leader writes; None where it was stopped.

    ``subset`` says which of prep's particles ``inputs`` have, if not all; such a model keeps the mesh that it is given.
    """
    from ...engine.training.checkpoint import RESUME, load_resume, save_model, save_resume
    from ...engine.training.memory import release_memory
    from ...engine.training.trainer import Interrupted
    from ...engine.training.training_loop import Training, run_training

    prepared, mesh, latents = inputs
    leads, checkpoint = team is None or team.leads, job.folder / RESUME
    where = os.path.relpath(prepared.folder, job.folder)
    decoder_part, source_part = chosen_parts(vars(parameters))
    decoder, source = decoder_part.make(parameters), source_part.make(parameters)
    if decoder.keeps_mesh and checkpoint.is_file():
        mesh = load_mesh(job.folder / MESH_FILE)  # which may be another than it began with
    try:
        images = open_images(parameters, prepared, job if leads else None, team is not None)
    except Interrupted:
        job.log(STOPPED)
        return None

    def remake(soft: TetMesh, volume: np.ndarray, pixel_size: float) -> TetMesh:
        if subset is not None:
            return mesh
        if leads:
            with job.output(MESH_FILE) as path:
                again = mesh_again(parameters.mesh, soft, volume, pixel_size, job.log)
                save_mesh(path, with_what_moves(again, parameters.moving, prepared))
        trainer.team.wait()
        return load_mesh(job.folder / MESH_FILE)

    trainer = trainer_of(
        parameters,
        images,
        mesh,
        decoder,
        epochs=parameters.epochs or source.passes(decoder, len(prepared.particles), parameters.batch_size),
        seed=job.seed,
        device=device,
        log=job.log if leads else _silent,
        progress=Throttled(job) if leads else _silent,
        stop=job.stop_requested,
        team=team,
        remake=remake,
    )
    if mesh.free is not None:
        trainer.log(moving_summary(mesh))

    figures = PassFigures(job)

    def save(training: Training, stage: Stage) -> None:
        if not leads:
            return
        save_model(job.output, trainer, training, stage, where, subset)
        if subset is None:
            known = training.decoder.known(training.points, trainer.settings.latent_dims)[0]
            keep_latents(job, known.cpu().numpy(), training.epoch, trainer.epochs)
        save_resume(job.output, trainer, training)
        job.log(training.decoder.summary(training.history[-1]))
        if subset is None or training.epoch == trainer.epochs:  # nobody watches how a half model grows
            figures.after_pass(training.epoch == trainer.epochs)

    def attempt() -> Training | None:
        """Go on from the newest checkpoint to the end; None where memory ran out and less of it may do."""
        try:
            training = Training(decoder_part.make(parameters), source_part.make(parameters, latents))
            if checkpoint.is_file():
                load_resume(checkpoint, trainer, training)
                trainer.log(f"Going on after pass {training.epoch} of {trainer.epochs}.")
            else:
                training.begin(trainer)
            set_images_at_once(whole_of(job), trainer, training)
            run_training(trainer, training, save)
            if leads:
                write_particles(job, prepared, trainer, training)
            if leads and subset is None:
                select_junk(job, prepared, trainer)
            return training
        except Exception as error:
            if not (is_out_of_memory(error) and lower(whole_of(job), trainer)):
                raise
            if trainer.team.size > 1:  # the others wait for this one: all begin again
                raise SystemExit(1) from None
            return None

    if leads and decoder.keeps_mesh and not checkpoint.is_file():
        with job.output(MESH_FILE) as path:
            save_mesh(path, mesh)
    trainer.at_once = images_at_once(whole_of(job)) or trainer.at_once
    try:
        while (training := attempt()) is None:
            release_memory()
        return trainer, training
    except Interrupted:
        figures.draw_if_behind()
        trainer.log(STOPPED)
        return None


def trainer_of(
    parameters: CommonParameters, images: ParticleImages, mesh: TetMesh, decoder: Decoder, *, epochs: int | None = None,
    **more: Any,
) -> Trainer:  # fmt: skip
    """The trainer of a job; ``epochs`` where they are known, ``more`` as `Trainer` takes it."""
    from ...engine.training.trainer import Trainer

    levels = decoder.levels(images.box, images.pixel_size, len(images), parameters.latent_dims,
                            epochs or parameters.epochs, parameters.band, parameters.batch_size)  # fmt: skip
    return Trainer(images, mesh, settings_of(parameters), levels, **more)


def _silent(*values: object, **named: object) -> None:
    """What a process that does not lead says."""


def settings_of(parameters: CommonParameters) -> Settings:
    """The engine's settings, which have the parameters' names."""
    from dataclasses import fields

    from ...engine.training.trainer import Settings

    named = {field.name for field in fields(Settings)} & {field.name for field in fields(parameters)}
    return Settings(**{name: getattr(parameters, name) for name in named})

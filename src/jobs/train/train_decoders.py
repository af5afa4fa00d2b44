"""How each decoder of a ``train`` job is trained: what stands where the trainings differ."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import InputError
from ...particles.prepared import Prepared
from ..job_folder import JobRun
from .train_memory import settle
from .train_parameters import TrainParameters

if TYPE_CHECKING:
    from ...engine.training.schedule import Rung
    from ...engine.training.stage import Stage
    from ...engine.training.trainer import Trainer

# parameters that a decoder has no use for, but for values that say what it does
OTHERS = {
    "flow": ("resolution",),
    "linear": ("rigidity", "poses", "junk", "start", "initial_latents", "freeze_latents", "latent_noise", "centering",
               "hidden_units", "hidden_layers", "modes", "learning_rate", "final_learning_rate"),
}  # fmt: skip


@dataclass(frozen=True)
class Training:
    """One decoder's training.

    ``begin(trainer)`` and ``load(path, trainer)`` make its state; ``run(trainer, state, save)`` makes all passes,
    calling ``save(state, stage)`` after each; ``write(job, trainer, state, stage)`` writes model and checkpoint;
    ``summary`` says a line of its history in a sentence.
    """

    begin: Callable[[Trainer], Any]
    load: Callable[[Path, Trainer], Any]
    run: Callable[[Trainer, Any, Callable[[Any, Stage], None]], Any]
    write: Callable[[JobRun, Trainer, Any, Stage], None]
    summary: Callable[[dict[str, float]], str]


SAID_ANYWAY = {("linear", "poses"): "fixed", ("linear", "junk"): "keep"}


def check_decoder(parameters: TrainParameters) -> None:
    """``InputError`` where something was asked that the decoder has no use for."""
    default = {field.name: field.default for field in fields(parameters)}
    for name in OTHERS[parameters.decoder]:
        if getattr(parameters, name) not in (default[name], SAID_ANYWAY.get((parameters.decoder, name), default[name])):
            raise InputError(f"{name}: means nothing to the {parameters.decoder} decoder; leave it out.")


def rungs_of(parameters: TrainParameters, prepared: Prepared) -> tuple[Rung, ...]:
    """The box sizes that training goes through."""
    from ...engine.decoders.linear.linear_training import working_box
    from ...engine.training.schedule import MOST_EPOCHS, coarse_to_fine, epochs_for

    box, pixel_size, band = prepared.box, prepared.pixel_size, parameters.band
    epochs = parameters.epochs or epochs_for(len(prepared.particles), parameters.batch_size)
    if parameters.decoder == "linear":
        box = working_box(box, pixel_size, parameters.latent_dims, band, parameters.resolution)
        epochs = parameters.epochs or MOST_EPOCHS
    return coarse_to_fine(box, prepared.box * pixel_size / box, epochs, band)


def training_of(parameters: TrainParameters, prepared: Prepared, job: JobRun, latents: np.ndarray | None) -> Training:
    """How to train the decoder that was asked for; ``latents`` ``(n, k)`` to begin with, or None."""
    where = os.path.relpath(prepared.folder, job.folder)
    return _linear(where) if parameters.decoder == "linear" else _flow(parameters.start, latents, where, job)


# ----- the flow -----


def _flow(start: str, latents: np.ndarray | None, where: str, job: JobRun) -> Training:
    from ...engine.decoders.flow.first_guess import begin
    from ...engine.decoders.flow.flow_checkpoint import load_resume, save_model, save_resume
    from ...engine.decoders.flow.flow_training import run_flow

    def run(trainer: Trainer, state: Any, save: Callable) -> None:
        settle(job, trainer, state)
        run_flow(trainer, state, save)

    def write(job: JobRun, trainer: Trainer, state: Any, stage: Stage) -> None:
        save_model(job.output, trainer, state, stage, where)
        save_resume(job.output, state)

    return Training(lambda trainer: begin(trainer, start, latents), load_resume, run, write, _flow_summary)


def _flow_summary(line: dict[str, float]) -> str:
    gain = line["rigid_misfit"] - line["misfit"]
    return (
        f"Pass {line['epoch']:.0f} at {line['box']:.0f} pixels: moving explains each image better by {gain:.1f} nats, "
        f"mean displacement {line['amplitude']:.2f} Å, strain {100 * line['energy'] ** 0.5:.1f} %, "
        f"{line['images_per_second']:.0f} images/s."
    )


# ----- linear components -----


def _linear(where: str) -> Training:
    from ...engine.decoders.linear.linear_checkpoint import load_linear_resume, save_linear, save_linear_resume
    from ...engine.decoders.linear.linear_training import begin_linear, run_linear

    def write(job: JobRun, trainer: Trainer, state: Any, stage: Stage) -> None:
        save_linear(job.output, trainer, state, stage, where)
        save_linear_resume(job.output, trainer, state)

    return Training(begin_linear, load_linear_resume, run_linear, write, _linear_summary)


def _linear_summary(line: dict[str, float]) -> str:
    return (
        f"Pass {line['epoch']:.0f} at {line['box']:.0f} pixels: the components explain each image better by "
        f"{line['gain']:.1f} nats, the map varies by {100 * line['variation']:.1f} %, "
        f"{line['images_per_second']:.0f} images/s."
    )

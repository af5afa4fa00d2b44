"""Does the motion explain what latents were not fitted to, beyond a rigid molecule that may be placed anew?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...errors import InputError
from ...explore.bending import mean_shape, spread_rows
from ...explore.held_out_gain import GainSummary, summarise
from ...explore.verdict import DOUBTFUL as HARDLY
from ...explore.verdict import SURE, with_error
from ...particles.copies import image_numbers
from ..job_folder import JobRun
from ..reports.finding import BAD, DOUBTFUL, GOOD, Finding
from .finished_training import FinishedTraining, finished_training
from .keep_finding import keep_finding
from .restored_training import restore

if TYPE_CHECKING:
    from ...models.interface import MovingPoints

IMAGES = 512  # looked at
FEWEST = 20
LEARNED = 0.25  # nats per latent dimension that the network may have learned of its own images' noise
PICTURE = "motion.png"
READING = (
    "Each image is placed, its latents and its pose, by one half of its Fourier components, and the other half says "
    "how much better the moving molecule explains it than the same map held in its mean shape, which may be turned "
    "and shifted as well. The map is that of the half of the particles to which the image does not belong. Latents "
    "that stand for noise or for errors of poses gain nothing. Only the flow's network has seen these images, so a "
    "quarter of a nat per dimension is not counted; a weak motion may be below that, and flexrec diagnose halves, "
    "which trains again without some of the images, then decides."
)


def run(model: Path, device: str, job: JobRun) -> None:
    """Write motion.json and motion.png."""
    from ...figures.gain_figure import draw_gain
    from ..train.train_run import choose_device

    training = finished_training(model)
    result = own_gain(training, choose_device(device), job)
    if result is None:
        return
    gain, summary = result
    fixed = getattr(training.parameters, "poses", "") == "fixed"
    level, sentence = judge(summary.gain, summary.error, training.model.latent_dims, fixed)
    with job.output(PICTURE) as path:
        draw_gain(path, summary, gain, "each image")
    upto = "no resolution" if summary.resolution is None else f"{summary.resolution:.1f} Å"
    rows = (("gain of moving over rigid, of components that latents and pose were not fitted to",
             f"{with_error(summary.gain, summary.error)} nats per image"),
            ("images", f"{len(gain):,}"), ("real up to", upto))  # fmt: skip
    numbers = {"gain": summary.gain, "error": summary.error, "images": len(gain), "resolution": summary.resolution}
    keep_finding(job, Finding("motion", level, sentence, READING, rows, ((PICTURE, ""),), numbers), training)


def own_gain(training: FinishedTraining, device: str, job: JobRun) -> tuple[np.ndarray, GainSummary] | None:
    """The gain ``(m,)`` of each of the images looked at, nats, and its summary; None where the job was asked to stop.

    ``InputError`` where nothing moves.
    """
    from ...engine.decoders.flow.flow_state import FlowState
    from ...engine.decoders.flow.own_images import judge_own_images
    from ...engine.training.trainer import Interrupted

    moving, restored = training.model.moving, restore(training, device)
    decoder, trainer = restored.training.decoder, restored.trainer
    if moving is None or not isinstance(decoder, FlowState):
        raise InputError(f"model: nothing moves in {training.folder.name}, so no motion is to be judged.")
    rows = training.members[spread_rows(len(training.members), IMAGES)]
    if len(rows) < FEWEST:
        raise InputError(f"model: {training.folder.name} has {len(rows)} particles; fewer than {FEWEST} tell of no "
                         "motion.")  # fmt: skip
    trainer.progress, trainer.stop = job.progress, job.stop_requested
    try:
        gain = judge_own_images(trainer, decoder, restored.training.points, restored.stage,
                                _held_rigid(training, moving), rows)  # fmt: skip
    except Interrupted:
        return None
    image = image_numbers(training.prepared.particles)[rows]
    width = training.model.box * training.model.pixel_size
    return gain.sum(axis=1), summarise(gain.astype(float), np.ones(len(gain)), image, width)


def _held_rigid(training: FinishedTraining, moving: MovingPoints) -> np.ndarray:
    """The mean shape ``(v, 3)`` of the particles, or ``(v, 4)`` with the mean share of the density that is there."""
    latents = training.model.latents[training.members]
    carried = moving.carried(latents[spread_rows(len(latents))])
    mean = mean_shape(carried[..., :3], moving.mass)
    return np.concatenate([mean, carried[..., 3:].mean(axis=0)], axis=1)


def judge(gain: float, error: float, dims: int, fixed: bool) -> tuple[str, str]:
    """A level and a sentence; ``fixed`` says whether poses were taken as they are."""
    learned = LEARNED * dims
    words = f"{with_error(gain, error)} nats per image, of what latents were not fitted to"
    if gain > learned + SURE * error:
        return GOOD, f"The motion explains images better than a rigid molecule that is placed anew: by {words}."
    if gain > learned / 2 + HARDLY * error:
        return DOUBTFUL, (f"The motion hardly explains more than a rigid molecule that is placed anew: {words}. "
                          "flexrec diagnose halves tells whether it is real.")  # fmt: skip
    cause = ("latents stand for noise, or for errors of the poses: train with --poses refine" if fixed
             else "latents stand for noise, unless the motion is too weak for this test")  # fmt: skip
    return BAD, f"The motion explains no more than a rigid molecule that is placed anew ({words}); {cause}."

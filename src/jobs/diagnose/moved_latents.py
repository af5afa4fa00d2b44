"""How far latents move, by their own uncertainty, when an image is shown otherwise: ``shift`` and ``rotate``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import InputError
from ...explore.bending import spread_rows
from ..job_folder import JobRun
from ..reports.finding import BAD, DOUBTFUL, GOOD, Finding
from .finished_training import FinishedTraining, finished_training
from .keep_finding import keep_finding
from .restored_training import RestoredTraining, restore

if TYPE_CHECKING:
    from ...engine.decoders.decoder import Pass
    from ...engine.training.batches import Batch

IMAGES = 256  # looked at
STILL, MOVED = 0.5, 1.0  # of a latent's own uncertainty, for half of the images
LOST = 0.5  # of the spread of all particles: however uncertain, such a latent is not where it was
SHIFT_READING = (
    "Every image is shown again one pixel aside, as a particle that was picked a little off. Its molecule is the "
    "same, so its latents should stay. A table of latents solves for the pose with them, here with an error of a "
    "pixel for granted, and stays where the images tell a shift from a motion; an encoder has learned the images as "
    "they were centred, and takes what it sees for another state. Moves are in standard deviations of each latent's "
    "own posterior."
)
ROTATE_READING = (
    "Every image is shown again turned by 90° in its plane, its pose and CTF turned with it: nothing has changed for "
    "the molecule, and latents that depend on the molecule alone do not move. An encoder that sees the image as it "
    "lies has to learn each orientation anew, and moves; one that sees it upright (--encoder-view aligned), or a "
    "table, does not. Moves are in standard deviations of each latent's own posterior."
)


@dataclass(frozen=True, eq=False)
class Moves:
    """``before``, ``after`` ``(m, k)`` latents; ``uncertain`` ``(m,)`` the move in units of a latent's own error."""

    before: np.ndarray
    after: np.ndarray
    uncertain: np.ndarray


def run_shift(model: Path, device: str, job: JobRun) -> None:
    """Write shift.json and shift.png."""
    from ...engine.training.changed_batch import set_aside

    _run("shift", "one pixel aside", lambda batch: set_aside(batch, 1.0), SHIFT_READING, model, device, job)


def run_rotate(model: Path, device: str, job: JobRun) -> None:
    """Write rotate.json and rotate.png."""
    from ...engine.training.changed_batch import quarter_turned

    _run("rotate", "turned by 90°", quarter_turned, ROTATE_READING, model, device, job)


def _run(
    test: str, words: str, change: Callable[[Batch], Batch], reading: str, model: Path, device: str, job: JobRun
) -> None:
    from ...figures.moves_figure import draw_moves
    from ..train.train_run import choose_device

    training = finished_training(model)
    restored = restore(training, choose_device(device))
    result = moves(training, restored, change, job, words)
    if result is None:
        return
    level, sentence = judge(result, words)
    with job.output(f"{test}.png") as path:
        draw_moves(path, result.before, result.after, result.uncertain, words, sentence)
    numbers, rows = moves_summary(result)
    keep_finding(job, Finding(test, level, sentence, reading, rows, ((f"{test}.png", ""),), numbers), training)


def moves_summary(moves: Moves) -> tuple[dict[str, Any], tuple[tuple[str, str], ...]]:
    """The numbers of a finding, for programs and as text."""
    median, high = np.percentile(moves.uncertain, (50, 90))
    spread = np.sqrt(((moves.after - moves.before) ** 2).mean(axis=0) / moves.before.var(axis=0).clip(1e-12))
    rows = (("images", f"{len(moves.uncertain):,}"),
            ("move in units of its own uncertainty, half and nine tenths of the images", f"{median:.2f}, {high:.2f}"),
            ("move over the spread of all particles, r.m.s. over the images, by dimension",
             ", ".join(f"{value:.2f}" for value in spread)))  # fmt: skip
    numbers = {"median": float(median), "ninetieth": float(high), "of_spread": spread.tolist(),
               "median_of_spread": median_of_spread(moves)}  # fmt: skip
    return numbers, rows


def median_of_spread(moves: Moves) -> float:
    """How far half of the images move less, over the spread of all, in the dimension where that is farthest."""
    steps = np.abs(moves.after - moves.before) / moves.before.std(axis=0).clip(1e-12)
    return float(np.median(steps, axis=0).max())


def judge(moves: Moves, words: str) -> tuple[str, str]:
    """A level and a sentence."""
    median = float(np.median(moves.uncertain))
    step = median_of_spread(moves)
    level = GOOD if median < STILL and step < LOST / 2 else DOUBTFUL if median < MOVED and step < LOST else BAD
    amount = (f"by {median:.2f} of its own uncertainty and {step:.2f} of the spread of all (half of "
              f"{len(moves.uncertain):,} images move less)")  # fmt: skip
    if level == GOOD:
        return level, f"An image {words} keeps its latents: they move {amount}."
    return level, f"An image {words} is taken for another state: its latent moves {amount}."


def moves(
    training: FinishedTraining, restored: RestoredTraining, change: Callable[[Batch], Batch], job: JobRun, words: str
) -> Moves | None:
    """Place images as they are, and again with a ``change``; None where the job was asked to stop."""
    import torch

    source, decoder, now = restored.training.source, restored.training.decoder, _with_poses_unknown(restored)
    if restored.training.points.frozen:
        raise InputError(f"model: the latents of {training.folder.name} were given and kept, so none is placed.")
    rows = training.members[spread_rows(len(training.members), IMAGES)]
    before, after, uncertain = [], [], []
    for batch in replace(restored, stage=now.stage).batches(rows, job, f"images {words}"):
        with torch.no_grad():
            first, precision = source.place_again(now, decoder, batch, now.points.z[batch.rows])
            second, _ = source.place_again(now, decoder, change(batch), first)
        before.append(first.cpu().numpy())
        after.append(second.cpu().numpy())
        step = second - first
        square = torch.einsum("bk,bkl,bl->b", step, precision, step) / step.shape[1]
        uncertain.append(square.clamp(min=0).sqrt().cpu().numpy())
    if sum(map(len, before)) < len(rows):
        return None
    return Moves(np.concatenate(before), np.concatenate(after), np.concatenate(uncertain))


def _with_poses_unknown(restored: RestoredTraining) -> Pass:
    """The last pass, with shifts of a pixel taken for as likely as those that training has found."""
    import torch

    from ...engine.training.pose_corrections import Poses

    now, trainer = restored.now, restored.trainer
    poses, pixel = now.stage.poses.clone(), now.stage.cloud.pixel_size
    if not poses.active:
        rest = trainer.rest
        centre = rest.mean(dim=0)
        radius = float((rest - centre).square().sum(dim=1).mean().sqrt())
        poses = Poses(poses.correction, poses.variance.clone(), centre, radius)
    poses.variance = torch.maximum(poses.variance, poses.variance.new_tensor([0.0, pixel**2]))
    return replace(now, stage=replace(now.stage, poses=poses))

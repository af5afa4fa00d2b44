"""Trainings of an encoder done again with one thing changed.

``twins`` are shown wrong images, ``sizes`` are smaller and larger, ``amortised`` is a variational table beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import InputError
from ...explore.state_agreement import matched_directions
from ..job_folder import JobRun
from ..reports.finding import BAD, DOUBTFUL, GOOD, Finding
from .finished_training import FinishedTraining, finished_training
from .keep_finding import keep_finding
from .train_again import train_again

CLOSE = 0.1  # of what own images gain over noise: a twin that lacks less has learned nothing of its images
NEAR = 0.25  # nats per latent dimension: half of what fitting noise gives
TWINS_READING = (
    "The encoder was trained again with wrong images: each particle's exchanged for another's, and numbers of no "
    "image at all, while the map was compared with the particle's own image as always. What the twins lack in the "
    "end is all that the encoder has learned from images; where they lack nothing it has learned each particle by "
    "heart, or nothing (Edelberg & Lederman 2023). The loss is the negative evidence bound."
)
SIZES_READING = (
    "The same training with half and with twice the units in the encoder. If a larger network does better, the "
    "encoder was too small for these images; if a smaller one does as well, a smaller one is enough, and quicker."
)
AMORTISED_READING = (
    "The same training with a variational table in place of the encoder: each particle then has a distribution of "
    "its own, which no other image can spoil. What the table gains over the encoder is the price of sharing one "
    "network."
)


@dataclass(frozen=True, eq=False)
class Trained:
    """A training that ``word`` names.

    ``loss`` nats per image in the last pass, ``losses`` ``(passes,)`` in all; ``z`` ``(n, k)`` latents.
    """

    word: str
    loss: float
    losses: np.ndarray
    z: np.ndarray


def run_twins(model: Path, device: str, job: JobRun) -> None:
    """Write twins.json, twins.png, and the trainings in twins/."""
    changes = {"another's images": {"encoder_shown": "permuted"}, "noise": {"encoder_shown": "noise"}}
    _run("twins", changes, TWINS_READING, judge_twins, model, device, job)


def run_sizes(model: Path, device: str, job: JobRun) -> None:
    """Write sizes.json, sizes.png, and the trainings in sizes/."""
    units = _encoder(finished_training(model)).encoder_units
    changes = {f"{count} units": {"encoder_units": count} for count in (max(units // 2, 4), 2 * units)}
    _run("sizes", changes, SIZES_READING, judge_sizes, model, device, job)


def run_amortised(model: Path, device: str, job: JobRun) -> None:
    """Write amortised.json, amortised.png, and the training in amortised/."""
    own = _encoder(finished_training(model))
    changes = {"variational table": {"latents": "variational", "like": None, **_defaults(own)}}
    _run("amortised", changes, AMORTISED_READING, judge_amortised, model, device, job)


def _encoder(training: FinishedTraining) -> Any:
    """The parameters of a training with an encoder; ``InputError`` where it has none."""
    if getattr(training.parameters, "latents", "table") != "encoder":
        raise InputError(f"model: {training.folder.name} has no encoder, and this test is of encoders; train with "
                         "--latents encoder.")  # fmt: skip
    return training.parameters


def _defaults(parameters: Any) -> dict[str, Any]:
    """An encoder's own parameters as they are where nobody says anything."""
    fields = type(parameters).__dataclass_fields__
    return {name: field.default for name, field in fields.items() if name.startswith(("encoder_", "final_encoder_"))}


def _run(
    test: str, changes: dict[str, dict[str, Any]], reading: str, judge: Callable[[list[Trained], int], tuple[str, str]],
    model: Path, device: str, job: JobRun,
) -> None:  # fmt: skip
    from ...figures.trainings_figure import draw_trainings

    training = finished_training(model)
    _encoder(training)
    trained = [_facts("this training", training)]
    for number, (word, change) in enumerate(changes.items(), 1):
        folder = train_again(training, job.folder / test / f"{number:03d}-train", device, job, word,
                             training.record["seed"], halves=False, **change)  # fmt: skip
        if folder is None:
            return
        trained.append(_facts(word, finished_training(folder)))
    level, sentence = judge(trained, training.model.latent_dims)
    with job.output(f"{test}.png") as path:
        draw_trainings(path, [(each.word, each.losses) for each in trained], sentence)
    agreements = [matched_directions(each.z[training.members], trained[0].z[training.members])[0] for each in trained]
    rows = tuple((each.word, f"loss {each.loss:.2f} nats per image; latents correlate with this training's by "
                  f"{', '.join(f'{value:.3f}' for value in agreement)}")
                 for each, agreement in zip(trained, agreements))  # fmt: skip
    numbers = {each.word: {"loss": each.loss, "correlation": agreement.tolist()}
               for each, agreement in zip(trained, agreements)}  # fmt: skip
    keep_finding(job, Finding(test, level, sentence, reading, rows, ((f"{test}.png", ""),), numbers), training)


def _facts(word: str, training: FinishedTraining) -> Trained:
    passes = training.passes
    losses = passes["misfit"] + passes.get("kl", np.zeros_like(passes["misfit"]))
    return Trained(word, float(losses[-1]), losses, training.model.latents)


def judge_twins(trained: list[Trained], dims: int) -> tuple[str, str]:
    """A level and a sentence."""
    own, other, noise = (each.loss for each in trained)
    words = f"shown another particle's image it loses {other - own:.2f} nats per image, shown noise {noise - own:.2f}"
    if other - own < NEAR * dims or other - own < CLOSE * (noise - own):
        return BAD, f"The encoder trains as well on wrong images: {words}."
    return GOOD, f"The encoder needs its own images: {words}."


def judge_sizes(trained: list[Trained], dims: int) -> tuple[str, str]:
    """A level and a sentence."""
    own, smaller, larger = (each.loss for each in trained)
    words = f"half of the units lose {smaller - own:+.2f} nats per image, twice as many {larger - own:+.2f}"
    if own - larger > NEAR * dims:
        return DOUBTFUL, f"A larger encoder does better: {words}; train with more --encoder-units."
    return GOOD, f"A larger encoder does no better: {words}."


def judge_amortised(trained: list[Trained], dims: int) -> tuple[str, str]:
    """A level and a sentence."""
    gap = trained[0].loss - trained[1].loss
    level = GOOD if gap < 2 * NEAR * dims else DOUBTFUL if gap < 8 * NEAR * dims else BAD
    words = f"a variational table of the same images ends {gap:+.2f} nats per image better"
    return level, f"{'The encoder costs little' if level == GOOD else 'The encoder costs something'}: {words}."

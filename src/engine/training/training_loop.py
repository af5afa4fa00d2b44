"""The one loop: any decoder with any latent source.

In each batch the source moves the latents and the decoder learns from them; after each pass over the images what is
known in closed form is solved. Now and then latents are looked for everywhere. Box sizes go from coarse to fine
(`schedule.py`).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from ..decoders.decoder import Decoder, Pass
from ..latents.latent_source import LatentSource
from ..latents.particle_latents import ParticleLatents, StepSums
from .batches import Batch, pieces, split
from .finite import check_finite, check_numbers
from .gradient_step import gradient_step
from .schedule import ResolutionLevel
from .stage import Stage
from .trainer import Trainer


@dataclass
class Training:
    """A decoder and a latent source, trained together; ``epoch`` passes are done, each a line in ``history``."""

    decoder: Decoder
    source: LatentSource
    epoch: int = 0
    history: list[dict[str, float]] = field(default_factory=list)

    @property
    def points(self) -> ParticleLatents:
        """The latents of all particles."""
        return self.source.points

    @property
    def optimisers(self) -> list[torch.optim.Optimizer]:
        """Of those that learn by gradients."""
        return [part.optimiser for part in (self.decoder, self.source) if part.optimiser is not None]

    def have_points(self, trainer: Trainer) -> None:
        """Have latents for the trainer's particles, of which nothing is known yet."""
        if self.source.frozen or not self.source.takes_spare:
            self.decoder.spare = 0
        self.source.begin(trainer, trainer.settings.latent_dims + self.decoder.spare)

    def begin(self, trainer: Trainer) -> None:
        """Be ready for the first pass."""
        self.have_points(trainer)
        self.decoder.first_guess(trainer, self.points, self.source.given)
        self.decoder.agree(trainer, self.points)


def run_training(trainer: Trainer, training: Training, save: Callable[[Training, Stage], None]) -> None:
    """All passes that are left, calling ``save`` after each. Raises `Interrupted`."""
    stage, decoder, source = None, training.decoder, training.source
    while training.epoch < trainer.epochs:
        level = trainer.level_of(training.epoch)
        if stage is None or stage.box != level.box:
            stage = decoder.enter(trainer, level, training.points)
        now = Pass(trainer, stage, training.points, training.epoch)
        speed, means = _over_the_images(now, training)
        if _searches(now, level):
            source.search(now, decoder)
        if now.last:
            source.polish(now, decoder)
        stage = decoder.solve(now)
        check_finite(now, decoder, source.state())
        training.epoch += 1
        training.history.append({"epoch": training.epoch, "box": stage.box, **decoder.line(now),
                                 "images_per_second": speed, **means})  # fmt: skip
        save(training, stage)


def _over_the_images(now: Pass, training: Training) -> tuple[float, dict[str, float]]:
    """Once over the images: latents and decoder; images per second, and the means of the decoder's measures."""
    trainer, decoder, points, source = now.trainer, training.decoder, now.points, training.source
    count, began, done = len(trainer.images), time.perf_counter(), 0
    groups, places = _groups(now, training)
    noise = torch.Generator().manual_seed(trainer.seed * 1_000_003 + now.epoch)
    measures = decoder.measures + source.measures
    points.step_sums, sums = StepSums.empty(trainer.device), np.zeros(len(measures))
    decoder.begin_pass(now)
    source.begin_pass(now, decoder)
    batches = now.stage.batches_of([group[place] for group, parts in zip(groups, places) for place in parts])
    for group, parts in zip(groups, places, strict=True):
        _set_rates(training, (now.epoch + done / count) / trainer.epochs)
        white = torch.randn(len(group), points.z.shape[1], generator=noise)
        sums += len(group) * _take_batch(now, training, batches, parts, white)
        done += len(group)
        speed = done / (time.perf_counter() - began)
        means = dict(zip(measures, sums / done, strict=True))
        trainer.report(now.epoch * count + done, trainer.epochs * count, stage=f"{now.stage.box} pixels",
                       epoch=round(now.epoch + done / count, 4), images_per_second=round(speed, 1),
                       **{k: float(f"{v:.6g}") for k, v in means.items()})  # fmt: skip
    rows = np.concatenate([trainer.team.share(group) for group in groups])
    source.collect(trainer, rows)
    check_numbers(now, points.z, "a latent")  # before they are made white, which fails for other reasons then
    decoder.end_pass(now, rows, means)
    source.finish_pass(now, decoder)
    return speed, means


def _groups(now: Pass, training: Training) -> tuple[list[np.ndarray], list[list[np.ndarray]]]:
    """Rows of each batch, and the places in it of the parts that this process works on.

    In random order for steps along the gradient, else as they come, as many as are worked on at once.
    """
    trainer, count = now.trainer, len(now.trainer.images)
    if not training.optimisers:
        groups = split(np.arange(count), trainer.at_once * trainer.team.size)
        return groups, [[trainer.team.share(np.arange(len(group)))] for group in groups]
    order = np.random.default_rng((trainer.seed, 2, now.epoch)).permutation(count)
    groups = split(order, trainer.settings.batch_size)
    return groups, [pieces(trainer.team.share(np.arange(len(group))), trainer.at_once) for group in groups]


def _take_batch(
    now: Pass, training: Training, batches: Iterator[Batch], parts: list[np.ndarray], white: torch.Tensor
) -> np.ndarray:
    """Move the latents of a batch, part by part, and let the decoder learn from it; the batch's measures.

    ``white`` ``(size, k)`` are normal numbers for the whole batch.
    """
    for optimiser in training.optimisers:
        optimiser.zero_grad()
    values = []
    for place in parts:
        batch, z = training.source.move(now, training.decoder, next(batches), white[place])
        own = training.decoder.learn(now, batch, z, place, len(white))
        values.append(torch.cat([own, training.source.learn(now, training.decoder, batch, z, len(white))]))
    total = gradient_step(now.trainer, training.optimisers, torch.stack(values).sum(dim=0))
    check_numbers(now, total, "the misfit of a batch")
    return total.cpu().numpy().astype(np.float64)


def _searches(now: Pass, level: ResolutionLevel) -> bool:
    """Whether latents are looked for everywhere after a pass: at the coarse sizes, where that is cheap."""
    levels = now.trainer.levels
    return (level is not levels[-1] or len(levels) == 1) and now.epoch >= 1 and not now.last


def _set_rates(training: Training, fraction: float) -> None:
    """Cosine from the first rates to the last over the whole training, of which a ``fraction`` is done."""
    own, others = (last + (first - last) * 0.5 * (1 + math.cos(math.pi * fraction))
                   for first, last in (training.decoder.rates, training.source.rates))  # fmt: skip
    for group in [] if training.decoder.optimiser is None else training.decoder.optimiser.param_groups:
        group["lr"] = own
    training.source.set_rate(others)


def try_batch(now: Pass, training: Training, batch: Batch) -> None:
    """The work of a batch, and of what is solved after the pass, with its outcome thrown away."""
    now = replace(now, points=now.points.clone(), stage=replace(now.stage, poses=now.stage.poses.clone()))
    batch = now.stage.poses.corrected(batch)
    training.decoder.begin_pass(now)
    batch, z = training.source.move(now, training.decoder, batch, torch.zeros(len(batch), now.points.z.shape[1]))
    training.decoder.learn(now, batch, z, np.arange(len(batch)), len(batch))
    training.decoder.try_memory(now, batch)

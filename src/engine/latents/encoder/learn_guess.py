"""Let a network learn the latents of a decoder's first guess, or those that a person gave, before it finds its own."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from ...decoders.decoder import Decoder, Pass
from ...training.batches import Batch, split
from ...training.gradient_step import gradient_step
from ..diagonal import log_variance_of

Encode = Callable[[Batch], tuple[torch.Tensor, torch.Tensor]]  # mean and log variance (b, k) of a batch's images


def learn_guess(now: Pass, encode: Encode, optimiser: torch.optim.Optimizer, passes: int) -> None:
    """Fit a network's output for images to the latents' posteriors as they are, in ``passes`` over the images."""
    trainer = now.trainer
    counter, explained = trainer.counter("encoder", passes * len(trainer.images)), 0.0
    target = now.points.z.clone()
    variance = log_variance_of(now.points.precision).exp()
    for number in range(passes):
        order = np.random.default_rng((trainer.seed, 21, number)).permutation(len(target))
        groups = split(order, trainer.settings.batch_size)
        error_sum = torch.zeros(1, device=target.device)
        for group, batch in zip(groups, now.stage.batches_of([trainer.team.share(group) for group in groups])):
            optimiser.zero_grad()
            mean, log_variance = encode(batch)
            squared_error = (target[batch.rows] - mean).square()
            # the expectation, under the posterior, of −log of the network's normal density, up to a constant
            loss = 0.5 * (log_variance + (squared_error + variance[batch.rows]) / log_variance.exp())
            (loss.sum() / len(group)).backward()
            error_sum += gradient_step(trainer, [optimiser], squared_error.detach().sum()[None])
            counter(len(group))
        explained = 1 - float(error_sum) / float((target - target.mean(dim=0)).square().sum().clamp(min=1e-30))
    trainer.log(f"The encoder has learned the first guess of the latents: it explains {100 * explained:.0f} % of their "
                "variance.")  # fmt: skip


@torch.no_grad()
def place_all(now: Pass, decoder: Decoder) -> None:
    """Posteriors of all particles, where the decoder has them in closed form."""
    trainer, points = now.trainer, now.points
    rows = trainer.team.share(np.arange(len(trainer.images)))
    counter = trainer.counter("latents", len(rows))
    for batch in now.stage.batches(rows):
        points.take(now.stage, batch, decoder.place(now.stage, batch))
        counter(len(batch))
    points.collect(trainer, rows)

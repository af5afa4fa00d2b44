"""The variational table: a mean and a variance per particle, moved along the gradient of the evidence bound.

The variational lookup table of Edelberg & Lederman (2023): what an encoder would compute from an image is a parameter
of each particle. A draw from its distribution goes to the decoder, whose gradient there moves mean and variance
(Kingma & Welling 2014). Where images are linear in the latents, the best of both is known in closed form.
"""

from __future__ import annotations

import numpy as np
import torch

from ..decoders.decoder import Decoder, Pass
from ..training.batches import Batch
from ..training.schedule import epochs_for
from ..training.trainer import Trainer
from .diagonal import log_variance_of, nothing_known, precision_of, with_poses
from .divergence import beta_in, divergence
from .gauss_newton import gauss_newton
from .latent_source import LatentSource
from .particle_latents import ParticleLatents, Step
from .row_adam import RowAdam
from .variational_parameters import VariationalParameters

TIMES_PASSES = 2  # as many as a flow's own source takes: a particle takes one small step in each
LOG_VARIANCE = -14.0, 4.0  # beyond these a latent is exact, or unknown
FAINT = 1e-6  # information of a direction of which an image says nothing, where there is no prior


class VariationalTable(LatentSource):
    """``given`` ``(n, k)`` are latents to begin with, or None. The distributions are the ``points``: their ``z`` are
    the means, their precision is diagonal.
    """

    measures = ("kl",)

    def __init__(self, settings: VariationalParameters | None = None, given: np.ndarray | None = None) -> None:
        self.settings, self.given = settings or VariationalParameters(), given
        self.frozen = self.settings.freeze_latents
        self.rates = self.settings.table_rate, self.settings.final_table_rate
        self._rate, self._beta = self.rates[0], 0.0

    def passes(self, decoder: Decoder, particles: int, batch_size: int) -> int | None:
        """Twice as many as a flow with latents that jump to where they are best, or as many as the decoder wants if
        those are more; the decoder's where it is linear.
        """
        wanted = decoder.passes(particles, batch_size)
        return None if decoder.straight else max(TIMES_PASSES * epochs_for(particles, batch_size), wanted)

    def begin(self, trainer: Trainer, dims: int) -> None:
        """Have distributions in ``dims`` dimensions for the trainer's particles."""
        count = len(trainer.images)
        self.points = ParticleLatents.unknown(count, dims, trainer.device, frozen=self.frozen)
        self._adam = RowAdam(count, 2 * dims, trainer.device)

    def set_rate(self, rate: float) -> None:
        """Take steps of this rate from now on."""
        self._rate = rate

    def begin_pass(self, now: Pass, decoder: Decoder) -> None:
        """With the weight that the prior has in it; before the first, with distributions about where means begin."""
        self._beta = beta_in(self.settings, now)
        if now.epoch == 0 and not decoder.straight:
            self._start(now, decoder)

    def _start(self, now: Pass, decoder: Decoder) -> None:
        points, begins = now.points, self.settings.initial_means
        if begins != "guess":
            normal = torch.Generator().manual_seed(now.trainer.seed * 1_000_003 + 13)
            drawn = torch.randn(*points.z.shape, generator=normal) if begins == "random" else torch.zeros_like(points.z)
            points.z = drawn.to(points.z)
            points.precision = torch.eye(points.z.shape[1], device=points.z.device).expand_as(points.precision).clone()
        if nothing_known(points.precision):
            self._ask_images(now, decoder)
        points.precision = precision_of(log_variance_of(points.precision))

    def _ask_images(self, now: Pass, decoder: Decoder) -> None:
        """How well the images tell the latents where these begin."""
        rows = now.trainer.team.share(np.arange(len(now.trainer.images)))
        counter = now.trainer.counter("latents", len(rows))
        for batch in now.stage.batches(rows):
            step = gauss_newton(decoder, now.stage, batch, now.points.z[batch.rows], now.points.prior(batch))
            now.points.precision[batch.rows] = step.precision
            counter(len(batch))
        now.points.collect(now.trainer, rows)

    def move(self, now: Pass, decoder: Decoder, batch: Batch, white: torch.Tensor) -> tuple[Batch, torch.Tensor]:
        """A draw of every particle of the batch, which the decoder is to leave its gradient in."""
        points, rows = now.points, batch.rows
        if decoder.straight:
            return batch, self._solved(now, decoder, batch)
        deviation = (0.5 * log_variance_of(points.precision[rows])).exp()
        z = points.z[rows] + deviation * white.to(deviation)
        return with_poses(now, decoder, batch, points.z[rows], z), z.requires_grad_()

    def _solved(self, now: Pass, decoder: Decoder, batch: Batch) -> torch.Tensor:
        """Means ``(b, k)`` where misfit and β times divergence are least: what `Decoder.place` says, for any β.

        Latents that are places of the decoder's own, as classes are, have no normal prior: β says nothing of them.
        """
        points, step = now.points, decoder.place(now.stage, batch)
        mean, precision = step.z, step.precision
        if not decoder.fixed_axes:
            unit = torch.eye(step.z.shape[1], device=step.z.device)
            # Λ = JᵀJ + 1 and Λ z = Jᵀ y of the posterior; (JᵀJ + β) m = Jᵀ y, and 1 / (JᵀJ + β)ₖₖ is the variance
            precision = step.precision + (max(self._beta, FAINT) - 1) * unit
            mean = torch.linalg.solve(precision, step.precision @ step.z[:, :, None]).squeeze(-1)
        mean = points.z[batch.rows] if points.frozen else mean
        alone = torch.diag_embed(precision.diagonal(dim1=1, dim2=2))
        points.take(now.stage, batch, Step(mean, alone))
        points.step_sums.add(batch, step)
        return mean

    def learn(self, now: Pass, decoder: Decoder, batch: Batch, z: torch.Tensor, size: int) -> torch.Tensor:
        """A step of mean and log variance of every particle of the batch."""
        points, rows = now.points, batch.rows
        mean, log_variance = points.z[rows], log_variance_of(points.precision[rows])
        share = divergence(mean, log_variance).sum()[None] / size
        if decoder.straight:
            return share
        # E = misfit(m + s ε) + β KL, s = exp(l / 2): ∂E/∂m = g + β m, ∂E/∂l = g ε s / 2 + β (s² − 1) / 2
        gradient = torch.zeros_like(mean) if z.grad is None else size * z.grad
        spread = 0.5 * (gradient * (z.detach() - mean) + self._beta * (log_variance.exp() - 1))
        move = self._adam.step(rows, torch.cat([gradient + self._beta * mean, spread], dim=1), self._rate)
        k = mean.shape[1]
        if not points.frozen:
            points.z[rows] = mean + move[:, :k]
        points.precision[rows] = precision_of((log_variance + move[:, k:]).clamp(*LOG_VARIANCE))
        return share

    def collect(self, trainer: Trainer, rows: np.ndarray) -> None:
        """Learn what the others have found, this process having seen to ``rows``."""
        super().collect(trainer, rows)
        for table in self._adam.arrays().values():
            trainer.team.collect(table, rows)

    def finish_pass(self, now: Pass, decoder: Decoder) -> None:
        """Latents keep their scale, which is the prior's; of a linear decoder they are made white, and ordered."""
        if decoder.straight:
            super().finish_pass(now, decoder)

    def polish(self, now: Pass, decoder: Decoder) -> None:
        """Where images are linear in the latents, once more where they are best; else the axes in order of what the
        images tell of them, which keeps dimensions independent.
        """
        trainer, points = now.trainer, now.points
        if decoder.straight:
            rows = trainer.team.share(np.arange(len(trainer.images)))
            points.step_sums.gain = 0.0
            for batch in now.stage.batches(rows):
                self._solved(now, decoder, batch)
            points.collect(trainer, rows)
        elif not points.frozen:
            points.order(trainer.membership.probability > 0.5, decoder.substitute)

    def state(self) -> dict[str, torch.Tensor]:
        """What Adam knows of the particles."""
        return self._adam.arrays()

    def restore(self, tensors: dict[str, torch.Tensor]) -> None:
        """Be as `state` was."""
        self._adam.take(tensors)

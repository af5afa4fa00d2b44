"""The table: one latent point per particle, moved by Gauss–Newton steps, which need no learning rate."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from ..decoders.decoder import Decoder, Pass
from ..training.batches import Batch
from ..training.trainer import Trainer
from .gauss_newton import gauss_newton
from .latent_source import LatentSource
from .particle_latents import ParticleLatents, Step
from .sweep import sweep
from .table_parameters import TableParameters

POLISHES = 2  # more steps of every particle after the last pass


class LatentTable(LatentSource):
    """``given`` ``(n, k)`` are latents to begin with, or None."""

    def __init__(self, settings: TableParameters | None = None, given: np.ndarray | None = None) -> None:
        self.settings, self.given = settings or TableParameters(), given
        self.frozen = self.settings.freeze_latents

    def begin(self, trainer: Trainer, dims: int) -> None:
        """Have latents of ``dims`` dimensions for the trainer's particles."""
        s = self.settings
        self.points = ParticleLatents.unknown(len(trainer.images), dims, trainer.device, s.centering, self.frozen)

    def move(self, now: Pass, decoder: Decoder, batch: Batch, white: torch.Tensor) -> tuple[Batch, torch.Tensor]:
        """A step of every particle; the decoder learns from a draw of what it leaves unknown.

        Where images are linear in z, the posterior is known in closed form, and the decoder learns from it itself.
        """
        points = now.points
        step = self._step(now, decoder, batch)
        z = points.z[batch.rows] if points.frozen else step.z
        points.take(now.stage, batch, step, z)
        points.step_sums.add(batch, step)
        if decoder.straight:
            return batch, z
        z = decoder.drawn(z, z + self.settings.latent_noise * posterior_noise(step.precision, white))
        return replace(batch, correction=step.correction_at(z)), z

    def _step(self, now: Pass, decoder: Decoder, batch: Batch) -> Step:
        if decoder.straight:
            return decoder.place(now.stage, batch)
        return gauss_newton(decoder, now.stage, batch, now.points.z[batch.rows], now.points.prior(batch))

    def search(self, now: Pass, decoder: Decoder) -> None:
        """Look everywhere: steps are local."""
        if not (now.points.frozen or decoder.straight):
            sweep(now, decoder)

    def polish(self, now: Pass, decoder: Decoder) -> None:
        """More steps of every particle."""
        trainer, points = now.trainer, now.points
        if points.frozen:
            return
        rows = trainer.team.share(np.arange(len(trainer.images)))
        counter = trainer.counter("latents", len(rows))
        points.step_sums.gain = 0.0
        for batch in now.stage.batches(rows):
            for _ in range(1 if decoder.straight else POLISHES):
                batch = trainer.poses.corrected(batch)
                step = self._step(now, decoder, batch)
                points.take(now.stage, batch, step)
            points.step_sums.gain += step.gain
            counter(len(batch))
        points.collect(trainer, rows)
        self.finish_pass(now, decoder)
        if not decoder.straight:
            points.align(trainer.membership.probability > 0.5, decoder.substitute)


def posterior_noise(precision: torch.Tensor, white: torch.Tensor) -> torch.Tensor:
    """A draw ``(b, k)`` from N(0, ``precision``⁻¹), made of normal numbers ``white`` ``(b, k)`` drawn on the CPU.

    Given to the flow on top of the most likely point, it makes a pass over the images a step of variational
    expectation–maximisation: a dimension that the images do not determine is drawn from the prior, and the flow learns
    to ignore it instead of explaining noise by it.
    """
    lower = torch.linalg.cholesky(precision)
    white = white.to(precision.device)
    return torch.linalg.solve_triangular(lower.transpose(1, 2), white[:, :, None], upper=True).squeeze(-1)

"""Where latents come from: the protocol of a latent source, one row of the grid of methods."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Protocol

import numpy as np
import torch

from ..decoders.decoder import Decoder, Output, Pass
from ..training.batches import Batch
from ..training.trainer import Trainer
from .gauss_newton import gauss_newton
from .particle_latents import ParticleLatents

STEPS_AGAIN = 4  # of images that are placed anew: more change nothing


class LatentSource(Protocol):
    """Subclass it: what has a body here need not be written again.

    Attributes
    ----------
    settings : its parameters, a frozen dataclass. points : the latents of all particles and how well they are known.
    given : ``(n, k)`` latents that a person gave to begin with, or None.
    frozen : whether they stay as they were given.
    takes_spare : whether it has use for dimensions that a decoder finds beyond those wanted.
    optimiser : where it learns by the gradient of batches, as a network does; else None.
    rates : of its own steps, the first and the last. measures : what the numbers of `learn` are, means over images.
    """

    settings: Any
    points: ParticleLatents
    given: np.ndarray | None = None
    frozen: bool = False
    takes_spare: bool = True
    optimiser: torch.optim.Optimizer | None = None
    rates: tuple[float, float] = (0.0, 0.0)
    measures: tuple[str, ...] = ()

    def passes(self, decoder: Decoder, particles: int, batch_size: int) -> int | None:
        """How many passes over the images it takes with a decoder where nobody says; None: as many as the decoder."""
        return None

    def begin(self, trainer: Trainer, dims: int) -> None:
        """Have ``points`` of ``dims`` dimensions for the trainer's particles."""
        self.points = ParticleLatents.unknown(len(trainer.images), dims, trainer.device, frozen=self.frozen)

    def begin_pass(self, now: Pass, decoder: Decoder) -> None:
        """Before the images of a pass; before the first, the decoder has made its first guess."""

    def set_rate(self, rate: float) -> None:
        """Take steps of this rate, which lies between the two of ``rates``, from now on."""
        for group in [] if self.optimiser is None else self.optimiser.param_groups:
            group["lr"] = rate

    def move(self, now: Pass, decoder: Decoder, batch: Batch, white: torch.Tensor) -> tuple[Batch, torch.Tensor]:
        """Move the latents of a batch; the latents ``(b, k)`` from which the decoder shall learn, and the batch with
        the poses that are best there. ``white`` ``(b, k)`` are normal numbers.

        The decoder leaves its gradient in latents that ask for it.
        """
        ...

    def learn(self, now: Pass, decoder: Decoder, batch: Batch, z: torch.Tensor, size: int) -> torch.Tensor:
        """Learn from a part of a batch of ``size`` images, after the decoder has, from latents ``z`` as `move` gave.

        Returns the part's share of the batch's `measures`, ``(len(measures),)``.
        """
        return z.new_zeros(0)

    def collect(self, trainer: Trainer, rows: np.ndarray) -> None:
        """After a pass in which this process has seen the images ``rows`` ``(m,)``: take the others' from the team."""
        self.points.collect(trainer, rows)

    def search(self, now: Pass, decoder: Decoder) -> None:
        """Look for better latents far away, where steps do not lead."""

    def polish(self, now: Pass, decoder: Decoder) -> None:
        """After the last pass, which moved the decoder while it placed the particles: place them once more."""

    def place_again(
        self, now: Pass, decoder: Decoder, batch: Batch, z: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Latents ``(b, k)`` and precision ``(b, k, k)`` of images as if they were seen for the first time, whichever
        they are; nothing is kept. ``z`` ``(b, k)`` is about where they may be. Poses are solved for where the stage's
        may be corrected.
        """
        if decoder.straight:
            step = decoder.place(now.stage, batch)
            return step.z, step.precision
        prior = now.points.prior(batch)
        for _ in range(STEPS_AGAIN):
            step = gauss_newton(decoder, now.stage, batch, z, prior)
            z, batch = step.z, replace(batch, correction=step.correction_at(step.z))
        return step.z, step.precision

    def write(self, output: Output, trainer: Trainer) -> None:
        """What a model needs of it to place other images, beside the latents."""

    def state(self) -> dict[str, torch.Tensor]:
        """Tensors by name that the next pass depends on beside the points, such as a network's weights."""
        return {}

    def restore(self, tensors: dict[str, torch.Tensor]) -> None:
        """Take over what `state` gave, of an interrupted training."""

    def finish_pass(self, now: Pass, decoder: Decoder) -> None:
        """After a pass: make the latents white, the decoder taking up the difference, if its axes may change."""
        if not (self.points.frozen or decoder.fixed_axes):
            self.points.whiten(now.trainer.membership.probability > 0.5, decoder.substitute, decoder.straight)


"""Where latents come from: the protocol of a latent source, one row of the grid of methods."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Protocol

import numpy as np
import torch

from ..decoders.decoder import Decoder, Pass
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
    optimiser : where it learns by the gradient of batches, as a network does; else None.
    """

    settings: Any
    points: ParticleLatents
    given: np.ndarray | None = None
    frozen: bool = False
    optimiser: torch.optim.Optimizer | None = None

    def begin(self, trainer: Trainer, dims: int) -> None:
        """Have ``points`` of ``dims`` dimensions for the trainer's particles."""
        self.points = ParticleLatents.unknown(len(trainer.images), dims, trainer.device, frozen=self.frozen)

    def move(self, now: Pass, decoder: Decoder, batch: Batch, white: torch.Tensor) -> tuple[Batch, torch.Tensor]:
        """Move the latents of a batch; the latents ``(b, k)`` from which the decoder shall learn, and the batch with
        the poses that are best there. ``white`` ``(b, k)`` are normal numbers.
        """
        ...

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

    def state(self) -> dict[str, torch.Tensor]:
        """What the next pass depends on beside the points, such as a network's weights."""
        return {}

    def restore(self, tensors: dict[str, torch.Tensor]) -> None:
        """Be as `state` was."""

    def settle(self, now: Pass, decoder: Decoder) -> None:
        """After a pass: make the latents white, the decoder taking up the difference."""
        if not self.points.frozen:
            self.points.whiten(now.trainer.membership.probability > 0.5, decoder.substitute, decoder.straight)


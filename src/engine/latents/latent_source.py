"""Where latents come from: the protocol of a latent source, one row of the grid of methods."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import torch

from ..decoders.decoder import Decoder, Pass
from ..training.batches import Batch
from ..training.trainer import Trainer
from .particle_latents import ParticleLatents


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

    def state(self) -> dict[str, torch.Tensor]:
        """What the next pass depends on beside the points, such as a network's weights."""
        return {}

    def restore(self, tensors: dict[str, torch.Tensor]) -> None:
        """Be as `state` was."""

    def settle(self, now: Pass, decoder: Decoder) -> None:
        """After a pass: make the latents white, the decoder taking up the difference, if its axes may change."""
        if not (self.points.frozen or decoder.fixed_axes):
            self.points.whiten(now.trainer.membership.probability > 0.5, decoder.substitute, decoder.straight)


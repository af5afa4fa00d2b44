"""The price of knowing a latent: the divergence of its distribution from a unit normal one, and how much that counts.

Sources that have a mean and a variance for each particle minimise E_q [misfit] + β KL(q ‖ N(0, 1)), the negative
evidence bound where β = 1 (Kingma & Welling 2014; β: Higgins et al. 2017).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ...parameters import parameter
from ..decoders.decoder import Pass

GROUP = "latents with a variance"


@dataclass(frozen=True)
class LatentPrior:
    """How much the prior of latents counts."""

    beta: float = parameter(
        1.0,
        help="weight of the latents' divergence from a unit normal distribution; 1 is the evidence bound, less lets "
        "latents spread, 0 is an auto-encoder without a prior, whose latents have no scale",
        low=0,
        high=1000,
        group=GROUP,
    )
    beta_passes: int = parameter(
        1,
        help="passes over the images after which that weight is reached; it rises from 0, so that latents are found "
        "before they are held together",
        low=0,
        high=1000,
        advanced=True,
        group=GROUP,
    )


def beta_in(settings: LatentPrior, now: Pass) -> float:
    """The weight of the prior in a pass; before the first it is said where it is nothing."""
    if settings.beta == 0 and now.epoch == 0:
        now.trainer.log("beta is 0: an auto-encoder without a prior; its latents have no scale, and how well they are "
                        "known says nothing.")  # fmt: skip
    return settings.beta * min(1.0, now.epoch / settings.beta_passes if settings.beta_passes else 1.0)


def divergence(mean: torch.Tensor, log_variance: torch.Tensor) -> torch.Tensor:
    """KL(N(mean, variance) ‖ N(0, 1)) of particles ``(b,)``, nats; both are ``(b, k)``."""
    return 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).sum(dim=1)

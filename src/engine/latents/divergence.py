"""The price of knowing a latent: the divergence of its distribution from a unit normal one, and how much that counts.

Sources that have a mean and a variance for each particle minimise E_q [misfit] + β KL(q ‖ N(0, 1)), the negative
evidence bound where β = 1 (Kingma & Welling 2014; β: Higgins et al. 2017).
"""

from __future__ import annotations

import torch

from ..decoders.decoder import Pass
from .latent_prior import LatentPrior


def beta_in(settings: LatentPrior, now: Pass) -> float:
    """The weight of the prior in a pass; before the first it is said where it is nothing."""
    if settings.beta == 0 and now.epoch == 0:
        now.trainer.log("beta is 0: an auto-encoder without a prior; its latents have no scale, and how well they are "
                        "known says nothing.")  # fmt: skip
    return settings.beta * min(1.0, now.epoch / settings.beta_passes if settings.beta_passes else 1.0)


def divergence(mean: torch.Tensor, log_variance: torch.Tensor) -> torch.Tensor:
    """KL(N(mean, variance) ‖ N(0, 1)) of particles ``(b,)``, nats; both are ``(b, k)``."""
    return 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).sum(dim=1)

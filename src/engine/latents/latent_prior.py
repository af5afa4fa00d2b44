"""How much the prior of latents counts that have a mean and a variance each: what their sources are asked."""

from __future__ import annotations

from dataclasses import dataclass

from ...parameters import parameter

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

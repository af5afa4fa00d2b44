"""What the variational table of latents can be asked."""

from __future__ import annotations

from dataclasses import dataclass

from ...parameters import parameter
from .initial_latents import KeptLatents
from .latent_prior import LatentPrior

GROUP = "variational table of latents"


@dataclass(frozen=True)
class VariationalParameters(KeptLatents, LatentPrior):
    """A mean and a variance per particle, moved along the gradient. With a linear decoder both are solved for."""

    initial_means: str = parameter(
        "guess",
        help="where means begin: guess, where the decoder's first guess or the initial latents have them; zero; "
        "random, unit normal",
        choices=("guess", "zero", "random"),
        group=GROUP,
    )
    table_rate: float = parameter(
        0.3, help="first rate of the steps of means and log variances", low=1e-6, high=10, advanced=True, group=GROUP
    )
    final_table_rate: float = parameter(
        0.02, help="last rate of these steps, reached along a cosine", low=0, high=10, advanced=True, group=GROUP
    )

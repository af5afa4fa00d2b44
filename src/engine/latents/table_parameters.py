"""What the table of latents can be asked."""

from __future__ import annotations

from dataclasses import dataclass

from ...parameters import parameter
from .initial_latents import KeptLatents

GROUP = "table of latents"


@dataclass(frozen=True)
class TableParameters(KeptLatents):
    """One latent point per particle, moved by Gauss–Newton steps. Latents are in units of their standard deviation.

    The pull of the N(0, 1) prior is multiplied by ``centering``; ``latent_noise`` is 1 for each particle's own
    uncertainty.
    """

    latent_noise: float = parameter(
        1.0, help="noise that the flow sees added to the latents, in units of each particle's own uncertainty",
        low=0, high=10, advanced=True, group=GROUP,
    )  # fmt: skip
    centering: float = parameter(
        1.0,
        help="weight of the normal prior that keeps badly determined particles near the centre",
        low=0,
        high=1000,
        advanced=True,
        group=GROUP,
    )

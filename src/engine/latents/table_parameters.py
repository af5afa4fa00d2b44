"""What the table of latents can be asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...parameters import parameter

GROUP = "table of latents"


@dataclass(frozen=True)
class TableParameters:
    """One latent point per particle, moved by Gauss–Newton steps. Latents are in units of their standard deviation.

    The pull of the N(0, 1) prior is multiplied by ``centering``; ``latent_noise`` is 1 for each particle's own
    uncertainty.
    """

    initial_latents: Path | None = parameter(
        None,
        help="latents to begin with, with --start latents: a train job; the folder of cryoDRGN, RECOVAR or 3D "
        "Variability, or its z.N.pkl or .cs; or an .npz or .csv. They are matched by uid or by the names of images; a "
        "file that has neither is in the order of the particles",
        group=GROUP,
    )
    freeze_latents: bool = parameter(
        False, help="keep the initial latents as they are and learn the flow only", advanced=True, group=GROUP
    )
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

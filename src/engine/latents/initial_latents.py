"""Latents that a person gives to begin with: what every source that can begin with them is asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...parameters import parameter

GROUP = "latents"


@dataclass(frozen=True)
class InitialLatents:
    """Latents to begin with, which decoders ask for by ``start``."""

    initial_latents: Path | None = parameter(
        None,
        help="latents to begin with, with --start latents: a train job; the folder of cryoDRGN, RECOVAR or 3D "
        "Variability, or its z.N.pkl or .cs; or an .npz or .csv. They are matched by uid or by the names of images; a "
        "file that has neither is in the order of the particles",
        group=GROUP,
    )


@dataclass(frozen=True)
class KeptLatents(InitialLatents):
    """Latents to begin with, which may be kept."""

    freeze_latents: bool = parameter(
        False, help="keep the initial latents as they are and learn the flow only", advanced=True, group=GROUP
    )

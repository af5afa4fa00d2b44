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
        help="latents to begin with: a train job of the same particles, or an .npz with an array z (particles x dims)",
        group=GROUP,
    )


@dataclass(frozen=True)
class KeptLatents(InitialLatents):
    """Latents to begin with, which may be kept."""

    freeze_latents: bool = parameter(
        False, help="keep the initial latents as they are and learn the flow only", advanced=True, group=GROUP
    )

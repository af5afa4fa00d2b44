"""A second latent source: latents that a file gives, and that stay as they are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from chimerax.flexrec.engine.latents.latent_source import LatentSource
from chimerax.flexrec.parameters import parameter

KNOWN = 100.0  # precision that the file's latents are said to have


@dataclass(frozen=True)
class GivenParameters:
    points: Path | None = parameter(None, help="file with the latents", group="given latents")


class GivenLatents(LatentSource):
    frozen = True

    def __init__(self, settings, given=None):
        self.settings = settings

    def begin(self, trainer, dims):
        self.given = np.load(self.settings.points)["z"].astype(np.float32)
        super().begin(trainer, dims)
        self.points.precision *= KNOWN

    def move(self, now, decoder, batch, white):
        return batch, now.points.z[batch.rows]

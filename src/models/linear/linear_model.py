"""A trained linear model, read from its folder: a map and the components that are added to it. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ...particles.resample import resample_box
from ..interface import DecodeOptions, Model
from ..model_files import read_stage, read_stage_map


@dataclass(frozen=True, eq=False, kw_only=True)
class LinearModel(Model):
    """A trained linear model, read from a train job: V(z) = V₀ + Σ zₖ Vₖ. Density comes and goes, but nothing moves.

    ``volume`` is V₀, zero outside the mask; ``components`` ``(K, N, N, N)`` float32 are the others, the best determined
    first.
    """

    kind = "linear"

    components: np.ndarray

    def decode(self, z: np.ndarray | Sequence[float], how: DecodeOptions = DecodeOptions()) -> np.ndarray:  # noqa: B008
        """The map ``(N, N, N)`` float32 ``[z, y, x]`` at a latent point ``(K,)``."""
        return self.volume + np.tensordot(self.checked(z), self.components, 1)

    def coarser(self, box: int) -> LinearModel:
        """The same model on an even, smaller box over the same field of view."""
        return replace(
            self,
            volume=resample_box(self.volume, box),
            components=np.stack([resample_box(one, box) for one in self.components]),
            box=box,
            pixel_size=self.pixel_size * self.box / box,
        )

    def arrays(self) -> tuple[np.ndarray, ...]:
        """All arrays that make it the model that it is."""
        return self.latents, self.volume, self.components


def read_linear_model(folder: Path, about: dict) -> LinearModel:
    """The linear model in a folder whose model.json says ``about``; ``InputError`` where its files do not fit together.
    """
    stage = read_stage(folder, about)
    names = [f"component_{k + 1}.mrc" for k in range(about["latent_dims"])]
    return LinearModel(components=np.stack([read_stage_map(folder / name, about) for name in names]), **stage)

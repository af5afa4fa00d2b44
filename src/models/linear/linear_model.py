"""A trained linear model: a map and the components that are added to it. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...particles.resample import resample_box
from ..latent_points import checked_latents


@dataclass(frozen=True, eq=False)
class LinearModel:
    """A trained linear model, read from a train job: V(z) = V₀ + Σ zₖ Vₖ. Density comes and goes, but nothing moves.

    Attributes
    ----------
    latents : ``(n, K)`` float32, one white point per particle, the best determined axis first.
    precision : ``(n, K, K)`` float32.
    volume : ``(N, N, N)`` float32 ``[z, y, x]``, V₀, zero outside the mask. components : ``(K, N, N, N)`` float32.
    box : N, of the stage that training is in. pixel_size : Å. latent_dims : K.
    centre : ``(3,)`` float64 Å xyz, where voxel N//2 of the maps lies in the space of the consensus trained on.
    epoch : of training; epochs : that it shall have.
    """

    latents: np.ndarray
    precision: np.ndarray
    volume: np.ndarray
    components: np.ndarray
    box: int
    pixel_size: float
    centre: np.ndarray
    latent_dims: int
    epoch: int
    epochs: int

    kind = "linear"
    moves = False

    def checked(self, z: np.ndarray | Sequence[float]) -> np.ndarray:
        """``z`` as ``(…, K)`` float32; ``InputError`` where its length is not K or a number is not finite."""
        return checked_latents(z, self.latent_dims)

    def decode(self, z: np.ndarray | Sequence[float]) -> np.ndarray:
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

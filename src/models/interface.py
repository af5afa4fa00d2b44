"""What every trained model can be asked, whatever decodes its maps."""

from __future__ import annotations

from typing import Protocol

import numpy as np


class Model(Protocol):
    """A trained model: where the particles lie, and the map at any latent point.

    Attributes
    ----------
    latents : ``(n, K)`` float32, one point per particle.
    latent_dims : K. box : voxels on a side of the maps. pixel_size : Å per voxel.
    epoch : epochs of training behind the checkpoint that was read.
    """

    latents: np.ndarray
    latent_dims: int
    box: int
    pixel_size: float
    epoch: int

    def decode(self, z: np.ndarray) -> np.ndarray:
        """The map ``(N, N, N)`` float32 ``[z, y, x]`` at a latent point ``(K,)``."""
        ...

    def displace(self, z: np.ndarray, points: np.ndarray) -> np.ndarray:
        """Where points ``(m, 3)``, Å xyz from the centre of voxel N//2, are at a latent point: ``(m, 3)`` Å."""
        ...

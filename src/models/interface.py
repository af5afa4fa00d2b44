"""What every trained model can be asked, whatever decodes its maps."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from ..mesh.tetmesh import TetMesh


class Model(Protocol):
    """A trained model: where the particles lie, and the map at any latent point.

    Attributes
    ----------
    latents : ``(n, K)`` float32, one point per particle. precision : ``(n, K, K)`` float32, of its posterior.
    volume : ``(N, N, N)`` float32 ``[z, y, x]``, the map that the others are made from.
    latent_dims : K. box : voxels on a side of the maps. pixel_size : Å per voxel.
    centre : ``(3,)`` float64 Å xyz, where voxel N//2 of the maps lies in the space of the consensus trained on.
    epoch : epochs of training behind the checkpoint that was read; epochs : that it shall have.
    kind : flow or linear. moves : whether it says where a point goes, and so is a `MovingModel`.
    """

    kind: str
    moves: bool
    latents: np.ndarray
    precision: np.ndarray
    volume: np.ndarray
    latent_dims: int
    box: int
    pixel_size: float
    centre: np.ndarray
    epoch: int
    epochs: int

    def checked(self, z: np.ndarray) -> np.ndarray:
        """``z`` as ``(…, K)`` float32; ``InputError`` where its length is not K or a number is not finite."""
        ...

    def decode(self, z: np.ndarray) -> np.ndarray:
        """The map ``(N, N, N)`` float32 ``[z, y, x]`` at a latent point ``(K,)``."""
        ...


class MovingModel(Model, Protocol):
    """A model that carries density along, and so says where every point of the molecule is."""

    mesh: TetMesh

    def vertices(self, z: np.ndarray) -> np.ndarray:
        """Moved vertices ``(…, v, 3)``, Å, of the mesh at latent points ``(…, K)``."""
        ...

    def displace(self, z: np.ndarray, points: np.ndarray) -> np.ndarray:
        """Where points ``(m, 3)``, Å xyz from the centre of voxel N//2, are at a latent point: ``(m, 3)`` Å."""
        ...

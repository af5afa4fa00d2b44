"""A trained flow: the canonical map, and where everything in it goes at a latent point. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ...mesh.locate import locate
from ...mesh.tetmesh import TetMesh
from ...mesh.voxels import mask_on_grid, nearest_part
from ..latent_points import checked_latents
from .flow_arrays import FlowArrays
from .map_decoder import Decoder, make_decoder


@dataclass(frozen=True, eq=False)
class Anchors:
    """Points tied to the mesh: each is the mean of four vertices, weighted by its barycentric coordinates.

    Attributes
    ----------
    corners : ``(m, 4)`` vertices. weights : ``(m, 4)`` float32, rows summing to 1.
    """

    corners: np.ndarray
    weights: np.ndarray

    def follow(self, vertices: np.ndarray) -> np.ndarray:
        """The points ``(…, m, 3)`` for moved vertices ``(…, v, 3)``, Å."""
        return np.einsum("mk,...mkd->...md", self.weights, vertices[..., self.corners, :])


@dataclass(frozen=True, eq=False)
class FlowModel:
    """A trained flow model, read from a train job.

    Attributes
    ----------
    mesh : the mesh at rest. flow : from latent points to moved vertices.
    latents : ``(n, K)`` float32, one white point per particle. precision : ``(n, K, K)`` float32.
    volume : ``(N, N, N)`` float32 ``[z, y, x]``, the canonical map, zero outside the mask.
    box : N, of the stage that training is in. pixel_size : Å. latent_dims : K.
    centre : ``(3,)`` float64 Å xyz, where voxel N//2 of the maps lies in the space of the consensus trained on.
    epoch : of training; epochs : that it shall have.
    """

    mesh: TetMesh
    flow: FlowArrays
    latents: np.ndarray
    precision: np.ndarray
    volume: np.ndarray
    box: int
    pixel_size: float
    centre: np.ndarray
    latent_dims: int
    epoch: int
    epochs: int

    kind = "flow"
    moves = True

    def checked(self, z: np.ndarray | Sequence[float]) -> np.ndarray:
        """``z`` as ``(…, K)`` float32; ``InputError`` where its length is not K or a number is not finite."""
        return checked_latents(z, self.latent_dims)

    def vertices(self, z: np.ndarray | Sequence[float]) -> np.ndarray:
        """Moved vertices ``(…, v, 3)``, Å, at latent points ``(…, K)``."""
        z = self.checked(z)
        return self.flow.moved(z.reshape(-1, self.latent_dims)).reshape(*z.shape[:-1], -1, 3)

    def anchor(self, points: np.ndarray) -> Anchors:
        """Tie points ``(m, 3)`` Å to the mesh once, to let them follow it often: atoms, a contour, voxels.

        Where unjoined parts overlap, a point goes with the part that carries the nearest voxel, as the map does.
        """
        points = np.asarray(points, np.float64).reshape(-1, 3)
        part = nearest_part(self.mesh, points) if self.mesh.parts > 1 else None
        cell, weights = locate(self.mesh, points, part)
        return Anchors(self.mesh.cells[cell], weights.astype(np.float32))

    def displace(self, z: np.ndarray | Sequence[float], points: np.ndarray) -> np.ndarray:
        """Where points ``(m, 3)`` Å are at a latent point: ``(m, 3)`` Å. `anchor` them to ask often."""
        return self.anchor(points).follow(self.vertices(z))

    @cached_property
    def decoder(self) -> Decoder:
        """What decodes the model's own map, prepared once."""
        # beyond the voxels that training moved the map is zero, and zeros need no moving
        return make_decoder(self.mesh, self.volume, self.pixel_size, self.volume != 0)

    def decoder_for(self, volume: np.ndarray, pixel_size: float, keep_outside: bool = False) -> Decoder:
        """A decoder for another map of the same molecule in the same place, such as a sharper one of a larger box.

        Parameters
        ----------
        volume : ``(N, N, N)`` ``[z, y, x]``, any N. pixel_size : Å.
        keep_outside : add what lies outside the mesh's mask, unmoved; otherwise it is left out.
        """
        mask = mask_on_grid(self.mesh, volume.shape[0], pixel_size)
        return make_decoder(self.mesh, volume, pixel_size, mask, keep_outside)

    def decode(
        self, z: np.ndarray | Sequence[float], volume: np.ndarray | None = None, pixel_size: float | None = None
    ) -> np.ndarray:
        """The map ``(N, N, N)`` float32 ``[z, y, x]`` at a latent point ``(K,)``: every voxel carried along the flow.

        Mass is conserved. ``volume`` with its ``pixel_size`` (Å) is moved in place of the model's own map; use
        `decoder_for` to move it often.
        """
        if volume is None:
            return self.decoder.map(self.vertices(z))
        if pixel_size is None:
            raise ValueError("a volume needs its pixel size")
        return self.decoder_for(volume, pixel_size).map(self.vertices(z))

"""A trained flow: the canonical map, and where everything in it goes at a latent point. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ...mesh.locate import locate
from ...mesh.tetmesh import TetMesh
from ...mesh.voxels import mask_on_grid, nearest_part
from ...particles.resample import resample_box
from ..interface import Anchors, DecodeOptions, Model
from .flow_arrays import FlowArrays
from .moved_map import MovedMap, moved_map


@dataclass(frozen=True, eq=False, kw_only=True)
class FlowModel(Model):
    """A trained flow model, read from a train job; it says itself where points go.

    Attributes
    ----------
    mesh : the mesh at rest. flow : from latent points to moved vertices.
    volume : ``(N, N, N)`` float32 ``[z, y, x]``, the canonical map, zero outside the mask.
    """

    kind = "flow"

    mesh: TetMesh
    flow: FlowArrays

    @property
    def moving(self) -> FlowModel:
        """Itself."""
        return self

    def vertices(self, z: np.ndarray | Sequence[float]) -> np.ndarray:
        """Moved vertices ``(…, v, 3)``, Å, at latent points ``(…, K)``."""
        z = self.checked(z)
        return self.flow.moved(z.reshape(-1, self.latent_dims)).reshape(*z.shape[:-1], -1, 3)

    def carried(self, z: np.ndarray | Sequence[float]) -> np.ndarray:
        """Moved vertices ``(…, v, 3)`` Å, as `vertices`: all density is present."""
        return self.vertices(z)

    @property
    def may_be_absent(self) -> np.ndarray:
        """Share ``(v,)`` of the density about each vertex that comes and goes: none."""
        return np.zeros(len(self.mesh.vertices))

    def what_is_there(self, z: np.ndarray | Sequence[float]) -> tuple[int, ...]:
        """An empty tuple: all density is there at any latent point."""
        return ()

    def at_rest(self, there: tuple[int, ...]) -> np.ndarray:
        """The canonical map."""
        return self.volume

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
    def decoder(self) -> MovedMap:
        """The model's own map, prepared once to be moved."""
        # beyond the voxels that training moved the map is zero, and zeros need no moving
        return moved_map(self.mesh, self.volume, self.pixel_size, self.volume != 0)

    def decode(self, z: np.ndarray | Sequence[float], how: DecodeOptions = DecodeOptions()) -> np.ndarray:  # noqa: B008
        """The map ``(N, N, N)`` float32 ``[z, y, x]`` at a latent point ``(K,)``: every voxel carried along the flow.

        Mass is conserved.
        """
        return self.decoder.map(self.vertices(z), how)

    def with_map(self, volume: np.ndarray, pixel_size: float, keep_outside: bool = False) -> FlowModel:
        """The same flow of another map of the same molecule in the same place, ``(N, N, N)`` ``[z, y, x]``, any N.

        ``keep_outside``: add what lies outside the mesh's mask, unmoved; otherwise it is left out.
        """
        other = replace(self, volume=volume, box=volume.shape[0], pixel_size=pixel_size)
        mask = mask_on_grid(self.mesh, volume.shape[0], pixel_size)
        other.__dict__["decoder"] = moved_map(self.mesh, volume, pixel_size, mask, keep_outside)
        return other

    def coarser(self, box: int) -> FlowModel:
        """The same model on an even, smaller box; the map's values, and so a contour's level, stay."""
        return self.with_map(resample_box(self.volume, box), self.pixel_size * self.box / box)

    @property
    def density_points(self) -> tuple[np.ndarray, np.ndarray]:
        """Points ``(n, 3)`` Å xyz of the map's voxels and their density ``(n,)``."""
        return self.decoder.voxels.points, self.decoder.density

    @cached_property
    def mass(self) -> np.ndarray:
        """Share ``(v,)`` of the map's positive density that each vertex carries, summing to 1."""
        mass = self.decoder.voxels.vertex_mass(self.decoder.density, len(self.mesh.vertices))
        return mass / max(mass.sum(), 1e-30)

    def arrays(self) -> tuple[np.ndarray, ...]:
        """All arrays that make it the model that it is."""
        network = (array for layer in self.flow.layers for array in layer)
        return (self.mesh.vertices, self.mesh.cells, self.flow.modes, self.flow.linear, self.latents, self.volume,
                *network)  # fmt: skip

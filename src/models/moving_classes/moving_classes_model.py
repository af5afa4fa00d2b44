"""A trained flow that carries several maps, of which each particle shows one. No torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ...engine.decoders.classes.simplex import corners, shares_at
from ..classes.class_shares import class_columns, coarser_maps, shares_text
from ..flow.flow_model import FlowModel
from ..interface import DecodeOptions
from ..origin import GivenColumn

PRESENT = 0.5  # a part of which a class has less is one that comes and goes


@dataclass(frozen=True, eq=False, kw_only=True)
class MovingClassesModel(FlowModel):
    """A flow model whose map depends on the class.

    Latents are those of the motion ``(…, k)``, then the probabilities of the classes as a place in a simplex
    ``(…, K − 1)``. ``volumes`` ``(K, N, N, N)`` are the maps of the classes at rest, ``volume`` their mean by how many
    particles show each.
    """

    kind = "flow of classes"

    volumes: np.ndarray

    @property
    def motion_dims(self) -> int:
        """How many of the latent dimensions are of the motion."""
        return self.flow.latent_dims

    def vertices(self, z: np.ndarray | Sequence[float]) -> np.ndarray:
        """Moved vertices ``(…, v, 3)``, Å, at latent points: the same in all classes."""
        z = self.checked(z)
        flat = z.reshape(-1, self.latent_dims)[:, : self.motion_dims]
        return self.flow.moved(flat).reshape(*z.shape[:-1], -1, 3)

    @cached_property
    def _presence(self) -> np.ndarray:
        """How much ``(K, p)`` of each part of the mesh each class has, 0…1, the class that has most of it being 1."""
        density, membership = np.maximum(self._densities, 0), self.flow.membership
        mass = np.stack([density @ self.decoder.interpolated(part) for part in membership.T], axis=1)
        return mass / np.maximum(mass.max(axis=0), 1e-30)

    @property
    def fading(self) -> tuple[int, ...]:
        """Parts, from 0, of which a class has less than half of what another has."""
        return tuple(int(part) for part in np.flatnonzero(self._presence.min(axis=0) < PRESENT))

    @property
    def may_be_absent(self) -> np.ndarray:
        """Share ``(v,)`` of the density about each vertex that a class lacks."""
        return self.flow.membership[:, list(self.fading)].sum(axis=1)

    def presence(self, z: np.ndarray | Sequence[float]) -> np.ndarray:
        """How much ``(…, p)`` of each part is there, 0…1, at latent points ``(…, K)``."""
        return shares_at(self.checked(z)[..., self.motion_dims :]) @ self._presence

    def what_is_there(self, z: np.ndarray | Sequence[float]) -> tuple[int, ...]:
        """The nearest class, from 0."""
        return (int(shares_at(self.checked(z)[self.motion_dims :]).argmax()),)

    def at_rest(self, there: tuple[int, ...]) -> np.ndarray:
        """The map of that class."""
        return self.volumes[there[0]]

    def decode(self, z: np.ndarray | Sequence[float], how: DecodeOptions = DecodeOptions()) -> np.ndarray:  # noqa: B008
        """The map ``(N, N, N)`` float32 ``[z, y, x]`` at a latent point: that of its class, carried; mixed between
        classes.
        """
        z = self.checked(z)
        density = shares_at(z[self.motion_dims :]) @ self._densities
        return replace(self.decoder, density=density).map(self.vertices(z), how)

    @cached_property
    def _densities(self) -> np.ndarray:
        """Mass ``(K, n)`` float32 of each class at the voxels that `decoder` moves."""
        return np.stack([one.reshape(-1)[self.decoder.voxels.voxel] for one in self.volumes])

    def with_map(self, volume: np.ndarray, pixel_size: float, keep_outside: bool = False) -> FlowModel:
        """The same flow of one map for all classes."""
        decoder = super().with_map(volume, pixel_size, keep_outside).decoder
        alike = np.broadcast_to(volume, (len(self.volumes), *volume.shape))
        other = replace(self, volume=volume, volumes=alike, box=volume.shape[0], pixel_size=pixel_size)
        other.__dict__["decoder"] = decoder
        return other

    def coarser(self, box: int) -> FlowModel:
        """The same model on an even, smaller box over the same field of view."""
        return replace(self, **coarser_maps(self.volume, self.volumes, self.pixel_size, box))

    @cached_property
    def shares(self) -> np.ndarray:
        """The probability ``(n, K)`` of each particle to show each class."""
        return shares_at(self.latents[:, self.motion_dims :])

    @property
    def columns(self) -> Mapping[str, GivenColumn]:
        """The class of each particle, counted from 1, and the probability of it."""
        return {**super().columns, **class_columns(self.shares)}

    @property
    def states(self) -> Mapping[str, np.ndarray]:
        """A latent point of each class, by name: its corner of the simplex, at the middle of the motion."""
        middle = np.zeros(self.motion_dims, np.float32)
        places = corners(self.latent_dims - self.motion_dims + 1)
        return {f"class {k + 1}": np.concatenate([middle, place]) for k, place in enumerate(places)}

    @property
    def notes(self) -> tuple[str, ...]:
        """The share of the particles that each class has."""
        return (f"{len(self.volumes)} classes, which move alike, with these shares of the particles: "
                f"{shares_text(self.shares)}.", *super().notes)  # fmt: skip

    def arrays(self) -> tuple[np.ndarray, ...]:
        """All arrays that make it the model that it is."""
        return (*super().arrays(), self.volumes)

"""A trained flow whose parts may come and go: where everything is at a latent point, and how much of it. No torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...mesh.regions import Regions
from ..flow.flow_model import FlowModel
from ..interface import DecodeOptions
from ..origin import GivenColumn
from .presence_arrays import PresenceArrays

PRESENT = 0.5  # a part of which there is at least so much is said to be present


@dataclass(frozen=True, eq=False, kw_only=True)
class OccupancyModel(FlowModel):
    """A flow model with the presence of its regions: the mesh's parts, and what was cut off parts.

    ``volume`` is the map with everything present. level : how much of each region there is at z.
    """

    kind = "flow with occupancy"

    regions: Regions
    level: PresenceArrays

    @property
    def fading(self) -> tuple[int, ...]:
        """Regions, from 0, that come and go."""
        return tuple(int(region) for region in np.flatnonzero(self.level.fades))

    @property
    def region_names(self) -> tuple[str, ...]:
        """What a person calls the regions."""
        return self.regions.names(self.mesh.part_names)

    @property
    def may_be_absent(self) -> np.ndarray:
        """Share ``(v,)`` of the density about each vertex that comes and goes."""
        return self.regions.share[:, list(self.fading)].sum(axis=1)

    def presence(self, z: np.ndarray | Sequence[float]) -> np.ndarray:
        """How much ``(…, r)`` of each region is there, 0…1, at latent points ``(…, K)``."""
        z = self.checked(z)
        return self.level.at(z.reshape(-1, self.latent_dims)).reshape(*z.shape[:-1], -1)

    @property
    def columns(self) -> Mapping[str, GivenColumn]:
        """The presence of each region that fades, in each particle; NaN where that has no latent point.

        A region goes by what a person calls it.
        """
        values = np.full((len(self.latents), len(self.level.fades)), np.nan, np.float32)
        values[self.finite] = self.presence(self.latents[self.finite])
        names = self.region_names
        own = {f"presence{names[region]}": GivenColumn(values[:, region], False) for region in self.fading}
        return {**super().columns, **own}

    @property
    def notes(self) -> tuple[str, ...]:
        """In how many particles each region that fades is present."""
        present = self.presence(self.latents[self.finite]) >= PRESENT
        names = self.region_names
        presence = (f"Part {names[region]} is present in {100 * present[:, region].mean():.0f} % of the particles."
                    for region in self.fading)  # fmt: skip
        return (*presence, *super().notes)

    def share(self, z: np.ndarray | Sequence[float]) -> np.ndarray | None:
        """How much ``(…, v)`` of the density about each vertex is there; None where all of it always is."""
        return self.presence(z) @ self.regions.share.T if self.fading else None

    def carried(self, z: np.ndarray | Sequence[float]) -> np.ndarray:
        """Moved vertices ``(…, v, 3)``; where anything fades ``(…, v, 4)``, with the share of density there."""
        share = self.share(z)
        return self.vertices(z) if share is None else np.concatenate([self.vertices(z), share[..., None]], axis=-1)

    def what_is_there(self, z: np.ndarray | Sequence[float]) -> tuple[int, ...]:
        """Of the regions that come and go, those that are present, from 0."""
        present = self.presence(z) >= PRESENT
        return tuple(region for region in self.fading if present[region])

    def at_rest(self, there: tuple[int, ...]) -> np.ndarray:
        """The canonical map without the regions that come and go and are not ``there``."""
        absent = [region for region in self.fading if region not in there]
        if not absent:
            return self.volume
        left, decoder = 1 - self.regions.share[:, absent].sum(axis=1), self.decoder
        volume = np.zeros(self.volume.size, np.float32)
        volume[decoder.voxels.voxel] = decoder.density * decoder.interpolated(left)
        return volume.reshape(self.volume.shape)

    def decode(self, z: np.ndarray | Sequence[float], how: DecodeOptions = DecodeOptions()) -> np.ndarray:  # noqa: B008
        """The map ``(N, N, N)`` float32 ``[z, y, x]`` at a latent point ``(K,)``: what is there, carried."""
        return self.decoder.map(self.vertices(z), how, self.share(z))

    def arrays(self) -> tuple[np.ndarray, ...]:
        """All arrays that make it the model that it is."""
        return (*super().arrays(), self.regions.share, self.level.fades, self.level.offset, self.level.slope)

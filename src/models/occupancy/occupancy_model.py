"""A trained flow whose parts may come and go: where everything is at a latent point, and how much of it. No torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..flow.flow_model import FlowModel
from ..interface import DecodeOptions
from ..origin import GivenColumn
from .presence_arrays import PresenceArrays

PRESENT = 0.5  # a part of which there is at least so much is said to be present


@dataclass(frozen=True, eq=False, kw_only=True)
class OccupancyModel(FlowModel):
    """A flow model with the presence of its parts.

    ``volume`` is the map with everything present. parts : how present each is at z.
    """

    kind = "flow with occupancy"

    parts: PresenceArrays

    @property
    def fading(self) -> tuple[int, ...]:
        """Parts, from 0, that come and go."""
        return tuple(int(part) for part in np.flatnonzero(self.parts.fades))

    def presence(self, z: np.ndarray | Sequence[float]) -> np.ndarray:
        """How much ``(…, p)`` of each part is there, 0…1, at latent points ``(…, K)``."""
        z = self.checked(z)
        return self.parts.at(z.reshape(-1, self.latent_dims)).reshape(*z.shape[:-1], -1)

    @property
    def columns(self) -> Mapping[str, GivenColumn]:
        """The presence of each part that fades, in each particle; NaN where that has no latent point.

        A part goes by what a person calls it.
        """
        values = np.full((len(self.latents), len(self.parts.fades)), np.nan, np.float32)
        values[self.finite] = self.presence(self.latents[self.finite])
        own = {f"presence{self.mesh.part_names[part]}": GivenColumn(values[:, part], False) for part in self.fading}
        return {**super().columns, **own}

    @property
    def notes(self) -> tuple[str, ...]:
        """In how many particles each part that fades is present."""
        present = self.presence(self.latents[self.finite]) >= PRESENT
        presence = (f"Part {self.mesh.part_names[part]} is present in {100 * present[:, part].mean():.0f} % of the "
                    "particles." for part in self.fading)  # fmt: skip
        return (*presence, *super().notes)

    def share(self, z: np.ndarray | Sequence[float]) -> np.ndarray | None:
        """How much ``(…, v)`` of the density about each vertex is there; None where all of it always is."""
        return self.presence(z) @ self.flow.membership.T if self.fading else None

    def carried(self, z: np.ndarray | Sequence[float]) -> np.ndarray:
        """Moved vertices ``(…, v, 3)``; where anything fades ``(…, v, 4)``, with the share of density there."""
        share = self.share(z)
        return self.vertices(z) if share is None else np.concatenate([self.vertices(z), share[..., None]], axis=-1)

    def what_is_there(self, z: np.ndarray | Sequence[float]) -> tuple[int, ...]:
        """Of the parts that come and go, those that are present, from 0."""
        present = self.presence(z) >= PRESENT
        return tuple(part for part in self.fading if present[part])

    def at_rest(self, there: tuple[int, ...]) -> np.ndarray:
        """The canonical map without the parts that come and go and are not ``there``."""
        absent = [part for part in self.fading if part not in there]
        if not absent:
            return self.volume
        left, decoder = 1 - self.flow.membership[:, absent].sum(axis=1), self.decoder
        volume = np.zeros(self.volume.size, np.float32)
        volume[decoder.voxels.voxel] = decoder.density * decoder.interpolated(left)
        return volume.reshape(self.volume.shape)

    def decode(self, z: np.ndarray | Sequence[float], how: DecodeOptions = DecodeOptions()) -> np.ndarray:  # noqa: B008
        """The map ``(N, N, N)`` float32 ``[z, y, x]`` at a latent point ``(K,)``: what is there, carried."""
        return self.decoder.map(self.vertices(z), how, self.share(z))

    def arrays(self) -> tuple[np.ndarray, ...]:
        """All arrays that make it the model that it is."""
        return (*super().arrays(), self.parts.fades, self.parts.offset, self.parts.slope)

"""The flow whose parts may fade: where every vertex is, and how much of the density about it is there."""

from __future__ import annotations

import numpy as np
import torch

from ....mesh.regions import Regions, whole_parts
from ..flow.flow_network import Flow, MotionBasis
from .presence import Presence


class OccupancyFlow(Flow):
    """Latent points ``(b, k)`` to moved vertices, and to the share of density there.

    Density of voxel v at z is V(v) Σ_r m(v, r) s_r(z): m is the share of the region r, linear in each tetrahedron, s
    the `Presence`. Regions are the mesh's parts, and what was cut off parts.
    """

    region_share: torch.Tensor
    region_part: torch.Tensor

    def __init__(self, basis: MotionBasis, latent_dims: int, hidden_units: int = 64, hidden_layers: int = 3) -> None:
        """A flow at rest, of which all is there."""
        super().__init__(basis, latent_dims, hidden_units, hidden_layers)
        self.part_names = basis.part_names
        self.divide(whole_parts(basis.membership))

    def divide(self, regions: Regions) -> None:
        """Have these regions, all of them always there; an optimiser is to be made anew."""
        device = self.vertices.device
        self.register_buffer("region_share", torch.from_numpy(np.asarray(regions.share, np.float32)).to(device))
        self.register_buffer("region_part", torch.from_numpy(np.asarray(regions.part, np.int64)).to(device))
        self.presence = Presence(len(regions.part), self.latent_dims).to(device)

    @property
    def regions(self) -> Regions:
        """What may come and go."""
        return Regions(self.region_share.cpu().numpy(), self.region_part.cpu().numpy())

    @property
    def region_names(self) -> tuple[str, ...]:
        """What a person calls the regions."""
        return self.regions.names(self.part_names)

    def take(self, arrays: dict[str, torch.Tensor]) -> None:
        """Be a trained flow; one of an older version has no regions but its parts."""
        own = {"region_share": self.membership, "region_part": torch.arange(len(self.parent))} | arrays
        self.divide(Regions(own["region_share"].cpu().numpy(), own["region_part"].cpu().numpy()))
        super().take(own)

    def carry(self, z: torch.Tensor) -> torch.Tensor:
        """Moved vertices ``(b, v, 3)``; where anything fades ``(b, v, 4)``, with the share of density there."""
        vertices = self(z)
        if not self.presence.any_fading:
            return vertices
        return torch.cat([vertices, self.share(self.presence(z))[..., None]], dim=-1)

    def share(self, presence: torch.Tensor) -> torch.Tensor:
        """How much of the density is there ``(b, v)`` about each vertex, for the ``presence`` ``(b, r)`` of regions."""
        return presence @ self.region_share.T

    @torch.no_grad()
    def reparametrise(self, mean: torch.Tensor, scale: torch.Tensor) -> None:
        """Rewrite the flow for latents z' with z = z' @ scale + mean, so that all looks the same."""
        super().reparametrise(mean, scale)
        self.presence.reparametrise(mean, scale)

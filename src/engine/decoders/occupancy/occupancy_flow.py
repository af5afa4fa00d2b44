"""The flow whose parts may fade: where every vertex is, and how much of the density about it is there."""

from __future__ import annotations

import torch

from ..flow.flow_network import Flow, MotionBasis
from .presence import Presence


class OccupancyFlow(Flow):
    """Latent points ``(b, k)`` to moved vertices, and to the share of density there.

    Density of voxel v at z is V(v) Σ_p m(v, p) s_p(z): m is the membership of parts, linear in each tetrahedron and
    shared about a joint as the motion is, s the `Presence`.
    """

    def __init__(self, basis: MotionBasis, latent_dims: int, hidden_units: int = 64, hidden_layers: int = 3) -> None:
        """A flow at rest, of which all is there."""
        super().__init__(basis, latent_dims, hidden_units, hidden_layers)
        self.presence = Presence(len(basis.parent), latent_dims)
        self.part_names = basis.part_names

    def carry(self, z: torch.Tensor) -> torch.Tensor:
        """Moved vertices ``(b, v, 3)``; where anything fades ``(b, v, 4)``, with the share of density there."""
        vertices = self(z)
        if not self.presence.any_fading:
            return vertices
        return torch.cat([vertices, self.share(self.presence(z))[..., None]], dim=-1)

    def share(self, presence: torch.Tensor) -> torch.Tensor:
        """How much of the density is there ``(b, v)`` about each vertex, for the ``presence`` ``(b, p)`` of parts."""
        return presence @ self.membership.T

    @torch.no_grad()
    def reparametrise(self, mean: torch.Tensor, scale: torch.Tensor) -> None:
        """Rewrite the flow for latents z' with z = z' @ scale + mean, so that all looks the same."""
        super().reparametrise(mean, scale)
        self.presence.reparametrise(mean, scale)

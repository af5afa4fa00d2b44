"""How much of each part is there at a latent point: 0, absent, to 1."""

from __future__ import annotations

import torch
from torch import nn

SHARPNESS = 12.0  # of the two bends: at 0 and 1 the presence is 0.06 from the end that it levels off to


def soft_clip(place: torch.Tensor) -> torch.Tensor:
    """Presence in 0…1 at a ``place`` along the line from absent (0) to present (1), any shape.

    As it is between the two, level beyond them: ∫ of a logistic step up at 0 and one down at 1. A logistic function
    would be as bounded; but where a particle lacks a part, or has it, its slope vanishes, and an image would seem to
    say nothing of what it says most clearly.
    """
    softplus = nn.functional.softplus
    return (softplus(SHARPNESS * place) - softplus(SHARPNESS * (place - 1))) / SHARPNESS


class Presence(nn.Module):
    """Latent points ``(b, k)`` to the presence ``(b, r)`` of each region: a part, or what was cut off one.

    ``fades`` ``(r,)``: whether a region comes and goes; the others are always there. ``offset`` ``(r,)`` and ``slope``
    ``(r, k)``: its place from absent to present at z is ``offset + slope @ z``.
    """

    fades: torch.Tensor

    def __init__(self, regions: int, latent_dims: int) -> None:
        """All regions are always there."""
        super().__init__()
        self.register_buffer("fades", torch.zeros(regions, dtype=torch.bool))
        self.offset = nn.Parameter(torch.ones(regions))
        self.slope = nn.Parameter(torch.zeros(regions, latent_dims))

    @property
    def fading(self) -> list[int]:
        """Regions, from 0, that come and go."""
        return torch.nonzero(self.fades)[:, 0].tolist()

    @property
    def any_fading(self) -> bool:
        """Whether any region comes and goes."""
        return bool(self.fades.any())

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """Presence ``(b, r)`` at latent points ``(b, k)``."""
        return torch.where(self.fades, soft_clip(self.offset + z @ self.slope.T), torch.ones_like(self.offset))

    @torch.no_grad()
    def held(self, z: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        """Latents ``(b, k)`` nearest to the ``other`` ones at which presence is what it is at ``z``."""
        slope = self.slope[self.fades]
        return other - (other - z) @ torch.linalg.pinv(slope) @ slope

    @torch.no_grad()
    def let_fade(self, region: int, offset: float, slope: torch.Tensor) -> None:
        """Let a region come and go along ``slope`` ``(k,)``, from ``offset``."""
        self.fades[region], self.offset[region], self.slope[region] = True, offset, slope

    @torch.no_grad()
    def reparametrise(self, mean: torch.Tensor, scale: torch.Tensor) -> None:
        """Rewrite it for latents z' with z = z' @ scale + mean; ``mean`` ``(k,)``, ``scale`` ``(k, k)``."""
        self.offset.add_(self.slope @ mean)
        self.slope.copy_(self.slope @ scale.T)

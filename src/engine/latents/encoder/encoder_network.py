"""The encoder's network: fully connected layers with residual connections (cryoDRGN's ResidLinearMLP)."""

from __future__ import annotations

import torch
from torch import nn


class _ResidualLayer(nn.Module):
    def __init__(self, units: int) -> None:
        super().__init__()
        self.linear = nn.Linear(units, units)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.linear(x)


class EncoderNetwork(nn.Module):
    """From ``(b, size)`` to mean and log variance ``(b, dims)``: a layer, ``layers`` residual ones, and the last."""

    def __init__(self, size: int, units: int, layers: int, dims: int) -> None:
        super().__init__()
        hidden: list[nn.Module] = [nn.Linear(size, units), nn.ReLU()]
        for _ in range(layers):
            hidden += [_ResidualLayer(units), nn.ReLU()]
        self.body = nn.Sequential(*hidden)
        self.head = nn.Linear(units, 2 * dims)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and log variance ``(b, dims)``."""
        mean, log_variance = self.head(self.body(x)).chunk(2, dim=1)
        return mean, log_variance


def seeded_network(size: int, units: int, layers: int, dims: int, seed: int) -> EncoderNetwork:
    """A network with weights of this seed, whatever other random numbers are drawn."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return EncoderNetwork(size, units, layers, dims)

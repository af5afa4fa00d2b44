"""The M step of linear components: what a pass over the images gathers, and the maps that it makes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

from .precise import in_double
from .slices import Nodes, SliceGrid

if TYPE_CHECKING:
    from .components import Samples

FREEDOM = 0.1  # prior power of a component in each shell, as a share of the mean map's
NODES = 50_000  # of Fourier space solved at a time


class ComponentStep:
    """What one pass over the images gathers for the M step."""

    def __init__(self, grid: SliceGrid, dims: int, device: torch.device) -> None:
        self._grid, self._size = grid, dims + 1
        self._pairs = torch.triu_indices(self._size, self._size, device=device)
        self._right = torch.zeros(grid.side**3, 2 * self._size, device=device)
        self._normal = torch.zeros(grid.side**3, self._pairs.shape[1], device=device)
        self._second = torch.zeros(self._size, self._size, device=device)
        self._count = torch.zeros(1, device=device)

    def add(self, samples: Samples, nodes: Nodes, z: torch.Tensor, precision: torch.Tensor) -> None:
        """Images with posterior N(z, precision⁻¹)."""
        one = torch.cat([torch.ones_like(z[:, :1]), z], dim=1)
        second = one[:, :, None] * one[:, None, :]
        second[:, 1:, 1:] += torch.linalg.inv(precision)
        weighted = samples.transfer * self._grid.weights
        right = (samples.images * weighted)[..., None] * one[:, None, :]
        self._grid.spread(self._right, nodes, torch.view_as_real(right).flatten(2))
        pairs = second[:, self._pairs[0], self._pairs[1]]
        self._grid.spread(self._normal, nodes, (weighted * samples.transfer)[..., None] * pairs[:, None, :])
        self._second += second.sum(dim=0)
        self._count += len(z)

    def sum_over(self, total: Callable[[torch.Tensor], torch.Tensor]) -> None:
        """Add what other processes have gathered."""
        for name in ("_right", "_normal", "_second", "_count"):
            setattr(self, name, total(getattr(self, name)))

    def solve(self, prior: torch.Tensor) -> torch.Tensor:
        """Maps ``(1 + k, N, N, N)``: ridge regression at every node, ``prior`` ``(side³,)`` being a component's power.
        """
        right = self._grid.with_mates(torch.view_as_complex(self._right.reshape(-1, self._size, 2).contiguous()))
        packed = self._grid.with_mates(self._normal)
        spectra = torch.zeros_like(right)
        for nodes in torch.nonzero(self._grid.solved)[:, 0].split(NODES):
            spectra[nodes] = self._solve_nodes(right[nodes], packed[nodes], prior[nodes])
        return self._grid.volumes(spectra)

    def _solve_nodes(self, right: torch.Tensor, packed: torch.Tensor, prior: torch.Tensor) -> torch.Tensor:
        """Ridge regression at some nodes ``(n, 1 + k)``."""
        normal = torch.zeros(len(right), self._size, self._size, device=right.device)
        normal[:, self._pairs[0], self._pairs[1]] = packed
        normal[:, self._pairs[1], self._pairs[0]] = packed
        # two samples of the half plane for each independent number of the whole: twice the prior's weight
        ridge = (2 / prior)[:, None].repeat(1, self._size)
        ridge[:, 0] *= FREEDOM
        return torch.linalg.solve((normal + torch.diag_embed(ridge)).to(right.dtype), right[..., None])[..., 0]

    def moments(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean ``(k,)`` and covariance ``(k, k)`` of the latents, posterior uncertainty included."""
        second = self._second / self._count
        return second[0, 1:], second[1:, 1:] - second[0, 1:, None] * second[0, None, 1:]


def whitened(volumes: torch.Tensor, mean: torch.Tensor, covariance: torch.Tensor) -> torch.Tensor:
    """The same model for latents of zero mean and unit covariance."""
    values, vectors = torch.linalg.eigh(in_double(covariance))
    factor = (vectors * values.clamp(min=1e-12).sqrt()).to(volumes)
    shifted = volumes[:1] + torch.einsum("k,kzyx->zyx", mean, volumes[1:])
    return torch.cat([shifted, torch.einsum("kj,kzyx->jzyx", factor, volumes[1:])])


def numbers_per_node(components: int) -> int:
    """How many numbers a pass gathers at each node of Fourier space."""
    size = components + 1
    return size * (size + 1) // 2 + 2 * size

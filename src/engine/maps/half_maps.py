"""Two half-maps, what they agree on, and the map that the agreement supports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from ..projector.fourier_grid import squared_radius
from ..projector.mesh_projector import VoxelCloud
from .fsc_weights import signal_share
from .least_squares import LeastSquares, solve_density


@dataclass(frozen=True)
class HalfMaps:
    """Densities ``(n,)`` of the two halves of the particles and their Fourier shell correlation ``(N // 2 + 1,)``."""

    first: torch.Tensor
    second: torch.Tensor
    fsc: torch.Tensor


def shell_of_voxel(box: int, device: torch.device) -> torch.Tensor:
    """Rounded radius ``(N, N, N // 2 + 1)`` of each rfftn frequency, at most ``N // 2 + 1`` (the corners)."""
    return squared_radius(box, device).sqrt().round().long().clamp(max=box // 2 + 1)


def shell_correlation(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Fourier shell correlation ``(N // 2 + 1,)`` of two maps ``(N, N, N)``; 1 at radius zero (Harauz & van Heel 1986).
    """
    box = first.shape[0]
    a, b = torch.fft.rfftn(first), torch.fft.rfftn(second)
    shell = shell_of_voxel(box, first.device).reshape(-1)
    double = torch.full((box // 2 + 1,), 2.0, device=first.device)
    double[0] = 1
    if box % 2 == 0:
        double[-1] = 1

    def by_shell(values: torch.Tensor) -> torch.Tensor:
        total = torch.zeros(box // 2 + 2, device=first.device)
        return total.index_add_(0, shell, (values * double).reshape(-1))[: box // 2 + 1]

    cross, power_a, power_b = by_shell((a * b.conj()).real), by_shell(a.abs() ** 2), by_shell(b.abs() ** 2)
    fsc = cross / (power_a * power_b).clamp(min=1e-30).sqrt()
    fsc[0] = 1
    return fsc


def solve_halves(
    problem_of: Callable[[np.ndarray], LeastSquares],
    halves: tuple[np.ndarray, np.ndarray],
    start: HalfMaps | None,
    iterations: int,
) -> HalfMaps:
    """Solve the density of each half of the particles by itself; ``problem_of(rows)`` is its least-squares problem."""
    solved = []
    for rows, before in zip(halves, (None, None) if start is None else (start.first, start.second), strict=True):
        problem = problem_of(rows)
        solved.append(solve_density(problem, before, iterations))
    cloud = problem.cloud
    first, second = solved
    return HalfMaps(first, second, shell_correlation(cloud.scatter(first), cloud.scatter(second)))


def supported_map(cloud: VoxelCloud, maps: HalfMaps) -> torch.Tensor:
    """The mean of the half-maps, each shell weighted by the signal's share of its power: density ``(n,)``.

    The weight is `fsc_weights.signal_share`: nothing is kept beyond the first shell without agreement.
    """
    weight = torch.from_numpy(np.append(signal_share(maps.fsc.cpu().numpy()), 0.0)).to(maps.fsc)
    spectrum = torch.fft.rfftn(cloud.scatter((maps.first + maps.second) / 2))
    spectrum = spectrum * weight[shell_of_voxel(cloud.box, weight.device)]
    return cloud.gather(torch.fft.irfftn(spectrum, s=(cloud.box,) * 3))

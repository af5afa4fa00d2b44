"""Two half-maps, what they agree on, and the map that the agreement supports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from ..projector.mesh_projector import VoxelCloud
from .conjugate_gradients import solve_density
from .fsc import fourier_shell_correlation, signal_kept, signal_share, weigh_shells
from .least_squares import LeastSquares


@dataclass(frozen=True)
class HalfMaps:
    """Densities ``(n,)`` of the two halves of the particles and their Fourier shell correlation ``(N // 2 + 1,)``."""

    first: torch.Tensor
    second: torch.Tensor
    fsc: torch.Tensor


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
    fsc = fourier_shell_correlation(*(cloud.scatter(half).cpu().numpy() for half in solved))
    fsc[0] = 1  # the mean density, which images that prep has freed of their background say nothing of
    return HalfMaps(first, second, torch.from_numpy(fsc.astype(np.float32)).to(first.device))


def supported_map(cloud: VoxelCloud, maps: HalfMaps) -> torch.Tensor:
    """The mean of the half-maps, each shell weighted by the signal's share of its power: density ``(n,)``.

    The weight is `fsc.signal_share`: nothing is kept beyond the first shell without agreement.
    """
    mean = cloud.scatter((maps.first + maps.second) / 2).cpu().numpy()
    supported = weigh_shells(mean, signal_share(maps.fsc.cpu().numpy()))
    return cloud.gather(torch.from_numpy(supported).to(maps.first.device))


def supported_halves(cloud: VoxelCloud, maps: HalfMaps) -> tuple[torch.Tensor, torch.Tensor]:
    """Each half-map by itself, its shells weighted by the signal's share of its power (`fsc.signal_kept`): ``(n,)``."""
    share = signal_kept(maps.fsc.cpu().numpy())
    first, second = (cloud.gather(torch.from_numpy(weigh_shells(cloud.scatter(half).cpu().numpy(), share)).to(half))
                     for half in (maps.first, maps.second))  # fmt: skip
    return first, second

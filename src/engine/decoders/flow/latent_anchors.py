"""Places in latent space, the maps of the particles about them, and a tree that leads from each to the next."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from ...projector.central_slices import SliceGrid
from ...training.team import Team
from ..linear.density_components import Samples

ANCHORS_PER_DIM, MOST_ANCHORS = 12, 48
LEAST_NEIGHBOURS = 30  # particles whose map is worth registering
RIDGE = 0.05  # of the mean weight, against nodes that few slices pass
OVERLAP = 1.5  # each particle helps to make this many maps on average


@dataclass(frozen=True)
class Anchors:
    """Places in latent space and what the molecule looks like there.

    points : ``(a, k)`` latents. volumes : ``(a, N, N, N)`` maps. order : anchors, the canonical one first, each after
    its ``parent`` ``(a,)`` in the tree.
    """

    points: torch.Tensor
    volumes: torch.Tensor
    order: np.ndarray
    parent: np.ndarray


def find_anchors(
    grid: SliceGrid,
    samples: list[Samples],
    latents: torch.Tensor,
    mask: torch.Tensor,
    seed: int,
    team: Team | None = None,
) -> Anchors:
    """Anchors among latents ``(n, k)``, with maps inside ``mask`` ``(N, N, N)``; ``samples`` are those particles, or
    the ``team``'s share of them.
    """
    from scipy.cluster.vq import kmeans2
    from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree

    count = min(MOST_ANCHORS, ANCHORS_PER_DIM * latents.shape[1], max(2, len(latents) // LEAST_NEIGHBOURS))
    exact = latents.cpu().numpy().astype(np.float64)
    centres, label = kmeans2(exact, count, minit="++", seed=np.random.default_rng((seed, 6)))
    centres = torch.from_numpy(centres[np.bincount(label, minlength=count) > 0]).to(latents)
    size = max(LEAST_NEIGHBOURS, round(OVERLAP * len(latents) / len(centres)))
    near = torch.cdist(centres, latents).argsort(dim=1)[:, :size]
    points = latents[near].mean(dim=1)
    densest = int((latents[near] - points[:, None]).norm(dim=2).mean(dim=1).argmin())
    distance = torch.cdist(points, points).cpu().numpy().astype(np.float64) + 1e-9  # twins are neighbours too
    order, parent = breadth_first_order(minimum_spanning_tree(distance), densest, directed=False)
    return Anchors(points, _local_maps(grid, samples, near, team or Team()) * mask, order, parent)


def _local_maps(grid: SliceGrid, samples: list[Samples], near: torch.Tensor, team: Team) -> torch.Tensor:
    """Maps ``(a, N, N, N)`` of the particles ``near`` ``(a, m)``, by insertion of slices."""
    starts = np.cumsum([0, *(len(one) for one in samples)])
    maps = []
    for chosen in near.sort(dim=1).values:
        chosen = chosen[chosen % team.size == team.rank] // team.size  # as `Team.share` deals them out
        right = torch.zeros(grid.side**3, 2, device=near.device)
        normal = torch.zeros(grid.side**3, 1, device=near.device)
        for one, first in zip(samples, starts[:-1], strict=True):
            rows = chosen[(chosen >= first) & (chosen < first + len(one))] - first
            if len(rows):
                nodes, transfer = grid.nodes(one.rotation[rows]), one.transfer[rows]
                weighted = transfer * grid.weights
                grid.spread(right, nodes, torch.view_as_real(one.images[rows] * weighted))
                grid.spread(normal, nodes, (weighted * transfer)[..., None])
        right, normal = team.total(right), team.total(normal)
        weight = grid.with_mates(normal[:, 0])
        ridge = RIDGE * weight[grid.solved].mean()
        spectrum = grid.with_mates(torch.view_as_complex(right)) / (weight + ridge)
        maps.append(grid.volumes(torch.where(grid.solved, spectrum, 0)[:, None])[0])
    return torch.stack(maps)

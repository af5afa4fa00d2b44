"""Judge images by how they resemble what the model says that they show: which are particles, and how strong."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from ...mesh.weights import cell_density
from ..maps.half_maps import HalfMaps
from .judged import Judged
from .membership import particle_probability
from .resemblance import of_images, resemblance_at_rest
from .rigid_map import rigid_stage, solve_at_rest
from .schedule import ResolutionLevel
from .signal_scales import AT_REST, likely_scales
from .stage import Stage
from .trainer import Trainer

ROUNDS = 2
CONVERGED = 1e-3  # mean change of probabilities and scales that no map need be solved for
FAINT = 0.05  # of the densest cells' density: less tells an empty cell from another no more
HALF, LEAST_LOST = 0.5, 0.02  # a mesh is made again where so many of its cells have lost more than half
MESH_BOX = 128  # of the map that a mesh is made of: its cells are 10 to 20 Å


def judge_at_rest(
    trainer: Trainer, level: ResolutionLevel, stage: Stage, maps: HalfMaps, judged: Judged
) -> tuple[Stage, HalfMaps]:
    """Judge all images by the rigid map, which is solved again with what came of it; the stage and its half-maps."""
    for _ in range(ROUNDS if judged.active else 0):
        before = trainer.membership.probability, trainer.signal.scale
        judge_images(trainer, resemblance_at_rest(trainer, stage), judged, AT_REST)
        after = trainer.membership.probability, trainer.signal.scale
        if all((new - old).abs().mean() < CONVERGED for new, old in zip(after, before)):
            break
        stage, maps = solve_at_rest(trainer, level, stage, None)
    return stage, maps


def renew_mesh(trainer: Trainer, stage: Stage, before: torch.Tensor) -> bool:
    """Give the trainer a mesh without what only junk had put into the map, of which ``before`` ``(n,)`` was the old.

    A consensus that other molecules went into has their density, and a mesh made of it has cells and parts there, which
    would tie together what moves apart. The map without them is solved anew, as fine as a mesh needs it, and handed to
    ``trainer.remake``, together with the old mesh whose cells there are as soft as empty ones. Whether that was done.
    """
    if trainer.membership.whole:
        return False
    mesh, pixel_size = trainer.mesh, stage.cloud.pixel_size
    old, new = (cell_density(mesh, stage.cloud.scatter(density).cpu().numpy(), pixel_size)
                for density in (before, stage.density))  # fmt: skip
    left = np.clip((new + FAINT) / (old + FAINT), 0, 1)
    if (left < HALF).mean() < LEAST_LOST:
        return False
    weights = np.maximum(mesh.weights * left, mesh.weights.min()).astype(np.float32)
    fine, _ = rigid_stage(trainer, ResolutionLevel(min(trainer.images.box, MESH_BOX), 1, 0.9), stage.noise)
    trainer.take_mesh(trainer.remake(replace(mesh, weights=weights), fine.volume(), fine.cloud.pixel_size))
    return True


def judge_images(trainer: Trainer, alike: torch.Tensor, judged: Judged, unknown: float) -> None:
    """Judge all images by their `resemblance` ``(n, 3)``; ``unknown`` as in `likely_scales`."""
    if judged.members:
        take_members(trainer, alike)
    if judged.scales:
        take_scales(trainer, alike, unknown)


def take_members(trainer: Trainer, alike: torch.Tensor) -> None:
    """Members by the `resemblance` ``(n, 3)`` of all images."""
    take_probability(trainer, member_probability(trainer, alike))


def member_probability(trainer: Trainer, alike: torch.Tensor) -> torch.Tensor:
    """The probability of each image to be a particle ``(n,)``, by the `resemblance` ``(n, 3)`` of all.

    Copies of an image are one, with their mean.
    """
    points, number = of_images(alike[:, :2].cpu().numpy().astype(np.float64), trainer.image)
    return torch.from_numpy(particle_probability(points)[number]).to(alike)


def take_probability(trainer: Trainer, probability: torch.Tensor) -> None:
    """Members by their ``probability`` ``(n,)``; say how many there are, where that is news."""
    membership = trainer.membership
    membership.learn(probability)
    trainer.team.agree([membership.probability])
    _, first = np.unique(trainer.image, return_index=True)
    foreign, count = int((membership.probability[torch.from_numpy(first)] < 0.5).sum()), len(first)
    if foreign != membership.foreign:
        membership.foreign = foreign
        share = f"{foreign:,} of {count:,} images ({100 * foreign / count:.1f} %)"
        trainer.log(f"{share} are no particles of the molecule, as far as the model knows, and count for nothing."
                    if foreign else "All images are particles of the molecule, as far as the model knows.")  # fmt: skip


def take_scales(trainer: Trainer, alike: torch.Tensor, unknown: float) -> None:
    """Scales of all signals by the `resemblance` ``(n, 3)`` of all images; copies of an image are one."""
    signal = trainer.signal
    alone, _, power = alike.cpu().numpy().astype(np.float64).T
    weight = trainer.membership.probability.cpu().numpy().astype(np.float64)
    values, number = of_images(np.stack([alone * power, power, weight], axis=1), trainer.image)
    scale, spread = likely_scales(values[:, 0] / values[:, 1], values[:, 1], values[:, 2], unknown)
    was_even = signal.even
    signal.take(torch.from_numpy(scale[number]).to(alike), spread)
    trainer.team.agree([signal.scale])
    if was_even and not signal.even:
        trainer.log(f"The signal is not equally strong in all images: it differs by {100 * spread:.0f} % of its mean, "
                    "beside its noise; each image's own strength is found as training goes on.")  # fmt: skip

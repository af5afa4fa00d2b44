"""Find out which images are particles of the molecule, from how they resemble what the model says that they show."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from ...mesh.weights import cell_density
from ..maps.half_maps import HalfMaps
from .batches import Batch
from .membership import particle_probability
from .rigid_map import rigid_stage, solve_at_rest
from .schedule import Rung
from .stage import Stage
from .trainer import Trainer

ROUNDS = 2
FAINT = 0.05  # of the densest cells' density: less tells an empty cell from another no more
HALF, LEAST_LOST = 0.5, 0.02  # a mesh is made again where so many of its cells have lost more than half
MESH_BOX = 128  # of the map that a mesh is made of: its cells are 10 to 20 Å


def members_at_rest(trainer: Trainer, rung: Rung, stage: Stage, maps: HalfMaps) -> tuple[Stage, HalfMaps]:
    """Members by the rigid map, which is solved again without the others; the stage and its half-maps."""
    for _ in range(ROUNDS):
        before = trainer.membership.probability.clone()
        find_members(trainer, stage)
        if (trainer.membership.probability - before).abs().mean() < 1e-3:
            break
        stage, maps = solve_at_rest(trainer, rung, stage, None)
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
    fine, _ = rigid_stage(trainer, Rung(min(trainer.images.box, MESH_BOX), 1, 0.9), stage.noise)
    trainer.take_mesh(trainer.remake(replace(mesh, weights=weights), fine.volume(), fine.cloud.pixel_size))
    return True


def find_members(trainer: Trainer, stage: Stage) -> None:
    """Members by how all images resemble those of the molecule at rest."""
    count = len(trainer.images)
    mine = trainer.team.share(np.arange(count))
    found, counter = torch.zeros(count, 2, device=stage.device), trainer.counter("members", len(mine))
    with torch.no_grad():
        for batch in stage.batches(mine):
            found[batch.rows] = resemblance(stage, batch, stage.forward(batch, trainer.rest))
            counter(len(batch))
    trainer.team.collect(found, mine)
    take_members(trainer, found)


def take_members(trainer: Trainer, found: torch.Tensor) -> None:
    """Members by the `resemblance` ``(n, 2)`` of all images; copies of an image are one, with their mean."""
    membership = trainer.membership
    each, number = of_images(found.cpu().numpy().astype(np.float64), trainer.image)
    probability, count = particle_probability(each), len(each)
    membership.learn(torch.from_numpy(probability[number]).to(found))
    trainer.team.agree([membership.probability])
    foreign = int((probability < 0.5).sum())
    if foreign != membership.foreign:
        membership.foreign = foreign
        share = f"{foreign:,} of {count:,} images ({100 * foreign / count:.1f} %)"
        trainer.log(f"{share} are no particles of the molecule, as far as the model knows, and count for nothing."
                    if foreign else "All images are particles of the molecule, as far as the model knows.")  # fmt: skip


def of_images(found: np.ndarray, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean ``(m, 2)`` over the copies of each ``image`` ``(n,)``, and which of the m each particle ``(n,)`` is."""
    _, number, copies = np.unique(image, return_inverse=True, return_counts=True)
    if len(copies) == len(image):
        return found, np.arange(len(image))
    sums = np.stack([np.bincount(number, column) for column in found.T], axis=1)
    return sums / copies[:, None], number


@torch.no_grad()
def resemblance(stage: Stage, batch: Batch, model: torch.Tensor) -> torch.Tensor:
    """Scale of the model's images that fits best, and misfit beyond noise in its standard deviations: ``(b, 2)``."""
    weights = stage.weights
    power = (weights * (model.real**2 + model.imag**2)).sum(dim=(1, 2)).clamp(min=1e-12)
    shared = (weights * (batch.images * model.conj()).real).sum(dim=(1, 2))
    misfit = 2 * stage.misfit(batch, model)
    used = int((weights > 0).sum())  # complex numbers; the sum of weights times noise is one for each
    return torch.stack([shared / power, (misfit - used) / used**0.5], dim=1)

"""Particles that lack a part, and are taken for junk as long as the model has all of it.

Which images are particles is first told by the complete molecule at rest. One that lacks a third of it resembles that
less, and leaves more, as another molecule does. So images that are said to be no particles are looked at once more, by
the molecule with or without each of its parts; those that are told so are particles.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import torch

from ....mesh.shape import vertex_parts
from ...maps.half_maps import HalfMaps
from ...training.batches import Batch
from ...training.find_members import take_members
from ...training.resemblance import resemblance_of_all
from ...training.rigid_map import solve_at_rest
from ...training.schedule import coarsest
from ...training.stage import Stage
from ...training.trainer import Trainer
from .fading import LEAST_SHARE

MOST_TOGETHER = 6  # parts of which every choice is tried; of more, only one or two are left out
LEAST_POWER = 0.5  # of the complete molecule's: with less there, a particle is no longer told from junk
INCOMPLETE = 3.0  # nats by which an image must be explained better, before it is taken to lack anything


def take_back_incomplete(trainer: Trainer, stage: Stage) -> tuple[Stage, HalfMaps] | None:
    """Take images for particles that only lack a part; the stage with the map of all, and its half-maps.

    None where there are too few of them. ``stage`` has the molecule at rest at the coarsest size.
    """
    membership = trainer.membership
    if membership.whole:
        return None
    before = replace(membership)
    take_members(trainer, resemblance_in_parts(trainer, stage))
    more = (before.probability < 0.5) & (membership.probability > 0.5)
    if float(more.float().mean()) < LEAST_SHARE:
        trainer.membership = before
        return None
    trainer.log(f"{int(more.sum()):,} images that were taken for no particles are some that lack a part.")
    rung = coarsest(trainer.images.box, trainer.images.pixel_size)
    return solve_at_rest(trainer, rung, stage, None)


def resemblance_in_parts(trainer: Trainer, stage: Stage) -> torch.Tensor:
    """The `resemblance` of all images ``(n, 3)`` to the molecule at rest, each with the parts that it most likely has.
    """
    share = torch.from_numpy(vertex_parts(trainer.mesh)).to(trainer.rest)
    parts = [torch.cat([trainer.rest, each[:, None]], dim=1) for each in share.T]
    choices = _choices(len(parts)).to(trainer.rest)

    def image_of(batch: Batch) -> torch.Tensor:
        images = torch.stack([stage.forward(batch, part) for part in parts], dim=1)
        chosen = choices[_most_likely(stage, batch, images, choices)]
        return torch.einsum("bp,bpyx->byx", chosen.to(images.dtype), images)

    return resemblance_of_all(trainer, stage, image_of)


def _choices(parts: int) -> torch.Tensor:
    """Which of the ``parts`` may be there together ``(c, p)``, the first time all of them."""
    if parts <= MOST_TOGETHER:
        choices = [choice for choice in product((1.0, 0.0), repeat=parts) if any(choice)]
    else:
        left_out = [(first, second) for first in range(parts) for second in range(first, parts)]
        choices = [(1.0,) * parts] + [tuple(float(part not in pair) for part in range(parts)) for pair in left_out]
    return torch.tensor(choices)


def _most_likely(stage: Stage, batch: Batch, images: torch.Tensor, choices: torch.Tensor) -> torch.Tensor:
    """The number ``(b,)`` of the choice that explains each image best, of the ``images`` ``(b, p, …)`` of its parts."""
    weighted = stage.weights * images.conj()
    curvature = torch.einsum("bpyx,bqyx->bpq", weighted, images).real
    pull = torch.einsum("bpyx,byx->bp", weighted, batch.images).real
    power = torch.einsum("cp,bpq,cq->bc", choices, curvature, choices)
    gain = pull @ choices.T - 0.5 * power
    gain[:, 1:] -= INCOMPLETE
    gain[power < LEAST_POWER * power[:, :1]] = -torch.inf
    return gain.argmax(dim=1)

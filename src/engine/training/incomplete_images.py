"""Images that seem to be no particles, and are particles that lack a part.

Which images are particles is first told by the complete molecule at rest. One that lacks a third of it resembles that
less, and leaves more, as another molecule does. So images that are said to be no particles are looked at once more, by
the molecule with or without each of its parts; those that are told so are particles.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
import torch

from ...mesh.shape import vertex_parts
from .batches import Batch
from .find_members import member_probability
from .resemblance import resemblance_of_some
from .stage import Stage
from .trainer import Trainer

MOST_TOGETHER = 6  # parts of which every choice is tried; of more, only one or two are left out
LEAST_POWER = 0.5  # of the complete molecule's: with less there, a particle is no longer told from junk
INCOMPLETE = 3.0  # nats by which an image must be explained better, before it is taken to lack anything
LEAST_SHARE = 0.02  # of the particles that have, or lack, a part: fewer are not looked for


def members_in_parts(trainer: Trainer, stage: Stage) -> torch.Tensor | None:
    """The probability of each image to be a particle ``(n,)``, complete or not; ``stage`` has the molecule at rest.

    None where all are particles as they are, the mesh has one part, or too few are particles that lack a part.
    """
    if trainer.membership.whole or trainer.mesh.parts < 2:
        return None
    alike = resemblance_in_parts(trainer, stage, lambda batch: trainer.rest, np.arange(len(trainer.images)))
    probability = member_probability(trainer, alike)
    return probability if float(incomplete(trainer, probability).float().mean()) >= LEAST_SHARE else None


def incomplete(trainer: Trainer, probability: torch.Tensor) -> torch.Tensor:
    """Which images ``(n,)`` are particles by this ``probability`` and are none by the trainer's own."""
    return (trainer.membership.probability < 0.5) & (probability > 0.5)


def log_incomplete(
    trainer: Trainer, stage: Stage, alike: torch.Tensor, vertices_of: Callable[[Batch], torch.Tensor]
) -> None:
    """Say how many of the images that are left out are likely particles that lack a part.

    ``alike`` ``(n, 3)`` is how all resemble the complete molecule, with vertices by ``vertices_of``.
    """
    foreign = torch.nonzero(trainer.membership.probability < 0.5).ravel()
    if len(foreign) < max(1, LEAST_SHARE * len(alike)) or trainer.mesh.parts < 2:
        return
    again = resemblance_in_parts(trainer, stage, vertices_of, foreign.cpu().numpy())
    probability = member_probability(trainer, alike.index_copy(0, foreign, again[foreign]))
    count = int(incomplete(trainer, probability).sum())
    if count >= LEAST_SHARE * len(alike):
        trainer.log(f"{count:,} of the images that are left out look like particles that lack a part of the molecule: "
                    "--decoder occupancy learns from them, and tells which parts are there.")  # fmt: skip


def resemblance_in_parts(
    trainer: Trainer, stage: Stage, vertices_of: Callable[[Batch], torch.Tensor], rows: np.ndarray
) -> torch.Tensor:
    """The `resemblance` ``(n, 3)`` of the images ``rows`` to the molecule with the parts that each most likely has.

    ``vertices_of(batch)`` ``(b, v, 3)`` or ``(v, 3)`` is where the vertices are. Zeros for other images.
    """
    share = torch.from_numpy(vertex_parts(trainer.mesh)).to(trainer.rest)
    choices = _choices(share.shape[1]).to(trainer.rest)

    def image_of(batch: Batch) -> torch.Tensor:
        vertices = vertices_of(batch)
        parts = [part[:, None].expand(*vertices.shape[:-1], 1) for part in share.T]
        images = torch.stack([stage.forward(batch, torch.cat([vertices, part], dim=-1)) for part in parts], dim=1)
        chosen = choices[_most_likely(stage, batch, images, choices)]
        return torch.einsum("bp,bpyx->byx", chosen.to(images.dtype), images)

    return resemblance_of_some(trainer, stage, image_of, rows)


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
    gradient = torch.einsum("bpyx,byx->bp", weighted, batch.images).real
    power = torch.einsum("cp,bpq,cq->bc", choices, curvature, choices)
    gain = gradient @ choices.T - 0.5 * power
    gain[:, 1:] -= INCOMPLETE
    gain[power < LEAST_POWER * power[:, :1]] = -torch.inf
    return gain.argmax(dim=1)

"""How images resemble what the model says that they show: what members and scales of signals are told by."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from .batches import Batch
from .stage import Stage
from .trainer import Trainer

SIZE = 3


@torch.no_grad()
def resemblance(stage: Stage, batch: Batch, model: torch.Tensor) -> torch.Tensor:
    """Of each image ``(b, 3)``: the scale of the model's image that fits best, the misfit beyond noise that is left at
    that scale, in its standard deviations, and the power of the model's image, one over the variance of the scale.

    Scale and power are for a signal of scale 1, whatever the batch has.
    """
    weights = stage.weights
    power = (weights * (model.real**2 + model.imag**2)).sum(dim=(1, 2)).clamp(min=1e-12)
    shared = (weights * (batch.images * model.conj()).real).sum(dim=(1, 2))
    alone = shared / power
    misfit = 2 * stage.misfit(batch, model) - power * (1 - alone) ** 2  # |I − s m|² is least at s = ⟨I, m⟩ / |m|²
    if batch.scale is not None:
        alone, power = alone * batch.scale, power / batch.scale**2
    used = 2 * int((weights > 0).sum())  # real numbers, each with a misfit of mean 1 and variance 2
    return torch.stack([alone, (misfit - used) / (2 * used) ** 0.5, power], dim=1)


def resemblance_at_rest(trainer: Trainer, stage: Stage) -> torch.Tensor:
    """That of all images ``(n, 3)`` to the molecule at rest."""
    everything = np.arange(len(trainer.images))
    return resemblance_of_some(trainer, stage, lambda batch: stage.forward(batch, trainer.rest), everything)


def resemblance_of_some(
    trainer: Trainer, stage: Stage, image_of: Callable[[Batch], torch.Tensor], rows: np.ndarray
) -> torch.Tensor:
    """That of the images ``rows`` to what ``image_of`` makes of a batch, by shares of the team: ``(n, 3)``.

    Zeros for other images.
    """
    own = trainer.team.share(rows)
    alike = torch.zeros(len(trainer.images), SIZE, device=stage.device)
    counter = trainer.counter("resemblance", len(own))
    with torch.no_grad():
        for batch in stage.batches(own):
            alike[batch.rows] = resemblance(stage, batch, image_of(batch))
            counter(len(batch))
    trainer.team.collect(alike, own)
    return alike


def of_images(values: np.ndarray, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean ``(m, c)`` over the copies of each ``image`` ``(n,)`` of values ``(n, c)``, and which of the m each
    particle ``(n,)`` is.
    """
    _, number, copies = np.unique(image, return_inverse=True, return_counts=True)
    if len(copies) == len(image):
        return values, np.arange(len(image))
    sums = np.stack([np.bincount(number, column) for column in values.T], axis=1)
    return sums / copies[:, None], number

"""How strong the particle's signal is in each image, for a noise that is the same in all: a factor of its model.

Extraction and `prep` bring every image to the same noise. Where ice, dose or detector differ by micrograph, it is then
the signal that differs, and a model of one strength would take the difference for density that comes and goes, or for
poses that are off. What an image alone says of its scale is ŝ = ⟨model, image⟩ / ⟨model, model⟩ with variance
1 / ⟨model, model⟩, in the likelihood's dot product. Over all particles scales are normally distributed about 1, with a
variance that is found as that of `Poses` is; where images are equally strong, it shrinks to nothing, and all scales are
exactly 1. Junk has none that means anything and keeps 1: how it is told is judged at that scale.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from .batches import Batch

# standard deviation that scales seem to have where the model is not quite what the images show: at rest, of a molecule
# that moves (measured: 0.06 to 0.10 where scales are equal); while its motion is learned (0.02 to 0.03)
AT_REST, MOVING = 0.12, 0.05
CERTAIN = 3.0  # standard errors that the scales' variance must be from zero: else it is none
LEAST = 0.1  # of the mean: an image that is said to be weaker is as good as empty


@dataclass
class SignalScales:
    """The factor ``scale`` ``(n,)`` of each image's signal; ``even`` where all are 1; ``spread``, that of the prior."""

    scale: torch.Tensor
    even: bool = True
    spread: float = 0.0

    @classmethod
    def all_even(cls, count: int, device: str | torch.device) -> SignalScales:
        """Every image is as strong as the others."""
        return cls(torch.ones(count, device=device))

    @classmethod
    def of(cls, scale: np.ndarray | None, count: int, device: str | torch.device) -> SignalScales:
        """Of scales ``(n,)`` that a training has kept; even where it has kept none."""
        scales = cls.all_even(count, device)
        if scale is not None:
            scales.take(torch.from_numpy(np.asarray(scale, np.float32)).to(device), 0.0)
        return scales

    def take(self, scale: torch.Tensor, spread: float) -> None:
        """Take other scales ``(n,)``, and the standard deviation of their prior."""
        self.scale, self.spread, self.even = scale, spread, bool((scale == 1).all())

    def scaled(self, batch: Batch) -> Batch:
        """The batch with the signal of each image as strong as it is."""
        if self.even:
            return batch
        scale = self.scale[batch.rows]
        return replace(batch, transfer=batch.transfer * scale[:, None, None], scale=scale)


def likely_scales(alone: np.ndarray, power: np.ndarray, weight: np.ndarray, unknown: float) -> tuple[np.ndarray, float]:
    """The most likely scales ``(n,)``, of mean 1 over the particles, and the standard deviation of their prior.

    ``alone`` ``(n,)`` is what each image says, with variance 1 / ``power`` ``(n,)``; ``weight`` ``(n,)`` the
    probability to be a particle. ``unknown``: a standard deviation that is the model's doing and none of the scales'.
    """
    sure = weight * power
    mean = float(sure @ alone / sure.sum())
    if not mean > 0:
        return np.ones(len(alone)), 0.0
    relative, noise = alone / mean, 1 / (power * mean**2) + unknown**2
    # ⟨(ŝ − 1)²⟩ is the prior's variance and the noise's, each image counting as it is sure
    variance = float(sure @ ((relative - 1) ** 2 - noise) / sure.sum())
    error = float(np.sqrt(2 * np.sum((sure * noise) ** 2)) / sure.sum())  # of a mean of squares of normal numbers
    if variance <= CERTAIN * error:
        return np.ones(len(alone)), 0.0
    scale = np.maximum(1 + (relative - 1) * variance / (variance + noise), LEAST)
    return np.where(weight > 0.5, scale, 1.0), variance**0.5

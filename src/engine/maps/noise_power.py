"""The noise of the images: the power of what a model leaves of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from ..training.batches import Batch
from ..training.stage import Stage
from ..training.trainer import Trainer

NOISE_PARTICLES = 1_000


def measure_noise(trainer: Trainer, stage: Stage, images_of: Callable[[Batch], torch.Tensor]) -> torch.Tensor:
    """Mean squared residual by shell ``(D // 2 + 1,)``, from a sample; shells beyond the stage's box keep their value.

    ``images_of(batch)`` gives the model's images ``(b, d, d // 2 + 1)``.
    """
    rng = np.random.default_rng((trainer.seed, 3))
    rows = np.sort(rng.permutation(len(trainer.images))[:NOISE_PARTICLES])
    power = torch.zeros(stage.box // 2 + 1, device=trainer.device)
    shell = stage.shells()
    count = torch.zeros_like(power).index_add_(0, shell.reshape(-1), torch.ones(shell.numel(), device=trainer.device))
    seen = torch.zeros(1, device=trainer.device)
    with torch.no_grad():
        for batch in stage.batches(trainer.team.share(rows)):
            residual = (batch.images - images_of(batch)).abs() ** 2
            if batch.weight is not None:
                residual = batch.weight[:, None, None] * residual
            power.index_add_(0, shell.reshape(-1), residual.sum(dim=0).reshape(-1))
            seen += len(batch) if batch.weight is None else batch.weight.sum()
    power, seen = trainer.team.total(power), trainer.team.total(seen)
    noise, top = stage.noise.clone(), int(0.9 * stage.box / 2)
    noise[: top + 1] = (power / (count * seen).clamp(min=1))[: top + 1]
    noise[0] = noise[1]
    if stage.box == trainer.images.box:
        noise[top + 1 :] = torch.maximum(noise[top + 1 :], noise[top])
    return noise

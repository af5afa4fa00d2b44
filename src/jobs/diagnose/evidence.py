"""How well normal distributions of latents explain images: the evidence bound, and distributions that reach it best."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

    from ...engine.training.batches import Batch
    from .restored_training import RestoredTraining

DRAWS = 8  # of each distribution, in pairs about its mean
STEPS = 4  # of Gauss–Newton towards the best one


@dataclass(frozen=True)
class DiagonalNormal:
    """Normal distributions of latents: ``mean`` and ``variance`` ``(b, k)``, dimensions independent."""

    mean: torch.Tensor
    variance: torch.Tensor


def diagonal_normal(mean: torch.Tensor, precision: torch.Tensor) -> DiagonalNormal:
    """The nearest with independent dimensions to a normal distribution of a ``precision`` ``(b, k, k)``.

    Nearest as the evidence bound has it: the variance of each is one over its element of the precision's diagonal.
    """
    return DiagonalNormal(mean, 1 / precision.diagonal(dim1=1, dim2=2).clamp(min=1e-9))


def evidence_bound(restored: RestoredTraining, batch: Batch, q: DiagonalNormal, seed: int) -> torch.Tensor:
    """Nats ``(b,)``: the expected log-likelihood of images under draws of q, less how far q is from N(0, 1).

    Kingma & Welling 2014. Equal seeds give equal draws, so that distributions can be compared by few.
    """
    import torch

    from ...engine.latents.divergence import divergence

    generator = torch.Generator().manual_seed(seed)
    half = torch.randn(len(batch), DRAWS // 2, q.mean.shape[1], generator=generator).to(q.mean)
    white = torch.cat([half, -half], dim=1)
    z = q.mean[:, None] + q.variance.sqrt()[:, None] * white
    decoder, stage = restored.training.decoder, restored.stage
    images = decoder.predict_several(stage, batch, z)
    misfit = torch.stack([stage.misfit(batch, images[:, place]) for place in range(DRAWS)]).mean(dim=0)
    return -misfit - divergence(q.mean, q.variance.log())


def best_diagonal_normal(restored: RestoredTraining, batch: Batch, start: torch.Tensor) -> DiagonalNormal:
    """The distributions that explain images best under a prior N(0, 1), by steps from latents ``(b, k)``.

    The batch's poses are taken as they are.
    """
    import torch

    from ...engine.latents.gauss_newton import gauss_newton
    from ...engine.latents.particle_latents import Prior

    decoder, stage, z = restored.training.decoder, restored.stage, start
    prior = Prior(torch.zeros_like(start), 1.0)
    for _ in range(STEPS):
        step = gauss_newton(decoder, stage, batch, z, prior)
        z = step.z
    return diagonal_normal(z, gauss_newton(decoder, stage, batch, z, prior).precision)


def posed(restored: RestoredTraining, batch: Batch) -> Batch:
    """The batch with its corrected poses for given."""
    stage = restored.stage
    return stage.poses.applied_to(batch, stage.box, stage.cloud.pixel_size)


def noise_like(batch: Batch, seed: int) -> Batch:
    """The batch with images of nothing but noise, of each image's own amplitudes and random phases."""
    import torch

    box = batch.images.shape[-2]
    white = torch.randn(len(batch), box, box, generator=torch.Generator().manual_seed(seed)).to(batch.images.device)
    phases = torch.fft.rfft2(white)
    return replace(batch, images=batch.images.abs() * phases / phases.abs().clamp(min=1e-12))


def mean_and_error(values: np.ndarray) -> tuple[float, float]:
    """The mean of values ``(m,)`` and its standard error."""
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("inf")

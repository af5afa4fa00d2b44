"""Latents whose dimensions are known independently of one another: a mean and a variance each."""

from __future__ import annotations

from dataclasses import replace

import torch

from ..decoders.decoder import Decoder, Pass
from ..training.batches import Batch
from .gauss_newton import gauss_newton


def log_variance_of(precision: torch.Tensor) -> torch.Tensor:
    """``(b, k)`` of the diagonal of precisions ``(b, k, k)``.

    Of all normal distributions with independent dimensions, the one with this variance is nearest to a normal posterior
    of that precision.
    """
    return -precision.diagonal(dim1=1, dim2=2).log()


def precision_of(log_variance: torch.Tensor) -> torch.Tensor:
    """Precisions ``(b, k, k)`` of log variances ``(b, k)``."""
    return torch.diag_embed((-log_variance).exp())


def nothing_known(precision: torch.Tensor) -> bool:
    """Whether precisions ``(n, k, k)`` are those of the prior: no image has been asked."""
    return bool((precision == torch.eye(precision.shape[-1], device=precision.device)).all())


@torch.no_grad()
def with_poses(now: Pass, decoder: Decoder, batch: Batch, mean: torch.Tensor, drawn: torch.Tensor) -> Batch:
    """The batch with the poses that are best at the latents ``drawn`` ``(b, k)``; the particles take those at ``mean``.

    As it is where poses are not corrected.
    """
    if batch.correction is None:
        return batch
    step = gauss_newton(decoder, now.stage, batch, mean, now.points.prior(batch))
    now.points.take_poses(now.stage, batch, step, mean)
    now.points.step_sums.add(batch, step)
    return replace(batch, correction=step.correction_at(drawn))

"""White latents: of zero mean and unit covariance, the first axis being what the images tell most about."""

from __future__ import annotations

import torch

from ..precise import in_double


def whitening_transform(
    z: torch.Tensor, precision: torch.Tensor | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean ``(k,)`` and factor ``(k, k)`` with z = white @ factor + mean, white having unit covariance.

    With the ``precision`` ``(n, k, k)`` of the particles' posteriors, it is the covariance of the latents themselves
    and not of their most likely points: their spread plus the mean of the posteriors' (the M step of probabilistic
    PCA, Tipping & Bishop 1999). A dimension that the images say nothing about then stays as narrow as it is, where
    the spread alone would magnify it. The symmetric square root is used, so that the axes keep their meaning from
    epoch to epoch.
    """
    mean = z.mean(dim=0)
    centred = in_double(z - mean)
    covariance = centred.T @ centred / len(z)
    if precision is not None:
        covariance = covariance + torch.linalg.inv(in_double(precision)).mean(dim=0)
    values, vectors = torch.linalg.eigh(covariance)
    factor = vectors @ torch.diag(values.clamp(min=1e-8).sqrt()) @ vectors.T
    return mean, factor.to(z)


def informative_axes(precision: torch.Tensor) -> torch.Tensor:
    """Orthonormal axes ``(k, k)`` in columns for white latents: first the one along which the images tell most.

    ``precision`` ``(n, k, k)`` is that of the posteriors. Each axis points along the old one that it is nearest.
    """
    vectors = torch.linalg.eigh(in_double(precision).mean(dim=0))[1].flip(1)
    # an eigenvector's sign is an accident of the solver
    return (vectors * vectors.gather(0, vectors.abs().argmax(dim=0, keepdim=True)).sign()).to(precision)

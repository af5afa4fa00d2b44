"""One latent point per particle, moved by Gauss–Newton steps that need no learning rate."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from .flow import Flow
from .images import Batch
from .precise import in_double
from .stage import Stage
from .start import whitened

DIFFERENCE = 0.05  # of the latents' unit spread
LARGEST_STEP = 1.0
IMAGES_AT_ONCE = 256  # that are projected together: fewer waste time between small operations, more take memory


@dataclass(frozen=True)
class Prior:
    """A normal prior of every particle of a batch: ``centre`` ``(b, k)``, ``strength`` one over its variance."""

    centre: torch.Tensor
    strength: float

    def cost(self, z: torch.Tensor) -> torch.Tensor:
        """Negative logarithm ``(b,)`` at ``z`` ``(b, k)`` or ``(k,)``, up to a constant."""
        return 0.5 * self.strength * ((z - self.centre) ** 2).sum(dim=1)


def gauss_newton(
    stage: Stage, flow: Flow, batch: Batch, z: torch.Tensor, prior: Prior
) -> tuple[torch.Tensor, torch.Tensor]:
    """One step of every particle of a batch from ``z`` ``(b, k)`` towards its most likely latent point.

    The image's dependence on z is linearised by forward differences, k + 1 projections in all. Returns the new points
    ``(b, k)`` and the posterior precision ``(b, k, k)``.
    """
    k = z.shape[1]
    with torch.no_grad():
        steps = DIFFERENCE * torch.eye(k + 1, k, device=z.device).roll(1, 0)  # none, then one along each axis
        models = _images_at(stage, flow, batch, z[:, None] + steps)
        residual = whitened(stage, batch.images) - models[:, 0]
        slope = (models[:, 1:] - models[:, :1]) / DIFFERENCE
        precision = slope @ slope.transpose(1, 2) + prior.strength * torch.eye(k, device=z.device)
        pull = (slope @ residual[:, :, None]).squeeze(-1) - prior.strength * (z - prior.centre)
        move = torch.linalg.solve(precision, pull[:, :, None]).squeeze(-1)
        length = move.norm(dim=1, keepdim=True)
        move = move * torch.clamp(LARGEST_STEP / length.clamp(min=1e-12), max=1)
    return z + move, precision


def _images_at(stage: Stage, flow: Flow, batch: Batch, points: torch.Tensor) -> torch.Tensor:
    """Whitened images ``(b, m, p)`` of every particle at latent points ``(b, m, k)``."""
    parts = []
    for some in points.split(max(1, IMAGES_AT_ONCE // len(batch)), dim=1):
        vertices = flow(some.flatten(0, 1)).unflatten(0, some.shape[:2])
        images = stage.forward_several(batch, vertices)
        parts.append(whitened(stage, images.flatten(0, 1)).unflatten(0, some.shape[:2]))
    return torch.cat(parts, dim=1)


@torch.no_grad()
def reassign(
    stage: Stage, flow: Flow, batch: Batch, z: torch.Tensor, anchors: torch.Tensor, prior: Prior
) -> torch.Tensor:
    """The best of each particle's own latent point and the ``anchors`` ``(a, k)``, by posterior: ``(b, k)``.

    Steps are local: where the flow has folded, so that two stretches of latent space hold the same motion, or where a
    particle began at the wrong end, no step leads out. A jump does, and of two points that explain an image alike the
    prior takes the nearer to its centre, which empties the fold.
    """
    best = stage.misfit(batch, stage.forward(batch, flow(z))) + prior.cost(z)
    chosen = z
    for anchor, vertices in zip(anchors, flow(anchors), strict=True):
        cost = stage.misfit(batch, stage.forward(batch, vertices)) + prior.cost(anchor)
        chosen = torch.where((cost < best)[:, None], anchor, chosen)
        best = torch.minimum(cost, best)
    return chosen


def posterior_noise(precision: torch.Tensor, white: torch.Tensor) -> torch.Tensor:
    """A draw ``(b, k)`` from N(0, ``precision``⁻¹), made of normal numbers ``white`` ``(b, k)`` drawn on the CPU.

    Given to the flow on top of the most likely point, it makes a pass over the images a step of variational
    expectation–maximisation: a dimension that the images do not determine is drawn from the prior, and the flow learns
    to ignore it instead of explaining noise by it.
    """
    lower = torch.linalg.cholesky(precision)
    white = white.to(precision.device)
    return torch.linalg.solve_triangular(lower.transpose(1, 2), white[:, :, None], upper=True).squeeze(-1)


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

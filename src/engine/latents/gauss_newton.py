"""One latent point per particle, moved by Gauss–Newton steps that need no learning rate."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ..decoders.flow.flow_network import Flow
from ..decoders.flow.mode_model import whitened
from ..precise import in_double
from ..training.batches import Batch
from ..training.pose_corrections import shift_slopes
from ..training.stage import Stage

DIFFERENCE = 0.05  # of the latents' unit spread
TURN = 0.5  # Å at the radius of gyration
LONGEST_STEP, LARGEST_TURN = 1.0, 6.0  # of latents; of poses, Å
NEAR = 0.3  # of the latents' spread: a better point as near as this is found by steps
IMAGES_AT_ONCE = 256  # that are projected together: fewer waste time between small operations, more take memory


@dataclass(frozen=True)
class Prior:
    """A normal prior of every particle of a batch: ``centre`` ``(b, k)``, ``strength`` one over its variance."""

    centre: torch.Tensor
    strength: float

    def cost(self, z: torch.Tensor) -> torch.Tensor:
        """Negative logarithm ``(b,)`` at ``z`` ``(b, k)`` or ``(k,)``, up to a constant."""
        return 0.5 * self.strength * ((z - self.centre) ** 2).sum(dim=1)


@dataclass(frozen=True)
class Step:
    """Where a Gauss–Newton step leads the particles of a batch.

    Attributes
    ----------
    z : ``(b, k)``. precision : ``(b, k, k)`` of their posterior, whatever the poses are.
    correction : ``(b, 5)`` of the poses at ``z``, Å; None where they are not corrected.
    lean : ``(b, 5, k)``, how the best correction changes with z. spread : ``(b, 5)`` Å², posterior variance of each.
    """

    z: torch.Tensor
    precision: torch.Tensor
    correction: torch.Tensor | None = None
    lean: torch.Tensor | None = None
    spread: torch.Tensor | None = None

    def correction_at(self, z: torch.Tensor) -> torch.Tensor | None:
        """The most likely corrections ``(b, 5)`` of the poses where the latents are ``z`` ``(b, k)``."""
        if self.correction is None:
            return None
        return self.correction + (self.lean @ (z - self.z)[:, :, None]).squeeze(-1)


@torch.no_grad()
def gauss_newton(
    stage: Stage, flow: Flow, batch: Batch, z: torch.Tensor, prior: Prior, longest: float = LONGEST_STEP
) -> Step:
    """One step of every particle of a batch from ``z`` ``(b, k)`` towards its most likely latent point and pose.

    The image's dependence on both is linearised: by forward differences in z and in the turns of the pose, exactly in
    its shifts. Latents and pose are solved for together, so that none is spent on what the other explains; what is
    handed on as the latents' precision is the marginal one (the Schur complement of the pose's block). Where the flow
    is no line, a step is not to be trusted beyond a length of ``longest``.
    """
    k, poses = z.shape[1], stage.poses if batch.correction is not None else None
    steps = torch.cat([torch.zeros(1, k, device=z.device), DIFFERENCE * torch.eye(k, device=z.device)])
    vertices = flow((z[:, None] + steps).flatten(0, 1)).unflatten(0, (len(z), 1 + k))
    models = _images_at(stage, batch, vertices)
    if poses is not None:
        models = torch.cat([models, _turned_images(stage, batch, vertices[:, 0])], dim=1)
    base = whitened(stage, models[:, 0])
    slope = (_each_whitened(stage, models[:, 1:]) - base[:, None]) / DIFFERENCE
    start, strength = z - prior.centre, torch.full((k,), prior.strength, device=z.device)
    if poses is not None:
        slope[:, k:] *= DIFFERENCE / TURN
        slope = torch.cat([slope, _each_whitened(stage, shift_slopes(models[:, 0], stage.cloud.pixel_size))], dim=1)
        start, strength = torch.cat([start, batch.correction], dim=1), torch.cat([strength, poses.prior])
    precision = slope @ slope.transpose(1, 2) + torch.diag(strength)
    pull = (slope @ (whitened(stage, batch.images) - base)[:, :, None]).squeeze(-1) - strength * start
    if poses is None:
        move = torch.linalg.solve(precision, pull[:, :, None]).squeeze(-1)
        return Step(z + _no_longer(move, longest), precision)
    return _joint_step(z, batch.correction, precision, pull, longest)


def _joint_step(
    z: torch.Tensor, correction: torch.Tensor, precision: torch.Tensor, pull: torch.Tensor, longest: float
) -> Step:
    """The step of latents and corrections, from the ``precision`` ``(b, k + 5, k + 5)`` and ``pull`` of both."""
    k = z.shape[1]
    covariance = torch.linalg.inv(precision)
    move = (covariance @ pull[:, :, None]).squeeze(-1)
    own = precision[:, k:, k:]
    lean = -torch.linalg.solve(own, precision[:, k:, :k])
    marginal = precision[:, :k, :k] + precision[:, :k, k:] @ lean
    moved = _no_longer(move[:, :k], longest)
    # where the latents were held back, the pose is the best for where they are
    turned = move[:, k:] + (lean @ (moved - move[:, :k])[:, :, None]).squeeze(-1)
    spread = covariance.diagonal(dim1=1, dim2=2)[:, k:]
    return Step(z + moved, (marginal + marginal.transpose(1, 2)) / 2, correction + _no_longer(turned, LARGEST_TURN),
                lean, spread)  # fmt: skip


def _no_longer(move: torch.Tensor, most: float) -> torch.Tensor:
    """Moves ``(b, d)``, shortened where they are longer than ``most``."""
    length = move.norm(dim=1, keepdim=True)
    return move * torch.clamp(most / length.clamp(min=1e-12), max=1)


def _turned_images(stage: Stage, batch: Batch, vertices: torch.Tensor) -> torch.Tensor:
    """Images ``(b, 3, d, d // 2 + 1)`` of vertices ``(b, v, 3)`` with poses a step further about each axis."""
    turns = torch.zeros(3, batch.correction.shape[1], device=vertices.device)
    turns[:, :3] = TURN * torch.eye(3, device=vertices.device)
    return _images_at(stage, batch, vertices[:, None].expand(-1, 3, -1, -1), batch.correction[:, None] + turns)


def _images_at(
    stage: Stage, batch: Batch, vertices: torch.Tensor, corrections: torch.Tensor | None = None
) -> torch.Tensor:
    """Images ``(b, m, d, d // 2 + 1)`` of every particle with vertices ``(b, m, v, 3)``, and with ``corrections``."""
    parts = []
    for first in range(0, vertices.shape[1], count := max(1, IMAGES_AT_ONCE // len(batch))):
        some = slice(first, first + count)
        turned = None if corrections is None else corrections[:, some]
        parts.append(stage.forward_several(batch, vertices[:, some], turned))
    return torch.cat(parts, dim=1)


def _each_whitened(stage: Stage, images: torch.Tensor) -> torch.Tensor:
    """`whitened` images ``(b, m, d, d // 2 + 1)``: ``(b, m, p)``."""
    return whitened(stage, images.flatten(0, 1)).unflatten(0, images.shape[:2])


@torch.no_grad()
def reassign(
    stage: Stage, flow: Flow, batch: Batch, z: torch.Tensor, anchors: torch.Tensor, prior: Prior
) -> torch.Tensor:
    """The best of each particle's own latent point and the ``anchors`` ``(a, k)``, by posterior: ``(b, k)``.

    Steps are local: where the flow has folded, so that two stretches of latent space hold the same motion, or where a
    particle began at the wrong end, no step leads out. A jump does, and of two points that explain an image alike the
    prior takes the nearer to its centre, which empties the fold. Each point is judged at the pose that is best there;
    anchors that steps lead to are left to them.
    """
    cost = _Cost(stage, flow, batch, z, prior)
    chosen, best = z, cost.own
    for anchor, vertices in zip(anchors, flow(anchors), strict=True):
        there = cost(anchor, vertices)
        better = (there < best) & ((anchor - z).norm(dim=1) > NEAR)
        chosen = torch.where(better[:, None], anchor, chosen)
        best = torch.where(better, there, best)
    return chosen


@torch.no_grad()
def better_of(
    stage: Stage, flow: Flow, batch: Batch, z: torch.Tensor, other: torch.Tensor, prior: Prior
) -> torch.Tensor:
    """The better of two latent points ``(b, k)`` of each particle, as `reassign` judges them."""
    rows = torch.nonzero((other != z).any(dim=1)).squeeze(1)
    chosen = z.clone()
    if len(rows):
        prior, z, other = Prior(prior.centre[rows], prior.strength), z[rows], other[rows]
        cost = _Cost(stage, flow, batch.picked(rows), z, prior)
        chosen[rows] = torch.where((cost(other, flow(other)) < cost.own)[:, None], other, z)
    return chosen


class _Cost:
    """Negative log posterior of latent points of a batch's particles, each at the pose that is best there.

    ``own`` ``(b,)`` is that of the points ``z`` ``(b, k)``.
    """

    def __init__(self, stage: Stage, flow: Flow, batch: Batch, z: torch.Tensor, prior: Prior) -> None:
        self._stage, self._batch, self._prior = stage, batch, prior
        vertices = flow(z)
        base = stage.forward(batch, vertices)
        self._misfit = stage.misfit if batch.correction is None else _PoseRefit(stage, batch, vertices, base)
        self.own = self._misfit(batch, base) + prior.cost(z)

    def __call__(self, z: torch.Tensor, vertices: torch.Tensor) -> torch.Tensor:
        """At ``z`` ``(b, k)`` or ``(k,)``, where the flow has ``vertices`` ``(b, v, 3)`` or ``(v, 3)``."""
        model = self._stage.forward(self._batch, vertices)
        return self._misfit(self._batch, model) + self._prior.cost(z)


class _PoseRefit:
    """The misfit of images at the pose that is best for them, to first order; the prior of poses included.

    How images change with the pose is found once, for the models of the latents that the particles have.
    """

    def __init__(self, stage: Stage, batch: Batch, vertices: torch.Tensor, base: torch.Tensor) -> None:
        turned = _turned_images(stage, batch, vertices)
        slopes = torch.cat(
            [(turned - base[:, None]) / TURN, shift_slopes(base, stage.cloud.pixel_size)], dim=1
        )
        self._stage, self._slope = stage, _each_whitened(stage, slopes)
        self._strength = stage.poses.prior
        self._lower = torch.linalg.cholesky(self._slope @ self._slope.transpose(1, 2) + torch.diag(self._strength))
        self._start = batch.correction

    def __call__(self, batch: Batch, model: torch.Tensor) -> torch.Tensor:
        residual = whitened(self._stage, batch.images - model)
        pull = (self._slope @ residual[:, :, None]).squeeze(-1) - self._strength * self._start
        gain = torch.linalg.solve_triangular(self._lower, pull[:, :, None], upper=False).square().sum(dim=(1, 2))
        return 0.5 * (residual.square().sum(dim=1) + (self._strength * self._start**2).sum(dim=1) - gain)


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

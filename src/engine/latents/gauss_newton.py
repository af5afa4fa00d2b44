"""Steps of latents and poses towards where images are explained best, with whatever decoder predicts them.

An image is y = f(z, c) + noise, f what the decoder predicts with latents z and correction c of the pose. All vectors
are whitened: their dot product is that of the likelihood. Linearised, f(z + δ, c + ε) = f + J (δ, ε), and the posterior
is normal with precision H = JᵀJ + Λ about (z, c) + H⁻¹ (Jᵀ (y − f) − Λ (z − z₀, c)), Λ and z₀ being the prior's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch

from ..decoders.decoder import Predictor
from ..decoders.flow.mode_model import whitened
from ..training.batches import Batch
from ..training.pose_corrections import SIZE, shift_slopes
from ..training.stage import Stage
from .particle_latents import PoseStep, Prior, Step

TURN = 0.5  # Å at the radius of gyration
LONGEST_STEP, LARGEST_TURN = 1.0, 6.0  # of latents; of poses, Å
NEAR = 0.3  # of the latents' spread: a better point as near as this is found by steps


@torch.no_grad()
def gauss_newton(
    decoder: Predictor, stage: Stage, batch: Batch, z: torch.Tensor, prior: Prior, longest: float = LONGEST_STEP
) -> Step:
    """One step of every particle of a batch from ``z`` ``(b, k)`` towards its most likely latent point and pose.

    The image's dependence on both is linearised: in z as the decoder can, by forward differences in the turns of the
    pose, exactly in its shifts. Latents and pose are solved for together, so that none is spent on what the other
    explains; what is handed on as the latents' precision is the marginal one (the Schur complement of the pose's
    block). Where the decoder is no line, a step is not to be trusted beyond a length of ``longest``.
    """
    k, correction = z.shape[1], batch.correction
    image, changes = decoder.predict_with_slopes(stage, batch, z)
    base = whitened(stage, image)
    slope = _each_whitened(stage, changes)  # Jᵀ
    if correction is not None:
        turns = (_turned_images(decoder, stage, batch, z, correction) - image[:, None]) / TURN
        slides = shift_slopes(image, stage.cloud.pixel_size)
        slope = torch.cat([slope, _each_whitened(stage, torch.cat([turns, slides], dim=1))], dim=1)
    # Λ, and how far from its centre each unknown is
    start, strength = z - prior.centre, torch.full((k,), prior.strength, device=z.device)
    if correction is not None:
        start, strength = torch.cat([start, correction], dim=1), torch.cat([strength, stage.poses.prior])
    precision = slope @ slope.transpose(1, 2) + torch.diag(strength)  # H = JᵀJ + Λ; slope is Jᵀ
    # Jᵀ (y − f) − Λ (z − z₀)
    gradient = (slope @ (whitened(stage, batch.images) - base)[:, :, None]).squeeze(-1) - strength * start
    if correction is None:
        move = torch.linalg.solve(precision, gradient[:, :, None]).squeeze(-1)
        return Step(z + _no_longer(move, longest), precision)
    return _joint_step(z, correction, precision, gradient, longest)


def _joint_step(
    z: torch.Tensor, correction: torch.Tensor, precision: torch.Tensor, gradient: torch.Tensor, longest: float
) -> Step:
    """The step of latents and corrections, from the ``precision`` ``(b, k + 5, k + 5)`` and ``gradient`` of both."""
    k = z.shape[1]
    covariance = torch.linalg.inv(precision)
    move = (covariance @ gradient[:, :, None]).squeeze(-1)
    # with H in blocks: the best correction at z + δ is −H_cc⁻¹ H_cz δ away; what is known of z with c unknown is the
    # Schur complement H_zz − H_zc H_cc⁻¹ H_cz
    own = precision[:, k:, k:]
    slope = -torch.linalg.solve(own, precision[:, k:, :k])
    marginal = precision[:, :k, :k] + precision[:, :k, k:] @ slope
    moved = _no_longer(move[:, :k], longest)
    # where the latents were held back, the pose is the best for where they are
    turned = move[:, k:] + (slope @ (moved - move[:, :k])[:, :, None]).squeeze(-1)
    spread = covariance.diagonal(dim1=1, dim2=2)[:, k:]
    poses = PoseStep(correction + _no_longer(turned, LARGEST_TURN), slope, spread)
    return Step(z + moved, (marginal + marginal.transpose(1, 2)) / 2, poses)


def _no_longer(move: torch.Tensor, most: float) -> torch.Tensor:
    """Moves ``(b, d)``, shortened where they are longer than ``most``."""
    length = move.norm(dim=1, keepdim=True)
    return move * torch.clamp(most / length.clamp(min=1e-12), max=1)


def _turned_images(
    decoder: Predictor, stage: Stage, batch: Batch, z: torch.Tensor, correction: torch.Tensor
) -> torch.Tensor:
    """Images ``(b, 3, d, d // 2 + 1)`` at latents ``(b, k)``, poses a step beyond ``correction`` about each axis."""
    turns = torch.zeros(3, SIZE, device=z.device)
    turns[:, :3] = TURN * torch.eye(3, device=z.device)
    return decoder.predict_several(stage, batch, z[:, None], correction[:, None] + turns)


def _each_whitened(stage: Stage, images: torch.Tensor) -> torch.Tensor:
    """`whitened` images ``(b, m, d, d // 2 + 1)``: ``(b, m, p)``."""
    return whitened(stage, images.flatten(0, 1)).unflatten(0, images.shape[:2])


@dataclass(frozen=True)
class Anchors:
    """Latents ``z`` ``(a, k)`` that every particle is tried at, and what predicts a batch's ``images`` at each."""

    z: torch.Tensor
    images: Callable[[Batch], Iterator[torch.Tensor]]

    @classmethod
    def of(cls, decoder: Predictor, stage: Stage, z: torch.Tensor) -> Anchors:
        """As a decoder is now."""
        return cls(z, decoder.images_at(stage, z))


@torch.no_grad()
def reassign(
    decoder: Predictor, stage: Stage, batch: Batch, z: torch.Tensor, anchors: Anchors, prior: Prior
) -> torch.Tensor:
    """The best of each particle's own latent point and the ``anchors``, by posterior: ``(b, k)``.

    Steps are local: where the decoder has folded, so that two stretches of latent space hold the same motion, or where
    a particle began at the wrong end, no step leads out. A jump does, and of two points that explain an image alike the
    prior takes the nearer to its centre, which empties the fold. Each point is judged at the pose that is best there;
    anchors that steps lead to are left to them.
    """
    cost = _Cost(decoder, stage, batch, z, prior)
    chosen, best = z, cost.own
    for anchor, image in zip(anchors.z, anchors.images(batch), strict=True):
        there = cost.of(image, anchor[None])
        better = (there < best) & ((anchor - z).norm(dim=1) > NEAR)
        chosen = torch.where(better[:, None], anchor, chosen)
        best = torch.where(better, there, best)
    return chosen


@torch.no_grad()
def better_of(
    decoder: Predictor, stage: Stage, batch: Batch, z: torch.Tensor, other: torch.Tensor, prior: Prior
) -> torch.Tensor:
    """The better of two latent points ``(b, k)`` of each particle, as `reassign` judges them."""
    rows = torch.nonzero((other != z).any(dim=1)).squeeze(1)
    chosen = z.clone()
    if len(rows):
        prior, z, other = Prior(prior.centre[rows], prior.strength), z[rows], other[rows]
        cost = _Cost(decoder, stage, batch.picked(rows), z, prior)
        chosen[rows] = torch.where((cost(other) < cost.own)[:, None], other, z)
    return chosen


class _Cost:
    """Negative log posterior of latent points of a batch's particles, each at the pose that is best there.

    ``own`` ``(b,)`` is that of the points ``z`` ``(b, k)``.
    """

    def __init__(self, decoder: Predictor, stage: Stage, batch: Batch, z: torch.Tensor, prior: Prior) -> None:
        self._decoder, self._stage, self._batch, self._prior = decoder, stage, batch, prior
        base = decoder.predict(stage, batch, z)
        poses = batch.correction
        self._misfit = stage.misfit if poses is None else _PoseRefit(decoder, stage, batch, z, poses, base)
        self.own = self._misfit(batch, base) + prior.cost(z)

    def __call__(self, z: torch.Tensor) -> torch.Tensor:
        """At ``z`` ``(b, k)``."""
        return self.of(self._decoder.predict(self._stage, self._batch, z), z)

    def of(self, model: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        """Of ``model``, the images at ``z`` ``(b, k)`` or ``(1, k)``."""
        return self._misfit(self._batch, model) + self._prior.cost(z)


class _PoseRefit:
    """The misfit of images at the pose that is best for them, to first order; the prior of poses included.

    How images change with the pose is found once, for the models of the latents that the particles have.
    """

    def __init__(
        self, decoder: Predictor, stage: Stage, batch: Batch, z: torch.Tensor, correction: torch.Tensor,
        base: torch.Tensor,
    ) -> None:  # fmt: skip
        turned = _turned_images(decoder, stage, batch, z, correction)
        slopes = torch.cat([(turned - base[:, None]) / TURN, shift_slopes(base, stage.cloud.pixel_size)], dim=1)
        self._stage, self._slope = stage, _each_whitened(stage, slopes)
        self._strength = stage.poses.prior
        # L Lᵀ = JᵀJ + Λ of the pose alone
        self._lower = torch.linalg.cholesky(self._slope @ self._slope.transpose(1, 2) + torch.diag(self._strength))
        self._start = correction

    def __call__(self, batch: Batch, model: torch.Tensor) -> torch.Tensor:
        # ½ |r|² + ½ c·Λc − ½ |L⁻¹ (Jᵀ r − Λ c)|²: the minimum over the pose of the linearised misfit and its prior
        residual = whitened(self._stage, batch.images - model)
        gradient = (self._slope @ residual[:, :, None]).squeeze(-1) - self._strength * self._start
        gain = torch.linalg.solve_triangular(self._lower, gradient[:, :, None], upper=False).square().sum(dim=(1, 2))
        return 0.5 * (residual.square().sum(dim=1) + (self._strength * self._start**2).sum(dim=1) - gain)

"""Undo folds of latent space: where the motion stands still or runs back along a latent, the place along it replaces z.

Particles that a bad guess put beyond the end of the motion, or on both sides of a stretch, teach the flow to stand
still or to run back there, and it keeps them where they are: in between, images say nothing of the latent. No step of
theirs leads out. The motion itself does: u(z), the displacement, is regressed on z over the particles, u ≈ ū + T z, and
what that makes of u is a place along the mean motion, s(z) = (TᵀT)⁻¹ Tᵀ (u(z) − ū). Where the flow is not folded, ds/dz
is near the identity; where it is, s takes the place of z and the network learns the same motion along it.
"""

from __future__ import annotations

import numpy as np
import torch

from ...optimisers import Adam
from ...precise import in_double, least_squares
from ...training.stage import vertex_share
from ..decoder import Pass
from .flow_network import Flow
from .flow_state import FlowState

DIFFERENCE = 0.05  # of the latents' unit spread
SAMPLE = 512  # particles that are looked at
FLAT, FOLDED = 0.25, 0.01  # det ds/dz that is still a motion along z; share of the particles that may have less
KNOWN = 4.0  # mean precision of a latent that the images tell of: a quarter of the prior's variance is left
EXPLAINED = 0.8  # of the motion's variance by its place along the mean motion: a full turn is no stretch
FIT_STEPS, FIT_BATCH, FIT_RATE = 600, 64, 5e-3


def unfold_latents(now: Pass, decoder: FlowState) -> bool:
    """Replace folded latents by places along the motion; whether that was done. Poses and posteriors are as before."""
    points, mean_motion = now.points, _MeanMotion(now, decoder.flow)
    if mean_motion.dims == 0 or mean_motion.explained < EXPLAINED:
        return False
    folded = float((mean_motion.slope_determinants() < FLAT).double().mean())
    if folded <= FOLDED:
        return False
    now.trainer.log(
        f"Latents were folded for {100 * folded:.0f} % of the particles: they are told by their motion now."
    )
    wanted = mean_motion.motion
    places = mean_motion.unfolded(mean_motion.points)
    points.z = _in_parts(mean_motion.unfolded, points.z)
    if points.centre is not None:
        points.centre = _in_parts(mean_motion.unfolded, points.centre)
    _fit(decoder.flow, places, wanted, mean_motion.share, now.trainer.seed)
    decoder.use(decoder.flow, decoder.optimiser.param_groups[0]["lr"])
    decoder.agree(now.trainer, points)
    return True


class _MeanMotion:
    """How the flow moves a sample of the particles, and the motion that goes along with each latent on average."""

    @torch.no_grad()
    def __init__(self, now: Pass, flow: Flow) -> None:
        trainer = now.trainer
        rng = np.random.default_rng((trainer.seed, 6, now.epoch))
        rows = trainer.membership.members(rng.permutation(len(trainer.images)))[:SAMPLE]
        self._flow, self.share = flow, vertex_share(now.stage, len(trainer.rest))
        self.points = now.points.z[rows]
        values, vectors = torch.linalg.eigh(in_double(now.points.precision[rows]).mean(dim=0))
        self._axes = vectors[:, values > KNOWN].to(self.points)
        self.motion = flow(self.points)
        moved = self._weighted(self.motion)
        self._mean, self._centre = moved.mean(dim=0), self.points.mean(dim=0)
        known = (self.points - self._centre) @ self._axes
        if self.dims == 0:
            return
        self._direction = least_squares(in_double(known), in_double(moved - self._mean))
        self._inverse = torch.linalg.pinv(self._direction).to(moved)
        left = moved - self._mean - self._along(moved) @ self._direction.to(moved)
        self.explained = 1 - float(left.square().sum() / (moved - self._mean).square().sum().clamp(min=1e-12))

    @property
    def dims(self) -> int:
        """Of latent space, that the images tell of."""
        return self._axes.shape[1]

    def _weighted(self, vertices: torch.Tensor) -> torch.Tensor:
        """Vertices ``(b, v, 3)`` as vectors ``(b, 3 v)`` whose squares count as much as there is density."""
        return (vertices * self.share.sqrt()[None, :, None]).flatten(1)

    def _along(self, moved: torch.Tensor) -> torch.Tensor:
        """Place ``(b, m)`` along the mean motion."""
        return (moved - self._mean) @ self._inverse

    @torch.no_grad()
    def unfolded(self, z: torch.Tensor) -> torch.Tensor:
        """Latents ``(b, k)`` with what the images tell of replaced by the place along the mean motion."""
        known = (z - self._centre) @ self._axes
        return z + (self._along(self._weighted(self._flow(z))) - known) @ self._axes.T

    @torch.no_grad()
    def slope_determinants(self) -> torch.Tensor:
        """Determinants ``(n,)`` of ds/dz at the sample: 1 where the flow is linear, 0 where it stands still."""
        here = self._along(self._weighted(self.motion))
        slopes = [self._along(self._weighted(self._flow(self.points + DIFFERENCE * axis))) - here
                  for axis in self._axes.T]  # fmt: skip
        return torch.linalg.det(torch.stack(slopes, dim=1) / DIFFERENCE)


def _in_parts(change, z: torch.Tensor) -> torch.Tensor:
    return torch.cat([change(part) for part in z.split(SAMPLE)])


@torch.enable_grad()
def _fit(flow: Flow, points: torch.Tensor, wanted: torch.Tensor, share: torch.Tensor, seed: int) -> None:
    """Adam on the flow until it moves ``points`` ``(n, k)`` to vertices ``wanted`` ``(n, v, 3)``."""
    generator = torch.Generator().manual_seed(seed)
    optimiser = Adam(flow.parameters(), lr=FIT_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, FIT_STEPS, eta_min=FIT_RATE / 100)
    for _ in range(FIT_STEPS):
        some = torch.randint(len(points), (FIT_BATCH,), generator=generator).to(points.device)
        optimiser.zero_grad()
        ((flow(points[some]) - wanted[some]).square().sum(dim=2) @ share).mean().backward()
        optimiser.step()
        schedule.step()

"""What is systematic in the corrections of poses belongs to the motion.

A pose that changes with the latents is a motion of the whole body, and corrections that agree on average move the map
away from where its consensus lies. Both are given back to the flow, whose first six modes move the whole body: the
last layer of its network is refitted to the corrections by least squares, and what it takes over is taken from them.

Only so much of it is a motion as goes along with one: an arm that swings moves the whole body as seen from the rest, by
some times its own size. A flow that moves the whole body and hardly bends it has taken errors of poses for a motion,
which then have the latent to themselves. Beyond `MOST_WHOLE` times what is left when each state is placed as well as it
can be, the whole body's motion goes back to the corrections.

Where some of the molecule stands still, it holds the frame: what moves the whole body is left to the corrections.
"""

from __future__ import annotations

import numpy as np
import torch

from ...latents.particle_latents import ParticleLatents, StepSums
from ...training.pose_corrections import RigidBasis, learn_variance, whole_body
from ...training.trainer import Trainer
from ..decoder import Pass
from .flow_network import AMPLITUDE, Flow
from .flow_state import FlowState
from .soft_modes import RIGID_MOTIONS

PARTICLES = 20_000  # that the flow is refitted to
CHUNK = 4096
RIDGE = 0.02  # of the mean weight of a feature: noise in the corrections shall not bend the flow
MOST_WHOLE = 3.0  # of what is left without it: of a small arm it is less than one, of two equal ones about two
STATES = 256  # particles from which that is found
LEAST = 0.1  # of what an image leaves unknown of its pose: errors of a smaller mean square are not worth correcting


@torch.no_grad()
def fix_pose_gauge(now: Pass, decoder: FlowState, step_sums: StepSums) -> None:
    """After a pass or a sweep: give back what is systematic, learn the prior's width, and stop where poses were right.

    The ``step_sums`` are of this process's particles.
    """
    trainer = now.trainer
    poses = trainer.poses
    if not poses.active:
        return
    basis = RigidBasis(trainer.rest, decoder.flow.modes, poses)
    if not (now.points.frozen or decoder.flow.held):
        _give_back(trainer, decoder.flow, now.points, basis)
        _take_what_is_no_motion(trainer, decoder.flow, now.points, basis)
    weight = trainer.membership.probability
    if learn_variance(poses, weight, step_sums.spread, step_sums.seen, trainer.team) < LEAST:
        poses.disable()
        trainer.log("The poses need no correction beyond what the motion explains; they are left as they were.")
    elif now.last:
        trainer.log(f"Poses were off by about {poses.error_text()}.")


def _give_back(trainer: Trainer, flow: Flow, points: ParticleLatents, basis: RigidBasis) -> None:
    count = len(trainer.images)
    rows = trainer.membership.members(np.random.default_rng((trainer.seed, 7)).permutation(count))[:PARTICLES]
    # argmin over A of Σᵢ |Bᵢ A fᵢ − cᵢ|²: fᵢ the features, Bᵢ (5, 6) from modes to corrections, cᵢ the correction. Its
    # normal equations are Σᵢ (BᵢᵀBᵢ ⊗ fᵢfᵢᵀ) vec A = Σᵢ vec(Bᵢᵀcᵢ fᵢᵀ)
    size = 1 + flow.latent_dims + flow.layer(-1).in_features
    right = torch.zeros(RIGID_MOTIONS, size, dtype=torch.double, device=trainer.device)
    normal = torch.zeros(RIGID_MOTIONS, size, RIGID_MOTIONS, size, dtype=torch.double, device=trainer.device)
    for part in np.array_split(rows, -(-len(rows) // CHUNK)):
        features = _features(flow, points.z[part]).double()
        turned = basis.corrections(trainer.views(part)).double()
        product = torch.einsum("bij,bik,bf,bg->jfkg", turned, turned, features, features)
        gradient = torch.einsum("bij,bi,bf->jf", turned, trainer.poses.correction[part].double(), features)
        normal, right = normal + product, right + gradient
    normal = normal.reshape(RIGID_MOTIONS * size, -1)
    # a ridge λ|A|², λ a share of the mean diagonal
    normal += RIDGE * normal.diagonal().mean() * torch.eye(len(normal), dtype=normal.dtype, device=normal.device)
    change = torch.linalg.solve(normal, right.reshape(-1)).reshape(RIGID_MOTIONS, size).float()
    _move_poses(trainer, flow, points, basis, change)


def _move_poses(trainer: Trainer, flow: Flow, points: ParticleLatents, basis: RigidBasis, change: torch.Tensor) -> None:
    """Let the flow's first six outputs depend on its features by ``change`` ``(6, 1 + k + h)``, Å, more than they did,
    and the corrections less, so that no image is seen otherwise.
    """
    count = len(trainer.images)
    for part in np.array_split(np.arange(count), -(-count // CHUNK)):
        moved = _features(flow, points.z[part]) @ change.T  # A fᵢ; cᵢ − Bᵢ A fᵢ is left of the correction
        trainer.poses.correction[part] -= (basis.corrections(trainer.views(part)) @ moved[:, :, None]).squeeze(-1)
    _add_to_last_layer(flow, change)


def _take_what_is_no_motion(trainer: Trainer, flow: Flow, points: ParticleLatents, basis: RigidBasis) -> None:
    """Give the corrections what the flow moves of the whole body beyond what belongs to its motion."""
    rows = trainer.membership.members(np.random.default_rng((trainer.seed, 8)).permutation(len(trainer.images)))
    z, weight = points.z[rows[:STATES]], trainer.membership.probability[rows[:STATES]].double()
    whole, left = whole_body(flow.modes, (flow(z) - trainer.rest).double())
    varying, bent = (part - (weight @ part) / weight.sum() for part in (whole, left))
    placed = varying @ torch.cat([basis.spin, basis.slide]).double().T
    # r.m.s. of the whole body's motion, Å at the radius of gyration, and of what is left, over the particles' weights
    size, bend = (float((weight @ part.square().sum(dim=1) / weight.sum()).sqrt()) for part in (placed, bent))
    bend /= len(trainer.rest) ** 0.5
    if size <= MOST_WHOLE * bend:
        return
    share = 1 - MOST_WHOLE * bend / size  # what is beyond the most that belongs to the motion
    features = _features(flow, z).double()
    # argmin over A of Σᵢ wᵢ |A fᵢ − varyingᵢ|², of which the share is taken away
    normal = features.T @ (weight[:, None] * features)
    normal += 1e-6 * normal.diagonal().mean() * torch.eye(len(normal), dtype=normal.dtype, device=normal.device)
    taken = share * torch.linalg.solve(normal, features.T @ (weight[:, None] * varying)).T.float()
    _move_poses(trainer, flow, points, basis, -taken)


def _features(flow: Flow, z: torch.Tensor) -> torch.Tensor:
    """What the flow's outputs are linear in ``(b, 1 + k + h)``: one, the latents, the last hidden layer."""
    return torch.cat([torch.ones_like(z[:, :1]), z, flow.network[:-1](z)], dim=1)


def _add_to_last_layer(flow: Flow, change: torch.Tensor) -> None:
    """Add ``change`` ``(6, 1 + k + h)``, Å, to how the first six outputs depend on the features."""
    k, change = flow.latent_dims, change / AMPLITUDE
    last = flow.layer(-1)
    last.bias[:RIGID_MOTIONS] += change[:, 0]
    flow.linear.weight[:RIGID_MOTIONS] += change[:, 1 : 1 + k]
    last.weight[:RIGID_MOTIONS] += change[:, 1 + k :]

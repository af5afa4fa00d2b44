"""The first guess of a motion of a few voxels: linear in the mesh's soft modes (`mode_model.py`)."""

from __future__ import annotations

import numpy as np
import torch

from ....mesh.tetmesh import TetMesh
from ...latents.gauss_newton import gauss_newton
from ...latents.particle_latents import ParticleLatents
from ...training.pose_corrections import RigidBasis
from ...training.stage import Stage
from ...training.trainer import Trainer
from .flow_network import Flow
from .flow_state import FlowState
from .mode_model import LinearMotion, ModeStatistics, fit_held_motion, fit_linear_motion, mode_statistics, set_linear
from .soft_modes import RIGID_MOTIONS, strain_operator

RIGIDITY_START = 200.0  # nats per unit of mean squared strain, until a pass has told more
MOST_LATENT = 3.0  # of a normal latent; along a line one step leads all the way
MODES = FlowState.first_modes


def fit_modes(
    trainer: Trainer, stage: Stage, decoder: FlowState, rows: np.ndarray, held_out: np.ndarray | None = None
) -> LinearMotion:
    """The linear motion in the softest modes that the images ``rows`` show; those ``held_out`` ``(n,)`` judge it."""
    statistics = find_statistics(trainer, stage, decoder, rows)
    return linear_motion(trainer, decoder, statistics, trainer.settings.latent_dims, held_out)


def linear_motion(
    trainer: Trainer, decoder: FlowState, statistics: ModeStatistics, dims: int, held_out: np.ndarray | None
) -> LinearMotion:
    """The linear motion of ``dims`` dimensions that ``statistics`` of the softest modes show; images ``held_out``
    ``(n,)`` bool judge it, those of the fit where None.
    """
    errors, poses = None, trainer.poses
    if poses.active:
        basis = RigidBasis(trainer.rest, decoder.flow.modes, poses)
        errors = basis.covariance(poses.variance.double())
    stiffness = mode_stiffness(trainer, decoder)
    fit = fit_held_motion if decoder.flow.held else fit_linear_motion
    motion = fit(statistics, dims, stiffness=stiffness, errors=errors, held_out=held_out, team=trainer.team)
    decoder.information = motion.information.cpu().numpy()
    ratios = ", ".join(f"{value:.2g}" for value in motion.information[:6])
    trainer.log(f"Signal over noise of the leading motions (about 1 or less is noise): {ratios}.")
    return motion


def mode_count(decoder: FlowState) -> int:
    """How many modes the first guess is made in."""
    return min(decoder.first_modes, decoder.flow.modes.shape[1])


def mode_stiffness(trainer: Trainer, decoder: FlowState) -> float:
    """What the rigidity prior adds to the precision of each mode's coefficient."""
    energy = _softest_energy(trainer.mesh, decoder.flow, mode_count(decoder))
    return 2 * RIGIDITY_START * decoder.settings.rigidity * energy


def find_statistics(
    trainer: Trainer, stage: Stage, decoder: FlowState, rows: np.ndarray, modes: int | None = None,
    shares: torch.Tensor | None = None,
) -> ModeStatistics:  # fmt: skip
    """What the images ``rows`` say of the coefficients of the first ``modes``, each of the team finding its share.

    ``shares`` ``(v, p)`` of density give p coefficients more.

    With poses that are corrected, it is what they say of the coefficients that make up for poses and motion together.
    """
    modes = min(modes or decoder.first_modes, mode_count(decoder))
    own = trainer.team.share(np.arange(len(rows)))
    counter = trainer.counter("soft modes", len(own))
    parts = mode_statistics(stage, decoder.flow, rows[own], modes, 1.0, counter, shares)
    tables = []
    for part in (parts.curvature, parts.gradient):
        table = torch.zeros(len(rows), *part.shape[1:], dtype=part.dtype, device=part.device)
        table[own] = part
        trainer.team.collect(table, own)
        tables.append(table)
    statistics, poses = ModeStatistics(*tables), trainer.poses
    if not poses.active:
        return statistics
    basis = RigidBasis(trainer.rest, decoder.flow.modes, poses)
    return about_zero(statistics, basis, trainer.views(rows), poses.correction[rows])


def about_zero(
    statistics: ModeStatistics, basis: RigidBasis, views: torch.Tensor, correction: torch.Tensor
) -> ModeStatistics:
    """What images say of all mode coefficients, the corrections ``(n, 5)`` that they were seen with among them.

    Linearised where the poses are corrected, told as if they were not.
    """
    there = torch.linalg.pinv(basis.corrections(views)) @ correction[:, :, None]
    of_rigid = statistics.curvature[:, :, :RIGID_MOTIONS]
    gradient = statistics.gradient + (of_rigid @ there.to(statistics.gradient)).squeeze(-1)
    return ModeStatistics(statistics.curvature, gradient)


def move_linearly(
    trainer: Trainer, stage: Stage, decoder: FlowState, points: ParticleLatents, motion: LinearMotion
) -> None:
    """Make the flow that linear motion, and find every particle's place along it."""
    set_linear(decoder.flow, motion)
    rows = trainer.team.share(np.arange(len(trainer.images)))
    counter = trainer.counter("latents", len(rows))
    for batch in stage.batches(rows):
        prior = points.prior(batch)
        points.take(stage, batch, gauss_newton(decoder, stage, batch, prior.centre, prior, MOST_LATENT))
        counter(len(batch))
    points.collect(trainer, rows)
    points.whiten(trainer.membership.probability > 0.5, decoder.substitute)


def _softest_energy(mesh: TetMesh, flow: Flow, modes: int) -> float:
    """Rigidity energy of one unit of an elastic mode; softness scaling makes it the same for all."""
    energy = (np.asarray(strain_operator(mesh) @ flow.modes[:, :modes].cpu().numpy()) ** 2).sum(axis=0)
    return float(energy.max())

"""How far off the particles' poses are, found before any motion is looked for.

To first order an image is linear in the coefficients of the mesh's soft modes, the first six of which move the whole
body (`mode_model.py`). What of these six goes along with the elastic ones is part of the motion; the rest are errors
of the poses. Both are estimated together, so that neither is taken for the other, and the map is solved again with the
poses corrected, which shows the rest more clearly.
"""

from __future__ import annotations

import numpy as np
import torch

from ....particles.symmetry import are_expanded
from ...maps.half_maps import HalfMaps
from ...training.batches import pieces
from ...training.pose_corrections import RigidBasis, mass_centre
from ...training.rigid_map import solve_at_rest
from ...training.schedule import ResolutionLevel
from ...training.shared_poses import SharedCorrections, on_the_axes
from ...training.stage import Stage
from ...training.trainer import Trainer
from .first_guess_modes import MODES, about_zero, find_statistics, mode_stiffness
from .flow_state import FlowState
from .mode_model import ModeStatistics, fit_covariance, mode_statistics, pose_covariance, residual_poses
from .soft_modes import RIGID_MOTIONS

ROUNDS = (MODES // 2, MODES // 2, MODES)  # modes that take part in each: few are enough while the map is blurred
LEAST = 0.15  # signal over noise of pose errors that are worth correcting
ROWS = 1024  # particles whose statistics are held at a time


def find_poses(
    trainer: Trainer, level: ResolutionLevel, stage: Stage, maps: HalfMaps, decoder: FlowState, rows: np.ndarray
) -> tuple[Stage, HalfMaps]:
    """Correct the poses, where they are off; the stage and its half-maps, solved again if they were.

    The errors' size is found from the particles ``rows`` ``(m,)``; then all are corrected.
    """
    poses, alike = trainer.poses, _choose_centre(trainer, stage, decoder)
    basis = RigidBasis(trainer.rest, decoder.flow.modes, poses)
    stiffness = mode_stiffness(trainer, decoder)
    for modes in ROUNDS:
        statistics = find_statistics(trainer, stage, decoder, rows, modes)
        mean, covariance = fit_covariance(statistics, stiffness=stiffness, team=trainer.team)
        errors, leads = pose_covariance(statistics, covariance)
        strength = float((errors.diagonal() * statistics.curvature.mean(dim=0).diagonal()[:RIGID_MOTIONS]).mean())
        if strength < LEAST:
            poses.disable()  # what an earlier round took for errors is none any more
            trainer.log("The poses are as good as the images can tell; they are left as they are.")
            return stage, maps
        poses.variance = basis.variance(errors).clamp(min=0).float()
        _correct(trainer, stage, decoder, basis, (rows, statistics), (mean, covariance, leads))
        if alike:
            poses.shared = SharedCorrections.among(trainer.image, poses.correction)
            poses.correction = poses.shared.together(trainer.membership.probability)
        stage, maps = solve_at_rest(trainer, level, stage, maps)
    trainer.log(f"Poses are off by about {poses.error_text()}: they are corrected as training goes on.")
    return stage, maps


def _choose_centre(trainer: Trainer, stage: Stage, decoder: FlowState) -> bool:
    """Find the point about which poses turn; whether all copies of an image have one pose.

    They have where one subunit of a symmetric molecule moves; then the point lies on the axes.
    """
    poses, particles = trainer.poses, trainer.images.particles
    mass = stage.cloud.vertex_mass(stage.density, len(trainer.rest))
    poses.centre, poses.radius = mass_centre(trainer.rest, mass)
    if not (decoder.flow.held and are_expanded(particles.rotation, trainer.image)):
        return False
    views, image = (torch.from_numpy(values).to(stage.device) for values in (particles.rotation, trainer.image))
    poses.centre = on_the_axes(poses.centre, views.to(poses.centre), image)
    return True


def _correct(
    trainer: Trainer, stage: Stage, decoder: FlowState, basis: RigidBasis,
    known: tuple[np.ndarray, ModeStatistics], prior: tuple[torch.Tensor, torch.Tensor, torch.Tensor],
) -> None:  # fmt: skip
    """The most likely correction of every particle's pose, whatever its motion.

    ``known`` are the rows whose statistics have been found already, and those; the others' are found here.
    """
    poses, (rows, statistics) = trainer.poses, known
    errors = basis.covariance(poses.variance.double())

    def take(rows: np.ndarray, statistics: ModeStatistics) -> None:
        left = residual_poses(statistics, *prior, errors).float()
        poses.correction[rows] = (basis.corrections(trainer.views(rows)) @ left[:, :, None]).squeeze(-1)

    others = trainer.team.share(np.setdiff1d(np.arange(len(trainer.images)), rows))
    counter = trainer.counter("poses", max(1, len(others)))
    for part in pieces(others, ROWS) if len(others) else ():
        own = mode_statistics(stage, decoder.flow, part, len(prior[0]), 1.0, counter)
        take(part, about_zero(own, basis, trainer.views(part), poses.correction[part]))
    trainer.team.collect(poses.correction, others)
    take(rows, statistics)

"""A trained flow and the rigid molecule beside it, judged by images that neither was made from."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from ...held_out.gain import held_out_gain
from ...held_out.place_images import PlacementModel, anchors_among
from ...held_out.rest_predictor import RestPredictor
from ...latents.sweep import LEAST_BOX, SWEEP_PIXEL
from ...training.batches import ParticleImages
from ...training.find_members import of_images
from ...training.membership import particle_probability
from ...training.pose_corrections import SIZE, Poses
from ...training.schedule import ResolutionLevel, even
from ...training.stage import Stage, carry_density
from ...training.trainer import Trainer
from ...training.training_loop import Training
from .flow_state import FlowState
from .rigid_twin import flow_and_rigid

LEAST_IMAGES = 100  # among which junk can be told


@dataclass(frozen=True)
class FlowJudgement:
    """What m held-out images say of a flow.

    Attributes
    ----------
    gain : ``(m, S)`` nats by shell, as of `HeldOutGain`. latents : ``(m, k)``.
    probability : ``(m,)`` of being a particle of the molecule, by the rigid map alone.
    """

    gain: np.ndarray
    latents: np.ndarray
    probability: np.ndarray


def judge_flow(trainer: Trainer, training: Training, held_out: ParticleImages) -> FlowJudgement:
    """Judge a training that has ended by images that it has not seen. Raises `Interrupted`."""
    decoder, points = training.decoder, training.points
    if not isinstance(decoder, FlowState):
        raise TypeError(f"a {decoder.format} model has no rigid molecule beside it")
    stages = flow_and_rigid(trainer, decoder, points)
    judge = Trainer(held_out, trainer.mesh, trainer.settings, trainer.levels, trainer.seed, trainer.device, trainer.log,
                    trainer.progress, trainer.stop, trainer.team)  # fmt: skip
    judge.at_once = trainer.at_once
    moving, rigid = (_stage_of(judge, stage) for stage in stages)
    members = trainer.membership.members(np.arange(len(trainer.images)))
    anchors = anchors_among(points.z, members, trainer.seed)
    result = held_out_gain(judge, PlacementModel(decoder, moving, coarser_stage(judge, moving), anchors),
                           PlacementModel(RestPredictor(judge.rest), rigid, rigid, anchors[:, :0]))  # fmt: skip
    return FlowJudgement(result.gain.cpu().numpy(), result.latents.cpu().numpy(),
                         _probability(judge, decoder, result.resemblance))  # fmt: skip


def _stage_of(judge: Trainer, stage: Stage) -> Stage:
    """The stage of other images, whose poses have the prior of this one's and no corrections yet."""
    poses = stage.poses
    fresh = Poses(torch.zeros(len(judge.images), SIZE, device=judge.device), poses.variance, poses.centre, poses.radius)
    same = judge.stage_of(judge.levels[-1], stage.noise).with_density(stage.density)
    return replace(same, poses=fresh)


def coarser_stage(judge: Trainer, stage: Stage) -> Stage:
    """The stage on large pixels, as a sweep has them."""
    box = max(LEAST_BOX, even(stage.box * stage.cloud.pixel_size / SWEEP_PIXEL))
    if box >= stage.box:
        return stage
    coarse = judge.stage_of(ResolutionLevel(box, 1, 0.9), stage.noise)
    density = carry_density(stage.density, stage.cloud, coarse.cloud)
    return replace(coarse.with_density(density), poses=stage.poses)


def _probability(judge: Trainer, decoder: FlowState, resemblance: torch.Tensor) -> np.ndarray:
    points, number = of_images(resemblance[:, :2].cpu().numpy().astype(np.float64), judge.image)
    if not decoder.settings.judged.members or len(points) < LEAST_IMAGES:
        return np.ones(len(resemblance))
    return particle_probability(points)[number]

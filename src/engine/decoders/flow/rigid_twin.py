"""The rigid molecule beside a trained flow: a map of the same particles by the same solver, and poses of its own.

What moves the whole body is no motion, so the rigid molecule may be placed anew: each image's pose is corrected under
a normal prior whose width is found from the images, as the flow's are. Both maps are solved from nothing by as many
steps, after as many steps of poses, so that neither is the smoother or the better placed for how it was come by.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from ...held_out.rest_predictor import RestPredictor
from ...latents.gauss_newton import gauss_newton
from ...latents.particle_latents import ParticleLatents, StepSums
from ...maps.half_maps import supported_map
from ...training.batches import Batch
from ...training.pose_corrections import SHIFTS, TURNS, Poses, RigidBasis, learn_variance, mass_centre, whole_body
from ...training.stage import Stage
from ...training.trainer import FIRST_ITERATIONS, Trainer
from ..decoder import Predictor
from .flow_state import FlowState
from .pose_gauge import LEAST

ITERATIONS = 8  # of conjugate gradients, of either map
CHUNK = 4096

VerticesOf = Callable[[Batch], torch.Tensor]


@torch.no_grad()
def flow_and_rigid(trainer: Trainer, decoder: FlowState, points: ParticleLatents) -> tuple[Stage, Stage]:
    """The finest stage with the flow's map and its poses, and with the rigid molecule's. Raises `Interrupted`."""
    stage = trainer.stage_of(trainer.levels[-1], decoder.noise)
    start = stage.with_density(supported_map(stage.cloud, decoder.maps))
    none = ParticleLatents.unknown(len(trainer.images), 0, trainer.device)
    both = []
    for predictor, latents, vertices_of, poses in (
        (decoder, points.clone(), decoder.vertices_of, trainer.poses.clone()),
        (RestPredictor(trainer.rest), none, _at_rest(trainer), _rigid_poses(trainer, decoder, points, start)),
    ):
        own = replace(stage, poses=poses)
        if poses.active:
            _refine(trainer, _solved(trainer, own, vertices_of(latents), FIRST_ITERATIONS, "map"), predictor, latents)
        both.append(_solved(trainer, own, vertices_of(latents), ITERATIONS, "map"))
    return both[0], both[1]


def _at_rest(trainer: Trainer) -> Callable[[ParticleLatents], VerticesOf]:
    def vertices_of(points: ParticleLatents) -> VerticesOf:
        return lambda batch: trainer.rest

    return vertices_of


def _solved(trainer: Trainer, stage: Stage, vertices_of: VerticesOf, iterations: int, name: str) -> Stage:
    maps = trainer.solve(stage, vertices_of, None, iterations, name)
    return stage.with_density(supported_map(stage.cloud, maps))


def _rigid_poses(trainer: Trainer, decoder: FlowState, points: ParticleLatents, stage: Stage) -> Poses:
    """Corrections that place the molecule at rest where the flow has each image's whole body."""
    own, flow = trainer.poses, decoder.flow
    if own.active:
        centre, radius = own.centre, own.radius
    else:
        centre, radius = mass_centre(trainer.rest, stage.cloud.vertex_mass(stage.density, len(trainer.rest)))
    poses = Poses(own.correction.clone(), own.variance, centre, radius)
    basis, count = RigidBasis(trainer.rest, flow.modes, poses), len(trainer.images)
    parts = np.array_split(np.arange(count), -(-count // CHUNK))
    whole = torch.cat([whole_body(flow.modes, flow(points.z[part]) - trainer.rest)[0] for part in parts])
    weight = trainer.membership.probability
    whole -= weight @ whole / weight.sum()  # what all have in common places the map, not the images
    for part in parts:
        turned = basis.corrections(trainer.views(part))
        poses.correction[part] += (turned @ whole[part, :, None]).squeeze(-1)
    square = weight @ (poses.correction - own.correction).square() / weight.sum()
    poses.variance = own.variance + torch.stack([square[TURNS].mean(), square[SHIFTS].mean()])
    return poses


def _refine(trainer: Trainer, stage: Stage, predictor: Predictor, points: ParticleLatents) -> None:
    """A step of every particle's latents and pose towards where the map explains its image best, and of the width of
    the poses' prior.
    """
    poses, rows = stage.poses, trainer.team.share(np.arange(len(trainer.images)))
    step_sums, counter = StepSums.empty(trainer.device), trainer.counter("poses", len(rows))
    for batch in stage.batches(rows):
        step = gauss_newton(predictor, stage, batch, points.z[batch.rows], points.prior(batch))
        points.take(stage, batch, step)
        step_sums.add(batch, step)
        counter(len(batch))
    for table in (points.z, points.precision, poses.correction):
        trainer.team.collect(table, rows)
    if learn_variance(poses, trainer.membership.probability, step_sums.spread, step_sums.seen, trainer.team) < LEAST:
        poses.disable()

"""A trained flow judged by the images that it was trained on, as fairly as they allow, and the same map held rigid.

Each image is compared with the map of the half of the particles that it is not in, and its latents and pose are found
by one half of its Fourier components while the other half judges: neither the map nor the latents have seen the noise
that they are judged by. Only the flow's network has, which all images share.

Both molecules may be placed anew, under a prior of poses as wide as the errors that the rigid one shows. So latents
that stand for errors of poses gain nothing, whether training has corrected poses or taken them as they are.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from ...held_out.gain import batch_gain, both_splits
from ...held_out.place_images import PlacementModel, anchors_among
from ...held_out.rest_predictor import RestPredictor
from ...latents.gauss_newton import gauss_newton
from ...latents.particle_latents import ParticleLatents, Prior
from ...maps.half_maps import supported_halves
from ...training.pose_corrections import SIZE, Poses, learn_variance, mass_centre
from ...training.stage import Stage
from ...training.trainer import Trainer
from .flow_state import FlowState
from .held_out_flow import coarser_stage

LEAST = 0.25  # of a pixel: poses are seldom better, and a narrower prior would hold the rigid molecule back
ROUNDS = 2  # of placing the rigid molecule and learning how far poses are off


@torch.no_grad()
def judge_own_images(
    trainer: Trainer, decoder: FlowState, points: ParticleLatents, stage: Stage, rigid: np.ndarray, rows: np.ndarray
) -> np.ndarray:
    """The gain ``(m, S)`` of moving over rigid, nats by shell, of the images ``rows`` ``(m,)``. Raises `Interrupted`.

    Parameters
    ----------
    stage : the last, with its map and the poses that training has left.
    rigid : ``(v, 3)`` Å, or ``(v, 4)`` with the share of the density there, the shape that the rigid molecule has.
    """
    rest = RestPredictor(torch.from_numpy(rigid.astype(np.float32)).to(stage.device))
    poses = _with_errors_of_poses(trainer, rest, stage, rows)
    members = trainer.membership.members(np.arange(len(trainer.images)))
    anchors = anchors_among(points.z, members, trainer.seed)
    gain = torch.zeros(len(trainer.images), stage.box // 2 + 1, device=stage.device)
    counter = trainer.counter("images", len(rows))
    for half, density in zip(trainer.halves[::-1], supported_halves(stage.cloud, decoder.maps), strict=True):
        own = replace(stage.with_density(density), poses=poses)
        splits = both_splits(PlacementModel(decoder, own, coarser_stage(trainer, own), anchors),
                             PlacementModel(rest, own, own, anchors[:, :0]), trainer.seed)  # fmt: skip
        for batch in own.batches(rows[np.isin(rows, half)]):
            gain[batch.rows], _, _ = batch_gain(splits, batch)
            counter(len(batch))
    return gain[torch.from_numpy(rows)].cpu().numpy()


def _with_errors_of_poses(trainer: Trainer, rest: RestPredictor, stage: Stage, rows: np.ndarray) -> Poses:
    """The poses with a prior as wide as their errors, which are looked for up to a pixel beyond what training found."""
    poses = stage.poses
    if poses.active:
        poses = replace(poses.clone(), shared=None)
    else:
        centre, radius = mass_centre(trainer.rest, stage.cloud.vertex_mass(stage.density, len(trainer.rest)))
        none = torch.zeros(len(trainer.images), SIZE, device=stage.device)
        poses = Poses(none, poses.variance.clone(), centre, radius)
    given, counts = poses.correction.clone(), torch.zeros(len(poses.correction), device=stage.device)
    counts[torch.from_numpy(rows)] = 1
    least = torch.maximum(poses.variance, torch.full_like(poses.variance, (LEAST * stage.cloud.pixel_size) ** 2))
    poses.variance = poses.variance + stage.cloud.pixel_size**2
    for _ in range(ROUNDS):
        placed, spread = replace(stage, poses=poses), torch.zeros(SIZE, device=stage.device)
        for batch in placed.batches(rows):
            nothing = torch.zeros(len(batch), 0, device=stage.device)
            step = gauss_newton(rest, placed, batch, nothing, Prior(nothing, 1.0))
            if step.poses is not None:
                poses.correction[batch.rows] = step.poses.correction
                spread += step.poses.spread.sum(dim=0)
        learn_variance(poses, counts, spread, len(rows), trainer.team)
        poses.variance = torch.maximum(poses.variance, least)
    return replace(poses, correction=given)

"""Poses refined on a given map and motion: a Gauss–Newton step of each particle's correction.

The step is that of `latents/gauss_newton.py` with the latents left as they are: for the refinement of poses with the
resolution, each half of the particles by its own map.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from ..decoders.flow.mode_model import whitened
from .batches import Batch
from .pose_corrections import SIZE, Poses, learn_variance, shift_slopes
from .stage import Stage
from .team import Team

TURN = 0.25  # Å at the radius of gyration, by which slopes are measured
LARGEST = 2.0  # Å of a step
FIRST_VARIANCE = 0.25  # Å², where nothing is known of the errors yet


@torch.no_grad()
def refine_poses(
    stage: Stage, rows: np.ndarray, vertices_of: Callable[[Batch], torch.Tensor], team: Team
) -> float:
    """One step of the poses of the particles ``rows``, on the stage's map; ``stage.poses`` are changed.

    ``vertices_of(batch)`` gives ``(b, v, 3)`` or ``(v, 3)`` Å. Returns the r.m.s. step in Å. The prior is that of
    ``stage.poses``, whose variance is learned again from all that is known then.
    """
    poses, own = stage.poses, team.share(rows)
    spread, seen, moved = torch.zeros(SIZE, device=stage.device), 0.0, 0.0
    for batch in stage.batches(own):
        step, covariance = _steps(stage, batch, vertices_of(batch))
        weight = torch.ones(len(batch), device=stage.device) if batch.weight is None else batch.weight
        poses.correction[batch.rows] += step * (weight > 0)[:, None]
        spread += weight @ covariance
        seen, moved = seen + float(weight.sum()), moved + float(weight @ step.square().mean(dim=1))
    team.collect(poses.correction, own)
    known = torch.zeros(len(poses.correction), device=stage.device)
    known[torch.from_numpy(rows).to(stage.device)] = 1
    learn_variance(poses, known * stage.membership.probability, spread, seen, team)
    total = team.total(torch.tensor([moved, seen], device=stage.device))
    return float((total[0] / total[1].clamp(min=1)).sqrt())


def _steps(stage: Stage, batch: Batch, vertices: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The step ``(b, 5)`` of every particle of a batch, and the variance ``(b, 5)`` that is left unknown."""
    poses = stage.poses
    start = poses.correction[batch.rows]
    if vertices.dim() == 2:
        vertices = vertices.expand(len(batch), -1, -1)
    turns = torch.zeros(4, SIZE, device=stage.device)
    turns[1:, :3] = TURN * torch.eye(3, device=stage.device)
    models = stage.forward_several(batch, vertices[:, None].expand(-1, 4, -1, -1), start[:, None] + turns)
    base = whitened(stage, models[:, 0])
    slopes = torch.cat([(models[:, 1:] - models[:, :1]) / TURN, shift_slopes(models[:, 0], stage.cloud.pixel_size)], 1)
    slope = whitened(stage, slopes.flatten(0, 1)).unflatten(0, (len(batch), SIZE))
    # H = JᵀJ + Λ, and the step H⁻¹ (Jᵀ (y − f) − Λ c)
    precision = slope @ slope.transpose(1, 2) + torch.diag(poses.prior)
    gradient = (slope @ (whitened(stage, batch.images) - base)[:, :, None]).squeeze(-1) - poses.prior * start
    covariance = torch.linalg.inv(precision)
    step = (covariance @ gradient[:, :, None]).squeeze(-1)
    length = step.norm(dim=1, keepdim=True).clamp(min=1e-12)
    return step * (LARGEST / length).clamp(max=1), covariance.diagonal(dim1=1, dim2=2)


def begin_refining(poses: Poses, centre: torch.Tensor, radius: float) -> Poses:
    """Poses that may be refined, turning about ``centre`` ``(3,)`` Å at ``radius`` Å where none were corrected yet."""
    if poses.active:
        known = poses.correction.square()
        variance = torch.stack([known[:, :3].mean(), known[:, 3:].mean()]) + FIRST_VARIANCE
        return Poses(poses.correction.clone(), variance, poses.centre, poses.radius)
    variance = torch.full((2,), FIRST_VARIANCE, device=poses.correction.device)
    return Poses(poses.correction.clone(), variance, centre, radius)

"""Work on the latents of all particles with the flow held fixed: found everywhere, or polished where they are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from .find_members import resemblance, take_members
from .flow_state import State
from .latents import gauss_newton, reassign
from .pose_gauge import settle_poses
from .poses import SIZE
from .stage import Stage
from .train import Trainer

ANCHORS_PER_DIM, MOST_ANCHORS = 16, 48  # points tried for every particle, to leave folds and wrong ends


@torch.no_grad()
def sweep(trainer: Trainer, stage: Stage, state: State) -> None:
    """Let every particle jump to one of some anchors drawn from the particles, then settle there."""
    rng = np.random.default_rng((trainer.seed, 5, state.epoch))
    k, count = trainer.settings.latent_dims, len(trainer.images)
    members = trainer.membership.members(rng.permutation(count))
    anchors = state.latents[np.sort(members[: min(MOST_ANCHORS, ANCHORS_PER_DIM * k)])]
    rows = trainer.team.share(np.arange(count))
    counter, moved = trainer.counter("sweep", len(rows)), torch.zeros(1, device=trainer.device)
    spread, found = torch.zeros(SIZE, device=trainer.device), torch.zeros(count, 2, device=trainer.device)
    for batch in stage.batches(rows):
        before, prior = state.latents[batch.rows], state.prior(batch, trainer.settings.centering)
        z = reassign(stage, state.flow, batch, before, anchors, prior)
        step = gauss_newton(stage, state.flow, batch, z, prior)
        state.take(batch, step)
        spread += step.spread.sum(dim=0) if step.spread is not None else 0
        if trainer.settings.find_junk:
            batch = replace(batch, correction=step.correction)
            found[batch.rows] = resemblance(stage, batch, stage.forward(batch, state.flow(step.z)))
        moved += ((state.latents[batch.rows] - before).norm(dim=1) > 1).sum()
        counter(len(batch))
    state.collect(trainer.team, rows)
    far = state.moved = 100 * float(trainer.team.total(moved)) / count
    trainer.log(f"Looked everywhere for better latents: {far:.1f} % of the particles moved far.")
    if trainer.settings.find_junk:
        trainer.team.collect(found, rows)
        take_members(trainer, found)
    settle_poses(trainer, state, spread, len(rows))
    state.whiten()


def polish(trainer: Trainer, stage: Stage, state: State) -> None:
    """Two more Gauss–Newton steps of every particle: the last pass moved the flow while it placed them."""
    rows = trainer.team.share(np.arange(len(trainer.images)))
    counter = trainer.counter("latents", len(rows))
    for batch in stage.batches(rows):
        prior = state.prior(batch, trainer.settings.centering)
        for _ in range(2):
            batch = state.poses.corrected(batch)
            state.take(batch, gauss_newton(stage, state.flow, batch, state.latents[batch.rows], prior))
        counter(len(batch))
    state.collect(trainer.team, rows)
    state.whiten()
    state.align()

"""Work on the latents of all particles with the flow held fixed: found everywhere, or polished where they are."""

from __future__ import annotations

import numpy as np
import torch

from ..decoders.flow.flow_state import State
from ..decoders.flow.pose_gauge import settle_poses
from ..decoders.flow.straighten import straighten
from ..training.pose_corrections import SIZE
from ..training.schedule import Rung, even
from ..training.stage import Stage, carry_density
from ..training.trainer import Trainer
from .gauss_newton import better_of, gauss_newton, reassign

ANCHORS_PER_DIM, MOST_ANCHORS = 16, 48  # points tried for every particle, to leave folds and wrong ends
# Å: where anchors are told apart, at a quarter of the cost of the coarsest box; those that seem better are judged there
SWEEP_PIXEL, LEAST_BOX = 12.0, 16
FIRST_SHARE, SETTLED = 0.2, 0.01  # of the particles that are swept first; where fewer of them move far, it ends there
FAR = 1.0  # a jump by more of the latents' spread is no correction of a step


@torch.no_grad()
def sweep(trainer: Trainer, stage: Stage, state: State) -> None:
    """Let every particle jump to one of some anchors drawn from the particles, then settle there.

    A part of the particles first: where these are all in their places, so are the others. Where latent space is folded,
    it is straightened before.
    """
    straightened = straighten(trainer, stage, state)
    rng, count = np.random.default_rng((trainer.seed, 5, state.epoch)), len(trainer.images)
    order = rng.permutation(count)
    members = trainer.membership.members(order)
    most = min(MOST_ANCHORS, ANCHORS_PER_DIM * trainer.settings.latent_dims)
    anchors = state.latents[np.sort(members[:most])]
    coarse = _coarser(trainer, stage, state)
    spread, seen, moved = torch.zeros(SIZE, device=trainer.device), 0, 0.0
    for part in np.split(order, [int(FIRST_SHARE * count)]):
        rows = trainer.team.share(np.sort(part))
        more = torch.zeros(1, device=trainer.device)
        counter = trainer.counter("sweep", len(rows))
        for batch in stage.batches(rows):
            before, prior = state.latents[batch.rows], state.prior(batch, trainer.settings.centering)
            guess = reassign(coarse, state.flow, batch.cropped(coarse.box), before, anchors, prior)
            z = better_of(stage, state.flow, batch, before, guess, prior)
            step = gauss_newton(stage, state.flow, batch, z, prior)
            state.take(batch, step)
            spread += step.spread.sum(dim=0) if step.spread is not None else 0
            more += ((state.latents[batch.rows] - before).norm(dim=1) > FAR).sum()
            counter(len(batch))
        state.collect(trainer.team, rows)
        seen, share = seen + len(rows), float(trainer.team.total(more)) / max(1, len(part))
        moved += share * len(part)
        if share < SETTLED and not straightened:
            break
    trainer.log(f"Looked everywhere for better latents: {100 * moved / count:.1f} % of the particles moved far.")
    settle_poses(trainer, state, spread, seen)
    state.whiten()


def _coarser(trainer: Trainer, stage: Stage, state: State) -> Stage:
    """The stage with larger pixels."""
    width = stage.cloud.box * stage.cloud.pixel_size
    box = max(LEAST_BOX, even(width / SWEEP_PIXEL))
    if box >= stage.box:
        return stage
    coarse = trainer.stage_of(Rung(box, 1, 0.9), state.noise)
    return coarse.with_density(carry_density(stage.density, stage.cloud, coarse.cloud))


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

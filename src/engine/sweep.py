"""Work on the latents of all particles with the flow held fixed: found everywhere, or polished where they are."""

from __future__ import annotations

import numpy as np
import torch

from .flow_state import State
from .latents import gauss_newton, reassign
from .stage import Stage
from .train import Trainer

ANCHORS_PER_DIM, MOST_ANCHORS = 16, 48  # points tried for every particle, to leave folds and wrong ends


def sweep(trainer: Trainer, stage: Stage, state: State) -> None:
    """Let every particle jump to one of some anchors drawn from the particles, then settle there."""
    rng = np.random.default_rng((trainer.seed, 5, state.epoch))
    k, count = trainer.settings.latent_dims, len(trainer.images)
    anchors = state.latents[np.sort(rng.permutation(count)[: min(MOST_ANCHORS, ANCHORS_PER_DIM * k)])]
    rows = trainer.team.share(np.arange(count))
    counter, moved = trainer.counter("sweep", len(rows)), torch.zeros(1, device=trainer.device)
    for batch in stage.batches(rows):
        before, prior = state.latents[batch.rows], state.prior(batch, trainer.settings.centering)
        z = reassign(stage, state.flow, batch, before, anchors, prior)
        z, state.precision[batch.rows] = gauss_newton(stage, state.flow, batch, z, prior)
        state.latents[batch.rows] = z
        moved += ((z - before).norm(dim=1) > 1).sum()
        counter(len(batch))
    state.collect(trainer.team, rows)
    far = 100 * float(trainer.team.total(moved)) / count
    trainer.log(f"Looked everywhere for better latents: {far:.1f} % of the particles moved far.")
    state.whiten()


def polish(trainer: Trainer, stage: Stage, state: State) -> None:
    """Two more Gauss–Newton steps of every particle: the last pass moved the flow while it placed them."""
    rows = trainer.team.share(np.arange(len(trainer.images)))
    counter = trainer.counter("latents", len(rows))
    for batch in stage.batches(rows):
        z, prior = state.latents[batch.rows], state.prior(batch, trainer.settings.centering)
        for _ in range(2):
            z, state.precision[batch.rows] = gauss_newton(stage, state.flow, batch, z, prior)
        state.latents[batch.rows] = z
        counter(len(batch))
    state.collect(trainer.team, rows)
    state.whiten()
    state.align()

"""Look for the latents of all particles everywhere, with the decoder held fixed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from ..decoders.decoder import Decoder, Pass
from ..training.schedule import ResolutionLevel, even
from .gauss_newton import Anchors, better_of, gauss_newton, reassign
from .particle_latents import StepSums

ANCHORS_PER_DIM, MOST_ANCHORS = 16, 48  # points tried for every particle, to leave folds and wrong ends
# Å: where anchors are told apart, at a quarter of the cost of the coarsest box; those that seem better are judged there
SWEEP_PIXEL, LEAST_BOX = 12.0, 16
FIRST_SHARE, CONVERGED = 0.2, 0.01  # of the particles that are swept first; where fewer of them move far, it ends there
FAR = 1.0  # a jump by more of the latents' spread is no correction of a step


@torch.no_grad()
def sweep(now: Pass, decoder: Decoder) -> None:
    """Let every particle jump to one of some anchors drawn from the particles, then take a step from there.

    A part of the particles first: where these are all in their places, so are the others. Where latent space is folded,
    it is unfolded before.
    """
    trainer, stage, points = now.trainer, now.stage, now.points
    unfolded = decoder.unfold_latents(now)
    rng, count = np.random.default_rng((trainer.seed, 5, now.epoch)), len(trainer.images)
    order = rng.permutation(count)
    members = trainer.membership.members(order)
    tried = points.z[np.sort(members[: min(MOST_ANCHORS, ANCHORS_PER_DIM * points.z.shape[1])])]
    width = stage.cloud.box * stage.cloud.pixel_size
    coarse = decoder.coarser(now, ResolutionLevel(max(LEAST_BOX, even(width / SWEEP_PIXEL)), 1, 0.9))
    anchors = Anchors.of(decoder, coarse, tried)
    step_sums, moved = StepSums.empty(trainer.device), 0.0
    for part in np.split(order, [int(FIRST_SHARE * count)]):
        rows = trainer.team.share(np.sort(part))
        more = torch.zeros(1, device=trainer.device)
        counter = trainer.counter("sweep", len(rows))
        for batch in stage.batches(rows):
            before, prior = points.z[batch.rows], points.prior(batch)
            guess = reassign(decoder, coarse, batch.cropped(coarse.box), before, anchors, prior)
            z = better_of(decoder, stage, batch, before, guess, prior)
            step = gauss_newton(decoder, stage, batch, z, prior)
            points.take(stage, batch, step)
            step_sums.add(replace(batch, weight=None), step)
            more += ((points.z[batch.rows] - before).norm(dim=1) > FAR).sum()
            counter(len(batch))
        points.collect(trainer, rows)
        share = float(trainer.team.total(more)) / max(1, len(part))
        moved += share * len(part)
        if share < CONVERGED and not unfolded:
            break
    trainer.log(f"Looked everywhere for better latents: {100 * moved / count:.1f} % of the particles moved far.")
    decoder.fix_pose_gauge(now, step_sums)
    points.whiten(trainer.membership.probability > 0.5, decoder.substitute)


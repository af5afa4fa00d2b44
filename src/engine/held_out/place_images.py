"""Latents and poses of images that the decoder was not trained on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch

from ..decoders.decoder import Predictor
from ..latents.gauss_newton import Anchors, better_of, gauss_newton, reassign
from ..latents.particle_latents import Prior
from ..latents.sweep import ANCHORS_PER_DIM, MOST_ANCHORS
from ..training.batches import Batch
from ..training.stage import Stage

CLUSTERED = 20_000  # particles among which anchors are looked for: clusters of millions would take minutes
STEPS = 4


@dataclass(frozen=True)
class PlacementModel:
    """A model as far as images are placed by it: what predicts them, and where to look for their latents.

    Attributes
    ----------
    predictor : that predicts. stage : the finest, with its map, and the prior of poses in its `Poses`.
    coarse : the same on larger pixels, to look everywhere quickly.
    anchors : ``(a, k)`` latent points where images may be; their prior is N(0, 1), latents being white.
    """

    predictor: Predictor
    stage: Stage
    coarse: Stage
    anchors: torch.Tensor

    @cached_property
    def tried(self) -> Anchors:
        """The anchors, and what predicts images at them."""
        return Anchors.of(self.predictor, self.coarse, self.anchors)

    @property
    def dims(self) -> int:
        """k, 0 of the rigid molecule."""
        return self.anchors.shape[1]


def anchors_among(z: torch.Tensor, members: np.ndarray, seed: int) -> torch.Tensor:
    """Some of the latents ``z`` ``(n, k)`` of the particles ``members`` ``(m,)``: as many as a sweep tries.

    They are spread over all that the particles have, those nearest to the centres of clusters: drawn at random, they
    would miss an end of a motion now and then, and all images there would be placed at the other.
    """
    from scipy.cluster.vq import kmeans2
    from scipy.spatial import cKDTree

    rng = np.random.default_rng((seed, 12))
    if len(members) > CLUSTERED:
        members = np.sort(rng.permutation(members)[:CLUSTERED])
    count = min(MOST_ANCHORS, ANCHORS_PER_DIM * z.shape[1], len(members))
    own = z[torch.from_numpy(members)].cpu().numpy().astype(np.float64)
    centres, _ = kmeans2(own, count, minit="++", seed=rng)
    _, nearest = cKDTree(own).query(centres)
    return z[torch.from_numpy(np.unique(members[nearest]))]


@torch.no_grad()
def place(model: PlacementModel, batch: Batch, start: torch.Tensor | None = None) -> tuple[Batch, torch.Tensor]:
    """The most likely latents ``(b, k)`` of a batch, and the batch with the poses that are best there.

    They are looked for from ``start`` ``(b, k)``, or everywhere.
    """
    batch = model.stage.poses.corrected(replace(batch, correction=None))
    centre = torch.zeros(len(batch), model.dims, device=model.stage.device)
    prior = Prior(centre, 1.0)
    z = centre if start is None else start
    if start is None and model.dims:
        z = _best_anchor(model, batch, prior)
    if not model.dims and batch.correction is None:
        return batch, z
    for _ in range(STEPS):
        step = gauss_newton(model.predictor, model.stage, batch, z, prior)
        z, batch = step.z, replace(batch, correction=step.correction_at(step.z))
    return batch, z


def _best_anchor(model: PlacementModel, batch: Batch, prior: Prior) -> torch.Tensor:
    """The best anchor of each image, where it is better than the centre."""
    coarse = model.coarse
    guess = reassign(model.predictor, coarse, batch.cropped(coarse.box), prior.centre, model.tried, prior)
    return better_of(model.predictor, model.stage, batch, prior.centre, guess, prior)

"""The first guess of classes: clusters of the latents along linear components of the density.

Classes that begin alike, or at random, share out the images by noise, and some of them end with none. Components of the
density say where the molecule differs most, and groups of images along them have maps that differ as well.
"""

from __future__ import annotations

import numpy as np
import torch

from ...latents.particle_latents import ParticleLatents
from ...projector.central_slices import SliceGrid
from ...training.stage import Stage
from ...training.trainer import Trainer
from ..linear.density_components import PASSES, fit_components, read_samples

PARTICLES = 10_000
MOST_COMPONENTS = 4
TRIES = 8  # of k-means, of which the closest clusters are taken


def cluster_images(trainer: Trainer, stage: Stage, classes: int, dims: int) -> torch.Tensor:
    """Shares ``(n, K)``: one for the cluster of each of some images, in ``dims`` components; the others have none."""
    rng = np.random.default_rng((trainer.seed, 1))
    rows = np.sort(trainer.membership.members(rng.permutation(len(trainer.images)))[:PARTICLES])
    latents = _component_latents(trainer, stage, rows, min(dims, MOST_COMPONENTS))
    label = torch.from_numpy(_clusters(latents.cpu().numpy().astype(np.float64), classes, trainer.seed))
    shares = torch.zeros(len(trainer.images), classes, device=trainer.device)
    shares[rows, label.to(trainer.device)] = 1
    trainer.team.agree([shares])
    return shares


def _component_latents(trainer: Trainer, stage: Stage, rows: np.ndarray, dims: int) -> torch.Tensor:
    """Latents ``(m, dims)`` of the images ``rows`` along linear components."""
    grid, own = SliceGrid(stage.weights), trainer.team.share(np.arange(len(rows)))
    samples = read_samples(stage, grid, rows[own], trainer.counter("reading", len(own)))
    counter = trainer.counter("components", (PASSES + 2) * len(own))
    components = fit_components(
        stage, samples, grid, dims, trainer.seed, trainer.team.total, counter, trainer.freedom(stage)
    )
    trainer.log(f"First guess: {dims} components explain {components.gain:.2f} nats per image.")
    points = ParticleLatents.unknown(len(rows), dims, trainer.device)
    points.z[own] = components.latents
    trainer.team.collect(points.z, own)
    return points.z


def _clusters(latents: np.ndarray, classes: int, seed: int) -> np.ndarray:
    """A label ``(m,)`` for each of ``latents`` ``(m, k)``."""
    from scipy.cluster.vq import kmeans2

    best, least = np.zeros(len(latents), np.int64), np.inf
    for number in range(TRIES):
        centre, label = kmeans2(latents, classes, minit="++", seed=np.random.default_rng((seed, 11, number)))
        apart = float(((latents - centre[label]) ** 2).sum())
        if apart < least:
            best, least = label, apart
    return best

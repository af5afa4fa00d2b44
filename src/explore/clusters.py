"""Clusters of latents: k-means, in latent units or in ångströms of motion."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from .metric import Motion

_FIT = 100_000  # particles from which the centres are found; all are then given to the nearest centre
_ITERATIONS = 50
_STARTS = 4  # k-means finds a near optimum, not the best one


@dataclass(frozen=True, eq=False)
class Clusters:
    """k clusters, the largest first.

    Attributes
    ----------
    label : ``(n,)`` int32, from 1; 0 for particles in none.
    centre : ``(k,)`` row of the particle nearest to the middle of each. size : ``(k,)`` particles in each.
    """

    label: np.ndarray
    centre: np.ndarray
    size: np.ndarray


def k_means(latents: np.ndarray, count: int, motion: Motion | None = None, seed: int = 0) -> Clusters:
    """Divide latents ``(n, K)`` into ``count`` clusters, the same ones for the same ``seed``.

    The latents must be finite. With ``motion``, particles are near when the molecule looks alike in them; else when
    their latents are. ``InputError`` where there are fewer different particles than clusters.
    """
    from scipy.spatial import cKDTree

    if not 1 <= count <= len(latents):
        raise InputError(f"{count} clusters of {len(latents)} particles cannot be made; ask for 1 to {len(latents)}.")
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.choice(len(latents), _FIT, replace=False)) if len(latents) > _FIT else np.arange(len(latents))
    places = latents if motion is None else motion.coordinates(latents)
    middle = _best_centres(np.asarray(places[rows], float), count, rng)
    label = cKDTree(middle).query(places)[1]
    size = np.bincount(label, minlength=count)
    if (size == 0).any():
        raise InputError(f"There are fewer than {count} different particles; ask for fewer clusters.")
    order = np.argsort(-size, kind="stable")
    rank = np.empty(count, np.int32)
    rank[order] = np.arange(1, count + 1)
    centre = cKDTree(places).query(middle[order])[1]
    return Clusters(rank[label], centre.astype(np.int64), size[order])


def _best_centres(places: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Centres ``(k, d)`` of the start that leaves the least spread."""
    from scipy.cluster.vq import kmeans2
    from scipy.spatial import cKDTree

    best, least = places[:count], np.inf
    for _ in range(_STARTS):
        with warnings.catch_warnings(), np.errstate(invalid="ignore"):
            # of an empty cluster, which another start may fill, and which the count of sizes shows
            warnings.simplefilter("ignore")
            centres, _ = kmeans2(places, count, iter=_ITERATIONS, minit="++", seed=rng)
        spread = float((cKDTree(centres).query(places)[0] ** 2).sum())
        if spread < least:
            best, least = centres, spread
    return best

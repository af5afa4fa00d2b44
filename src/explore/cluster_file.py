"""The clusters of a training: made, kept beside it, read again."""

from __future__ import annotations

import numpy as np

from .clusters import Clusters, k_means
from .results import load_result, save_result
from .trained_model import Trained


def make_clusters(trained: Trained, count: int, in_angstroms: bool = False, seed: int = 0) -> Clusters:
    """Divide the particles into ``count`` clusters, in place of those that were made before: see `clusters.k_means`.

    Particles whose latents are not numbers are in none: label 0.
    """
    rows = np.flatnonzero(trained.finite)
    partition = k_means(trained.latents[rows], count, trained.angstroms if in_angstroms else None, seed)
    label = np.zeros(len(trained.latents), np.int32)
    label[rows] = partition.label
    clusters = Clusters(label, rows[partition.centre], partition.size)
    save_result(trained, "clusters", label=clusters.label, centre=clusters.centre, size=clusters.size)
    return clusters


def load_clusters(trained: Trained) -> Clusters | None:
    """The clusters that were last made of this epoch's latents, or that another program has left; None where there are
    none.
    """
    arrays = load_result(trained, "clusters", ("label", "centre", "size"))
    if arrays is not None:
        return Clusters(**arrays)
    given = None if trained.model.origin is None else trained.model.origin.clusters
    return None if given is None else Clusters(given.label, given.centre, given.size)

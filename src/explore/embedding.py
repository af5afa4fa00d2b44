"""UMAP: a map of the latents in two dimensions that keeps neighbours together. It has no inverse."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import InputError
from .results import load_result, save_result
from .trained_model import Trained


@dataclass(frozen=True, eq=False)
class Embedding:
    """Particles in the plane.

    Attributes
    ----------
    points : ``(n, 2)`` float32.
    """

    points: np.ndarray

    names = ("umap1", "umap2")


def make_embedding(trained: Trained, neighbours: int = 15, min_dist: float = 0.1, seed: int = 0) -> Path:
    """Compute UMAP and keep it as ``explore/umap.npz`` in the train job's folder; returns its path.

    Minutes for 100,000 particles. ``InputError`` as in `check_embedding`.
    """
    check_embedding(trained, neighbours, min_dist)
    from umap import UMAP

    # one thread: several would not come to the same map twice
    reducer = UMAP(n_neighbors=neighbours, min_dist=min_dist, random_state=seed, n_jobs=1)
    points = reducer.fit_transform(trained.latents)
    return save_result(trained, "umap", points=np.asarray(points, np.float32))


def check_embedding(trained: Trained, neighbours: int, min_dist: float) -> None:
    """``InputError`` where no UMAP can be made, or umap-learn (McInnes et al. 2018) is not installed."""
    from importlib.util import find_spec

    if not 2 <= neighbours < len(trained.latents) or not 0 <= min_dist <= 1:
        raise InputError(f"UMAP needs 2 neighbours or more, fewer than the {len(trained.latents)} particles, and a "
                         "distance from 0 to 1.")  # fmt: skip
    if trained.model.latent_dims < 3:
        raise InputError("The latents have two dimensions or fewer and need no UMAP: plot z1 against z2.")
    if find_spec("umap") is None:
        raise InputError("UMAP needs the package umap-learn, which is not installed in this Python: pip install "
                         "umap-learn.")  # fmt: skip


def load_embedding(trained: Trained) -> Embedding | None:
    """The UMAP of this epoch's latents, FlexRec's or what another program has left; None where there is none."""
    arrays = load_result(trained, "umap", ("points",))
    if arrays is not None:
        return Embedding(arrays["points"])
    given = None if trained.model.origin is None else trained.model.origin.umap
    return None if given is None else Embedding(given)

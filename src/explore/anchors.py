"""Latent points as a person names them: by their numbers, by a particle, by a cluster."""

from __future__ import annotations

import re

import numpy as np

from ..errors import InputError
from .clustered import load_clusters
from .trained import Trained


def read_anchors(text: str, trained: Trained) -> np.ndarray:
    """Latent points ``(a, K)`` float32 from a comma list: ``0.5,-1,p12,c3``.

    K numbers are a point; ``p12`` is particle 12, counted from 0 as in index lists; ``c3`` is the particle in the
    middle of cluster 3. ``InputError`` where there is no such particle or cluster, or a point lacks a number.
    """
    dims, points, numbers = trained.model.latent_dims, [], []
    for word in re.split(r"[,;\s]+", text.strip(" ,;")):
        named = re.fullmatch(r"([pc])(\d+)", word.lower())
        if not named:
            numbers.append(_number(word))
            if len(numbers) == dims:
                points.append(numbers)
                numbers = []
            continue
        _refuse_rest(numbers, dims)
        row = int(named[2]) if named[1] == "p" else _centre(trained, int(named[2]))
        if row >= len(trained.latents):
            raise InputError(f"There is no particle {row}; they are counted from 0 to {len(trained.latents) - 1}.")
        points.append(trained.latents[row])
    _refuse_rest(numbers, dims)
    return trained.model.checked(np.array(points, np.float32).reshape(-1, dims))


def _number(word: str) -> float:
    try:
        return float(word)
    except ValueError:
        raise InputError(f"{word!r} is no number, no particle such as p12, and no cluster such as c3.") from None


def _refuse_rest(numbers: list[float], dims: int) -> None:
    if numbers:
        raise InputError(f"A latent point has {dims} numbers here, and one has {len(numbers)}; give {dims} for each.")


def _centre(trained: Trained, label: int) -> int:
    clusters = load_clusters(trained)
    if clusters is None:
        raise InputError("There are no clusters of this epoch; run flexrec cluster first.")
    if not 1 <= label <= len(clusters.size):
        raise InputError(f"There is no cluster {label}; they are counted from 1 to {len(clusters.size)}.")
    return int(clusters.centre[label - 1])

"""Latent points as a person names them: by their numbers, by a particle, by a cluster, by a selection."""

from __future__ import annotations

import re

import numpy as np

from ..errors import InputError
from .clustered import load_clusters
from .selected import middle, selected
from .trained import Trained

_WORD = re.compile(r"s:.+|[pc]\d+|[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?", re.IGNORECASE)


def are_anchors(text: str) -> bool:
    """Whether a text has the form that `read_anchors` takes, of whatever model."""
    return all(_WORD.fullmatch(word.strip()) for word in text.strip(" ,").split(","))


def read_anchors(text: str, trained: Trained) -> np.ndarray:
    """Latent points ``(a, K)`` float32 from a comma list: ``0.5,-1,p12,c3,s:open``.

    K numbers are a point, which a semicolon ends too; ``p12`` is particle 12, counted from 0 as in index lists; ``c3``
    is the particle in the middle of cluster 3, and ``s:open`` that of the selection "open". ``InputError`` where there
    is no such particle, cluster or selection, or a point has not K numbers.
    """
    points = [_points(part, trained) for part in re.split(r"\s*;\s*", text.strip(" ,;"))]
    return trained.point(np.concatenate(points))


def _points(text: str, trained: Trained) -> np.ndarray:
    """``(a, K)`` float32 of a comma list."""
    dims, points, numbers = trained.model.latent_dims, [], []
    for word in re.split(r"\s*,\s*", text.strip(" ,")):
        row = _row(word, trained)
        if row is not None:
            _refuse_rest(numbers, dims)
            points.append(trained.latents[row])
            continue
        numbers.append(_number(word))
        if len(numbers) == dims:
            points.append(numbers)
            numbers = []
    _refuse_rest(numbers, dims)
    return np.array(points, np.float32).reshape(-1, dims)


def point_text(z: np.ndarray) -> str:
    """``0.4,-0.2``: a point ``(K,)`` as `read_anchors` takes it, with as many digits as single precision has."""
    return ",".join(f"{float(value):.7g}" for value in z)


def _row(word: str, trained: Trained) -> int | None:
    """The particle that a word names; None where it names none."""
    if word.startswith("s:"):
        return middle(trained, selected(trained, word[2:]))
    named = re.fullmatch(r"([pc])(\d+)", word.lower())
    if not named:
        return None
    row = int(named[2]) if named[1] == "p" else _centre(trained, int(named[2]))
    if row >= len(trained.latents):
        raise InputError(f"There is no particle {row}; they are counted from 0 to {len(trained.latents) - 1}.")
    return row


def _number(word: str) -> float:
    try:
        return float(word)
    except ValueError:
        raise InputError(f"{word!r} is no number, particle (p12), cluster (c3) or selection (s:open).") from None


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

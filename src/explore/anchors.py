"""Latent points as a person names them: by numbers, by a particle, a cluster, a selection, or a kept state."""

from __future__ import annotations

import re

import numpy as np

from ..errors import InputError
from .cluster_file import load_clusters
from .named_states import NAME, kept_states
from .selection_state import middle, selected
from .trained_model import Trained

_WORD = re.compile(r"s:.+|[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?", re.IGNORECASE)


def are_anchors(text: str) -> bool:
    """Whether a text has the form that `read_anchors` takes, of whatever model."""
    return all(_WORD.fullmatch(word) or NAME.fullmatch(word) for word in re.split(r"\s*[,;]\s*", text.strip(" ,;")))


def read_anchors(text: str, trained: Trained) -> np.ndarray:
    """Latent points ``(a, K)`` float32 from a comma list: ``0.5,-1,p12,c3,s:open,closed``.

    K numbers are a point, which a semicolon ends too; ``p12`` is particle 12, counted from 0 as in index lists; ``c3``
    is the particle in the middle of cluster 3, and ``s:open`` that of the selection "open"; any other word is the name
    of a kept state. ``InputError`` where there is no such particle, cluster, selection or state, or a point has not K
    numbers.
    """
    points = [_points(part, trained) for part in re.split(r"\s*;\s*", text.strip(" ,;"))]
    return trained.point(np.concatenate(points))


def read_point(text: str, trained: Trained) -> np.ndarray:
    """One latent point ``(K,)`` float32, in the words of `read_anchors`; ``InputError`` where they are several."""
    try:
        numbers = [float(word) for word in text.split(",")]
    except ValueError:
        points = read_anchors(text, trained)
    else:
        return trained.point(numbers)  # which says how many there must be
    if len(points) != 1:
        raise InputError(f"{text}: is {len(points)} points, and one is asked for here; give one.")
    return points[0]


def _points(text: str, trained: Trained) -> np.ndarray:
    """``(a, K)`` float32 of a comma list."""
    dims, points = trained.model.latent_dims, []
    numbers: list[float] = []
    for word in re.split(r"\s*,\s*", text.strip(" ,")):
        named = _named(word, trained)
        if named is not None:
            _refuse_rest(numbers, dims)
            points.append(named)
            continue
        numbers.append(float(word))
        if len(numbers) == dims:
            points.append(np.array(numbers))
            numbers = []
    _refuse_rest(numbers, dims)
    return np.array(points, np.float32).reshape(-1, dims)


def point_text(z: np.ndarray) -> str:
    """``0.4,-0.2``: a point ``(K,)`` as `read_anchors` takes it, in the fewest digits that bring single precision back
    (nine where it must be).
    """
    return ",".join(map(str, np.asarray(z, np.float32)))


def _named(word: str, trained: Trained) -> np.ndarray | None:
    """The point ``(K,)`` that a word names; None where it is a number."""
    if word.startswith("s:"):
        return trained.latents[middle(trained, selected(trained, word[2:]))]
    if match := re.fullmatch(r"([pc])(\d+)", word.lower()):
        row = int(match[2]) if match[1] == "p" else _centre(trained, int(match[2]))
        if row >= len(trained.latents):
            raise InputError(f"There is no particle {row}; they are counted from 0 to {len(trained.latents) - 1}.")
        return trained.latents[row]
    if _WORD.fullmatch(word):
        return None
    states = {state.name: state.z for state in kept_states(trained)}
    if word not in states:
        known = ", ".join(states) or "none yet"
        raise InputError(f"{word!r} is no number, particle (p12), cluster (c3), selection (s:open) or kept state "
                         f"({known}).")  # fmt: skip
    return states[word]


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

"""What is left of a motion after the best rigid placement of every state: how much, and in which part of the mesh.

A molecule that turns or slides as a whole has been placed otherwise, and has not moved. So every state is laid on the
mean shape as well as a rigid body can be (Kabsch 1976, each vertex weighted by the density that it carries), the mean
shape is that of the states laid so, and motion is how far they are from it.

Laid on all of itself, a molecule whose arm swings has half of that swing in the body, and all parts seem to move alike.
So the motion of one part is measured with the others laid on their mean shape: how far it moves as they see it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..models import Model

STATES = 400  # particles from which the mean shape and the size of a motion are found
_ROUNDS = 3  # of laying all states on their mean: it does not change any more


@dataclass(frozen=True, eq=False)
class MotionSize:
    """How far a molecule moves over its particles, after the best rigid placement.

    Attributes
    ----------
    total : Å r.m.s., over particles and density, each state laid as a whole.
    parts : ``(p,)`` Å r.m.s. within each part of the mesh, the other parts being laid; 0 where there are no others.
    """

    total: float
    parts: np.ndarray


def place(shape: np.ndarray, states: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """A shape ``(v, 3)`` laid on each of ``states`` ``(m, v, 3)`` as a rigid body: ``(m, v, 3)`` float32, Å.

    Least squares with ``weight`` ``(v,)``, which sums to 1.
    """
    rotation, middles = _fit(shape, states, weight)
    return ((shape - weight @ shape) @ rotation.swapaxes(1, 2) + middles[:, None]).astype(np.float32)


def mean_shape(states: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """The mean ``(v, 3)`` of states ``(m, v, 3)`` laid on it; ``weight`` ``(v,)`` as in `place`."""
    mean = states.mean(axis=0, dtype=np.float64)
    for _ in range(_ROUNDS):
        rotation, middles = _fit(mean, states, weight)
        mean = ((states - middles[:, None]) @ rotation).mean(axis=0) + weight @ mean
    return mean


def _fit(shape: np.ndarray, states: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rotations ``(m, 3, 3)`` of a shape about its middle, and the middles ``(m, 3)`` of states, that fit it to them.

    From the singular vectors of the weighted covariance, with the sign that makes it a rotation (Kabsch 1976).
    """
    middles = np.einsum("v,mvd->md", weight, states)
    covariance = np.einsum("v,mvi,vj->mij", weight, states - middles[:, None], shape - weight @ shape, optimize=True)
    left, _, right = np.linalg.svd(covariance)
    left[:, :, 2] *= np.sign(np.linalg.det(left @ right))[:, None]
    return left @ right, middles


def spread_rows(count: int, most: int = STATES) -> np.ndarray:
    """At most so many rows, evenly spread over all."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).astype(np.int64))


def motion_size(model: Model, chosen: np.ndarray | None = None) -> MotionSize:
    """How far a model that moves does so over its particles, or over ``chosen`` rows of them."""
    latents = model.latents if chosen is None else model.latents[chosen]
    latents = latents[np.isfinite(latents).all(axis=1)]
    moving = model.moving_points
    states = moving.vertices(latents[spread_rows(len(latents))])
    parts = [_seen(states, part, np.where(part > 0, 0, moving.mass)) for part in _part_weights(model)]
    return MotionSize(_seen(states, moving.mass, moving.mass), np.array(parts))


def _part_weights(model: Model) -> list[np.ndarray]:
    """The density that each vertex ``(v,)`` carries, for each part of the mesh with nothing outside it."""
    moving = model.moving_points
    weights = []
    for number in range(moving.mesh.parts):
        inside = np.zeros(len(moving.mass))
        corners = np.unique(moving.mesh.cells[moving.mesh.part == number])
        inside[corners] = moving.mass[corners]
        weights.append(inside)
    return weights


def _seen(states: np.ndarray, weight: np.ndarray, laid: np.ndarray) -> float:
    """Å r.m.s. that states ``(m, v, 3)`` move where they have ``weight`` ``(v,)``, laid where they have ``laid``."""
    if not (weight.sum() > 0 and laid.sum() > 0):
        return 0.0
    weight, laid = weight / weight.sum(), laid / laid.sum()
    away = states - place(mean_shape(states, laid), states, laid)
    return float(np.sqrt(np.mean((away**2).sum(axis=2) @ weight)))

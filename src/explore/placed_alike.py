"""How far two models place each particle alike, whatever their latents' units, dimensions and bends."""

from __future__ import annotations

import numpy as np

from ..models.motion import principal_axes

_NEIGHBOURS = 20  # of a particle in one model, whose mean place in the other is what is expected of it
_DIMS = 10  # principal axes that are looked at
_BY_CHANCE = 3.0  # standard errors of the share of an axis that is told, about, below which it is not


def placed_alike(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """``(m,)`` float32 from 1, where both place a particle alike, to 0, where one tells nothing of the other.

    Parameters
    ----------
    first, second : ``(m, K)`` and ``(m, L)`` latents of the same particles.

    Where a particle's neighbours in one model lie in the other is where it is expected there. How far off it is, is
    taken in units of how far off it would be by chance, along those principal axes of the other that the neighbours
    tell at all; and both ways are averaged.
    """
    errors = [_relative_errors(*pair) for pair in ((first, second), (second, first))]
    return np.clip(1 - (errors[0] + errors[1]) / 2, 0, 1).astype(np.float32)


def _relative_errors(known: np.ndarray, other: np.ndarray) -> np.ndarray:
    """``(m,)`` squared distance from what is expected, 1 on average by chance; 2 where nothing can be expected."""
    from scipy.spatial import cKDTree

    known, other = _white(known), _white(other)
    if not known.shape[1]:  # all particles are at one point, as of a training of one map
        return np.full(len(other), 2.0)
    near = cKDTree(known).query(known, k=min(_NEIGHBOURS + 1, len(known)))[1][:, 1:]
    expected = other[near].mean(axis=1)
    square = (other - expected) ** 2
    # by chance the mean of k others is 1/k of the spread away from the middle
    chance = 1 + 1 / near.shape[1]
    share = 1 - square.mean(axis=0) / chance
    share[share < _BY_CHANCE / np.sqrt(len(other))] = 0
    if not share.any():
        return np.full(len(other), 2.0)  # whichever way the other goes, alike is 0
    return (square / chance) @ (share / share.sum())


def _white(latents: np.ndarray) -> np.ndarray:
    """Along the principal axes, each scaled to a spread of one: axes that carry next to nothing are left out."""
    latents = latents.astype(np.float64)
    axes, sizes = principal_axes(latents)
    kept = (sizes > 1e-4 * max(float(sizes.max()), 1e-30))[:_DIMS]
    axes, sizes = axes[:_DIMS][kept], sizes[:_DIMS][kept]
    return (latents - latents.mean(axis=0)) @ axes.T / np.maximum(sizes, 1e-30)

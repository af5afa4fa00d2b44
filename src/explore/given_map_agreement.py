"""Whether a model that moves reaches the maps that another program has written, where their latents say: in Å."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..mesh.map_files import radius_grid
from ..models import Model
from ..particles.resample import resample_map

_MOST = 12  # given maps that are looked at
_BOX = 32  # voxels on a side of the maps that are compared
_TRIES = 60  # decoded maps for each latent dimension
_INSIDE = 0.95  # of the box's half


@dataclass(frozen=True)
class GivenMapAgreement:
    """Of ``count`` given maps.

    Attributes
    ----------
    distance : Å r.m.s. between the state that a map's latents name and the state that is most like the map.
    motion : Å r.m.s. of the named states about their mean, to compare with. cc : mean correlation at the best states.
    """

    count: int
    distance: float
    motion: float
    cc: float


def compared_maps(first: Model, second: Model) -> np.ndarray:
    """Rows of the second's given maps that `given_map_agreement` looks at; none where there is nothing to compare."""
    given = second.given_maps
    if first.moving is None or given is None or len(given.points) < 2:
        return np.zeros(0, int)
    return np.unique(np.linspace(0, len(given.points) - 1, min(len(given.points), _MOST)).astype(int))


def given_map_agreement(
    first: Model, second: Model, latents: tuple[np.ndarray, np.ndarray], met: Callable[[], None] = lambda: None
) -> GivenMapAgreement | None:
    """``latents`` ``(m, K)`` and ``(m, L)`` of the same particles say how to turn the second's into the first's, by
    least squares: exactly, where the first was trained on the second's. ``met`` is called after each of
    `compared_maps`; None where there are none.
    """
    given, rows = second.given_maps, compared_maps(first, second)
    if given is None or not len(rows):
        return None
    named = _translated(given.points[rows], *latents[::-1])
    small = first if first.box <= _BOX else first.coarser(_BOX)
    inside = radius_grid(small.box) < _INSIDE * small.box / 2
    best, cc = [], []
    for row, z in zip(rows, named):
        target = resample_map(given.map(int(row)), second.pixel_size, small.box, small.pixel_size)[inside]
        point, score = _nearest_state(small, z, latents[0].std(axis=0), target, inside)
        best.append(point)
        cc.append(score)
        met()
    moving = first.moving_points
    states = moving.vertices(named.astype(np.float32)), moving.vertices(np.array(best, np.float32))
    return GivenMapAgreement(
        len(rows), _size(states[0] - states[1], moving.mass), _size(states[0] - states[0].mean(axis=0), moving.mass),
        float(np.mean(cc)),
    )  # fmt: skip


def _translated(points: np.ndarray, theirs: np.ndarray, ours: np.ndarray) -> np.ndarray:
    """``points`` in the units of ``ours``, by the affine function that takes ``theirs`` nearest to them."""
    with_one = np.column_stack([theirs, np.ones(len(theirs))]).astype(float)
    slope = np.linalg.lstsq(with_one, ours.astype(float), rcond=None)[0]
    return np.column_stack([points, np.ones(len(points))]) @ slope


def _nearest_state(
    model: Model, z: np.ndarray, spread: np.ndarray, target: np.ndarray, inside: np.ndarray
) -> tuple[np.ndarray, float]:
    """The latent point near ``z`` whose map correlates most with a map's voxels ``inside``, and the correlation."""
    from scipy.optimize import minimize

    def misfit(point: np.ndarray) -> float:
        return -float(np.corrcoef(model.decode(point.astype(np.float32))[inside], target)[0, 1])

    step = 0.3 * np.diag(np.maximum(spread, 1e-6))
    simplex = np.vstack([z, z + step])
    limits = {"initial_simplex": simplex, "maxfev": _TRIES * len(z), "xatol": 1e-3, "fatol": 1e-7}
    result = minimize(misfit, z, method="Nelder-Mead", options=limits)
    return result.x, -float(result.fun)


def _size(moved: np.ndarray, mass: np.ndarray) -> float:
    """Root of the mean over states of moved vertices' squared lengths ``(m, v, 3)``, by mass."""
    return float(np.sqrt(np.einsum("mvd,v->", moved**2, mass) / len(moved)))

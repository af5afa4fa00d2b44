"""Whether two models of the same particles have found the same: their latents, and what they make of each particle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..models.interface import DecodeOptions, Model
from .bending import spread_rows
from .motion_agreement import STATES, Agreement, agree

MAPS, MAP_BOX = 40, 48  # particles whose maps are compared, at most at this box


@dataclass(frozen=True, eq=False)
class StateAgreement:
    """How two models agree.

    Attributes
    ----------
    correlation : ``(min(K1, K2),)`` canonical correlations of the latents, the strongest first.
    spearman : ``(min(K1, K2),)`` rank correlations of the matched directions.
    maps : 1 − d² / (a² + b²), d² the mean square difference of the two models' maps of the same particle about the mean
        map of each model, a² and b² the mean squares of these themselves: 1 for the same changes of the map, 0 for two
        that know nothing of each other.
    motion : at each vertex of the mesh that they share; None where one of them moves nothing.
    """

    correlation: np.ndarray
    spearman: np.ndarray
    maps: float
    motion: Agreement | None


def state_agreement(first: Model, second: Model, rows: np.ndarray) -> StateAgreement:
    """Compare two models of the same particles, over the particles ``rows`` ``(m,)``."""
    rows = rows[np.isfinite(first.latents[rows]).all(axis=1) & np.isfinite(second.latents[rows]).all(axis=1)]
    correlation, spearman = matched_directions(first.latents[rows], second.latents[rows])
    return StateAgreement(correlation, spearman, _maps(first, second, rows), _motion(first, second, rows))


def matched_directions(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Canonical correlations of latents ``(m, K1)``, ``(m, K2)`` (Hotelling 1936), and the rank correlations of the
    directions that they match: ``(min(K1, K2),)`` each, from 1 to 0.
    """
    from scipy.stats import spearmanr

    bases = []
    for latents in (first, second):
        centred = latents.astype(float) - latents.mean(axis=0, dtype=float)
        left, size, _ = np.linalg.svd(centred, full_matrices=False)
        bases.append(left * (size > 1e-6 * max(float(size.max()), 1e-30)))
    left, correlation, right = np.linalg.svd(bases[0].T @ bases[1], full_matrices=False)
    matched = bases[0] @ left, bases[1] @ right.T
    ranks = [abs(spearmanr(*pair).statistic) if min(np.ptp(each) for each in pair) > 0 else 0.0
             for pair in zip(*(each.T for each in matched))]  # fmt: skip
    return np.clip(correlation, 0, 1), np.array(ranks, float)


def _maps(first: Model, second: Model, rows: np.ndarray) -> float:
    chosen, box = rows[spread_rows(len(rows), MAPS)], min(first.box, second.box, MAP_BOX)
    changes = []
    for model in (first, second):
        small = model if model.box == box else model.coarser(box)
        maps = np.stack([small.decode(z, DecodeOptions()) for z in model.latents[chosen]]).astype(float)
        changes.append(maps - maps.mean(axis=0))
    sizes = sum(float((each**2).sum()) for each in changes)
    return 1 - float(((changes[0] - changes[1]) ** 2).sum()) / max(sizes, 1e-30)


def _motion(first: Model, second: Model, rows: np.ndarray) -> Agreement | None:
    if first.moving is None or second.moving is None:
        return None
    one, two = first.moving_points, second.moving_points
    if len(one.mesh.vertices) != len(two.mesh.vertices):
        return None
    chosen = rows[spread_rows(len(rows), STATES)]
    mass = (one.mass + two.mass) / 2
    return agree(one.vertices(first.latents[chosen]), two.vertices(second.latents[chosen]), one.mesh.vertices, mass,
                 np.ones(len(chosen)))  # fmt: skip

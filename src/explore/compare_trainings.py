"""Whether two trainings of the same particles found the same: latents that predict each other, motions that agree."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from .trained_model import Trained

_PARTICLES = 2000  # whose motion is compared
_POINTS = 2000  # of the molecule at which it is
_BATCH = 100


@dataclass(frozen=True, eq=False)
class Comparison:
    """How two trainings agree on the particles that both have.

    Attributes
    ----------
    particles : how many these are.
    correlation : ``(min(K1, K2),)`` canonical correlations of the latents, the strongest first: 1 where one training's
        latents are a linear function of the other's.
    motion : Å r.m.s. that the molecule moves from particle to particle, in the first and in the second training.
    difference : Å r.m.s. between the two trainings' states of the same particle, apart from what all particles share.
    agreement : 1 − difference² / (motion₁² + motion₂²): 1 for the same motion, 0 for two that know nothing of one
        another.

    The last three are None where one of the models moves nothing.
    """

    particles: int
    correlation: np.ndarray
    motion: tuple[float, float] | None = None
    difference: float | None = None
    agreement: float | None = None


def compare(first: Trained, second: Trained) -> Comparison:
    """Compare two trainings; their particles are matched by their rows in the particle file that prep was given.

    The motion is followed at points of the first one's map, weighted by its density. ``InputError`` where the trainings
    have too few particles in common.
    """
    one, two = _common(first, second)
    correlation = canonical_correlations(first.latents[one], second.latents[two])
    if first.model.moving is None or second.model.moving is None:
        return Comparison(len(one), correlation)
    some = np.unique(np.linspace(0, len(one) - 1, min(len(one), _PARTICLES)).astype(int))
    points, weight = _points(first)
    moved = [_moved(trained, rows[some], points) for trained, rows in ((first, one), (second, two))]
    moved = [states - states.mean(axis=0) for states in moved]
    sizes = [float(np.einsum("npd,p->", states**2, weight) / len(some)) for states in moved]
    apart = float(np.einsum("npd,p->", (moved[0] - moved[1]) ** 2, weight) / len(some))
    agreement = 1 - apart / max(sum(sizes), 1e-12)
    return Comparison(len(one), correlation, (sizes[0] ** 0.5, sizes[1] ** 0.5), apart**0.5, agreement)


def canonical_correlations(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Canonical correlations ``(min(K1, K2),)`` of ``(m, K1)`` and ``(m, K2)`` (Hotelling 1936), from 1 to 0."""
    bases = []
    for latents in (first, second):
        centred = latents.astype(float) - latents.mean(axis=0, dtype=float)
        left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
        bases.append(left[:, sizes > 1e-6 * max(sizes.max(), 1e-30)])
    correlations = np.clip(np.linalg.svd(bases[0].T @ bases[1], compute_uv=False), 0, 1)
    return np.pad(correlations, (0, min(first.shape[1], second.shape[1]) - len(correlations)))


def _common(first: Trained, second: Trained) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the same particles in both."""
    if first.source != second.source:
        raise InputError(f"{first.folder.name} and {second.folder.name} are of different particle files; compare "
                         "trainings of the same one.")  # fmt: skip
    of_first, of_second = (trained.source_rows(np.arange(len(trained.latents))) for trained in (first, second))
    _, rows_first, rows_second = np.intersect1d(of_first, of_second, return_indices=True)
    if len(rows_first) < 10:
        raise InputError(f"{first.folder.name} and {second.folder.name} have {len(rows_first)} particles in common; "
                         "compare trainings that share more.")  # fmt: skip
    return rows_first, rows_second


def _points(trained: Trained) -> tuple[np.ndarray, np.ndarray]:
    """Points ``(m, 3)`` Å of the map, drawn by density, and their weights ``(m,)``, which sum to 1."""
    points, density = trained.model.moving_points.matter
    mass = np.abs(density).astype(float)
    chosen = np.random.default_rng(0).choice(len(mass), min(len(mass), _POINTS), p=mass / mass.sum())
    return points[chosen], np.full(len(chosen), 1 / len(chosen))


def _moved(trained: Trained, rows: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Where the points are in each particle: ``(n, m, 3)`` float32, Å."""
    moving = trained.model.moving_points
    anchors = moving.anchor(points)
    parts = np.array_split(rows, max(1, len(rows) // _BATCH))
    return np.concatenate([anchors.follow(moving.vertices(trained.latents[part])) for part in parts])

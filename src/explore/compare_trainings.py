"""Whether two models of the same particles found the same: in latents, in maps, and in motions."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .given_map_agreement import GivenMapAgreement, compared_maps, given_map_agreement
from .map_agreement import MapAgreement, map_agreement
from .motion_agreement import canonical_correlations
from .placed_alike import placed_alike
from .shared_images import shared_images
from .trained_model import Trained

_PARTICLES = 2000  # whose motion is compared
_POINTS = 2000  # of the molecule at which it is
_BATCH = 100


@dataclass(frozen=True, eq=False)
class Comparison:
    """How two models agree on the particles that both have.

    Attributes
    ----------
    particles : how many these are. by : how they were matched, in words.
    correlation : ``(min(K1, K2),)`` canonical correlations of the latents, the strongest first: 1 where one training's
        latents are a linear function of the other's.
    motion : Å r.m.s. that the molecule moves from particle to particle, in the first and in the second training.
    difference : Å r.m.s. between the two trainings' states of the same particle, apart from what all particles share.
    agreement : 1 − difference² / (motion₁² + motion₂²): 1 for the same motion, 0 for two that know nothing of one
        another.

    rows : ``((m,), (m,))`` rows of the same particles in both. alike : ``(m,)``, see `placed_alike`.
    maps : whether the maps agree; None where none were compared. given : whether the first model moves as the second's
        given maps do; None where it moves nothing, or none were given.

    Motion, difference and agreement are None where one of the models moves nothing.
    """

    particles: int
    correlation: np.ndarray
    by: str
    rows: tuple[np.ndarray, np.ndarray]
    alike: np.ndarray
    maps: MapAgreement | None = None
    given: GivenMapAgreement | None = None
    motion: tuple[float, float] | None = None
    difference: float | None = None
    agreement: float | None = None


def compare(
    first: Trained, second: Trained, maps: int = 12, progress: Callable[[int, int], None] = lambda step, total: None
) -> Comparison:
    """Compare two models, whichever programs trained them; particles are matched as `shared_images` does.

    ``maps`` particles' maps are compared, spread evenly along what the first model sees most of; 0 compares none. The
    motion is followed at points of the first one's map, weighted by its density. ``progress`` is called after each map,
    with how many there were and will be. ``InputError`` where the models have too few particles in common.
    """
    match = shared_images(first, second)
    one, two = match.first, match.second
    latents = first.latents[one], second.latents[two]
    some = _spread(first, one, maps)
    steps = itertools.count(1)
    total = 2 * len(some) + len(compared_maps(first.model, second.model))

    def step() -> None:
        progress(next(steps), total)

    agreement = map_agreement(first.model, second.model, (latents[0][some], latents[1][some]), step) if maps else None
    given = given_map_agreement(first.model, second.model, latents, step) if maps else None
    return Comparison(
        len(one), canonical_correlations(*latents), match.by, (one, two), placed_alike(*latents), agreement, given,
        *_motions(first, second, one, two),
    )  # fmt: skip


def _spread(trained: Trained, rows: np.ndarray, count: int) -> np.ndarray:
    """Of the rows those of ``count`` particles from one end of the strongest component to the other."""
    along = np.argsort(trained.components.coordinates(trained.latents[rows])[:, 0], kind="stable")
    places = (np.arange(count) + 0.5) / max(count, 1) * len(rows)
    return along[np.unique(places.astype(int))]


def _motions(
    first: Trained, second: Trained, one: np.ndarray, two: np.ndarray
) -> tuple[tuple[float, float] | None, float | None, float | None]:
    """Motion, difference and agreement, as in `Comparison`."""
    if first.model.moving is None or second.model.moving is None:
        return None, None, None
    some = np.unique(np.linspace(0, len(one) - 1, min(len(one), _PARTICLES)).astype(int))
    points, weight = _points(first)
    moved = [_moved(trained, rows[some], points) for trained, rows in ((first, one), (second, two))]
    moved = [states - states.mean(axis=0) for states in moved]
    sizes = [float(np.einsum("npd,p->", states**2, weight) / len(some)) for states in moved]
    apart = float(np.einsum("npd,p->", (moved[0] - moved[1]) ** 2, weight) / len(some))
    agreement = 1 - apart / max(sum(sizes), 1e-12)
    return (sizes[0] ** 0.5, sizes[1] ** 0.5), apart**0.5, agreement


def _points(trained: Trained) -> tuple[np.ndarray, np.ndarray]:
    """Points ``(m, 3)`` Å of the map, drawn by density, and their weights ``(m,)``, which sum to 1."""
    points, density = trained.model.moving_points.density_points
    mass = np.abs(density).astype(float)
    chosen = np.random.default_rng(0).choice(len(mass), min(len(mass), _POINTS), p=mass / mass.sum())
    return points[chosen], np.full(len(chosen), 1 / len(chosen))


def _moved(trained: Trained, rows: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Where the points are in each particle: ``(n, m, 3)`` float32, Å."""
    moving = trained.model.moving_points
    anchors = moving.anchor(points)
    parts = np.array_split(rows, max(1, len(rows) // _BATCH))
    return np.concatenate([anchors.follow(moving.vertices(trained.latents[part])) for part in parts])

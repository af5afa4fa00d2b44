"""Maps by conformation, as CryoBench scores them: states of the particles, one mask for all, areas under the FSC.

A state is a conformation that particles share (``simulate --states``) or, of a continuous motion, a bin of particles
that are alike; those that lack different parts are in different states.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.mesh.map_files import read_map
from chimerax.flexrec.simulate import Truth
from chimerax.flexrec.simulate.dropped_parts import by_composition
from chimerax.flexrec.simulate.hinges import Hinge
from reference_maps import PreparedTruth
from scipy.cluster.vq import kmeans2
from score import area, circular_correlation, fsc_curve

MASK_STATES = 200  # of as many states, at most, the mask is made: more do not make it larger


@dataclass(frozen=True)
class States:
    """angles : ``(s, h)`` degrees; absent : ``(s, p)`` parts not there; of : ``(n,)`` each particle's state."""

    angles: np.ndarray
    absent: np.ndarray
    of: np.ndarray

    def __len__(self) -> int:
        return len(self.angles)


def true_states(data: PreparedTruth, bins: int) -> States:
    """The states of the prepared particles: those that were simulated, or ``bins`` for each choice of parts."""
    pattern = np.zeros(len(data.row), np.int64)
    for number, (_, rows) in enumerate(by_composition(data.absent)):
        pattern[rows] = number
    within = data.truth.state[data.row].astype(np.int64)
    if (within < 0).any():
        for one in np.unique(pattern):
            rows = np.flatnonzero(pattern == one)
            within[rows] = binned(data.angles[rows], data.truth.hinges, bins)
    state = np.unique(pattern * (within.max() + 1) + within, return_inverse=True)[1].reshape(-1)
    members = [np.flatnonzero(state == one) for one in range(state.max() + 1)]
    angles = np.stack([mean_angles(data.angles[rows], data.truth.hinges) for rows in members])
    return States(angles, data.absent[[rows[0] for rows in members]], state)


def placed(angles: np.ndarray, hinges: tuple[Hinge, ...]) -> np.ndarray:
    """Angles ``(n, h)`` as points ``(n, d)`` whose distances are alike on every hinge; a full turn is a circle."""
    columns = []
    for column, hinge in zip(angles.T, hinges):
        radians = np.radians(column)
        spread = max(float(column.std()), 1e-9)
        columns += [np.cos(radians), np.sin(radians)] if hinge.circular else [column / spread]
    return np.stack(columns, axis=1)


def binned(angles: np.ndarray, hinges: tuple[Hinge, ...], bins: int) -> np.ndarray:
    """The bin ``(n,)`` of each particle, by k-means of the angles ``(n, h)``."""
    count = min(bins, len(angles))
    return kmeans2(placed(angles, hinges), count, minit="++", seed=0)[1].astype(np.int64)


def mean_angles(angles: np.ndarray, hinges: tuple[Hinge, ...]) -> np.ndarray:
    """The mean ``(h,)`` of angles ``(n, h)`` in degrees, of a full turn on the circle."""
    return np.array([
        np.degrees(np.angle(np.exp(1j * np.radians(column)).mean())) if hinge.circular else column.mean()
        for column, hinge in zip(angles.T, hinges)
    ])  # fmt: skip


def nearest_particles(data: PreparedTruth, states: States) -> np.ndarray:
    """Of each state, the particle whose true angles are nearest to the state's."""
    if not data.truth.hinges:
        return np.unique(states.of, return_index=True)[1]
    both = placed(np.concatenate([data.angles, states.angles]), data.truth.hinges)
    particles, centres = both[: len(data.row)], both[len(data.row) :]
    chosen = []
    for one, centre in enumerate(centres):
        rows = np.flatnonzero(states.of == one)
        chosen.append(rows[((particles[rows] - centre) ** 2).sum(axis=1).argmin()])
    return np.array(chosen)


def central_particles(latents: np.ndarray, state: np.ndarray) -> np.ndarray:
    """Of each state, the particle whose latent is nearest to the state's mean."""
    chosen = []
    for one in np.unique(state):
        rows = np.flatnonzero(state == one)
        chosen.append(rows[((latents[rows] - latents[rows].mean(axis=0)) ** 2).sum(axis=1).argmin()])
    return np.array(chosen)


def score_mask(
    truth: Truth, states: np.ndarray, box: int, pixel_size: float, path: Path | None = None
) -> np.ndarray:  # fmt: skip
    """The one mask ``[z, y, x]`` of the score: that of a file, or soft round the true atoms of all states."""
    if path is None:
        chosen = states[np.linspace(0, len(states) - 1, min(len(states), MASK_STATES)).astype(int)]
        return truth.moving.mask(chosen, box, pixel_size)
    mask, _ = read_map(path)
    if mask.shape[0] != box:
        raise InputError(f"{path}: the mask's box is {mask.shape[0]} and the maps' {box}; resample the mask.")
    return mask


def map_areas(true_maps: Iterable[np.ndarray], maps: Iterable[np.ndarray], mask: np.ndarray) -> np.ndarray:
    """Area under the FSC ``(m,)`` of each map with the true one, both times the mask."""
    return np.array([area(fsc_curve(true, own, mask)) for true, own in zip(true_maps, maps, strict=True)])


def circle(latents: np.ndarray, angle: np.ndarray) -> float:
    """How well a particle's direction from the middle, in the first two latents, tells its true angle (degrees): 0 … 1.

    Directions are made uniform by rank first, as the true angles are: a circle may be drawn out without harm.
    """
    if latents.shape[1] < 2:
        return float("nan")
    z = latents - latents.mean(axis=0)
    rank = np.arctan2(z[:, 1], z[:, 0]).argsort().argsort()
    return abs(circular_correlation(360 * rank / len(rank), angle))


def best_circle(latents: np.ndarray, angle: np.ndarray) -> float:
    """`circle` of the two latents that tell it best; NaN where there is one."""
    pairs = combinations(range(latents.shape[1]), 2)
    return max((circle(latents[:, pair], angle) for pair in pairs), default=float("nan"))

"""How evenly views cover Fourier space (Baldwin & Lyumkis 2020, Prog. Biophys. Mol. Biol. 150, 160).

A view fills the central slice across its direction. How often a Fourier direction is filled, against the average, is
its sampling. The noise of the map there goes with one over the sampling, so the sampling compensation factor (SCF), the
harmonic mean of the sampling over all directions, is what the views leave of the signal-to-noise ratio of even ones:
1 for even views, 0.81 for side views all around one axis, and near 0 where a cone of directions is missing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...particles.rotations import even_directions

_POINTS = 2000  # even directions on the sphere, 4.5 degrees apart
_NARROWEST, _WIDEST = 3.0, 15.0  # degrees: half thickness of a slice
_PARTICLES = 100  # that a direction should be filled by, on average: else the slice is thicker
_FLOOR = 0.01  # of the average: sampling of a direction that no view fills
_FEW = 0.1  # of the average, below which a direction counts as hardly seen


@dataclass(frozen=True, eq=False)
class OrientationCoverage:
    """Views and what they cover.

    directions : (p, 3) unit vectors xyz spread evenly over the sphere. views : (p,) how many times as many views look
    along each as if they were even. sampling : (p,) how often the Fourier direction is filled, against the average.
    scf : the harmonic mean of the sampling, 0 to 1. hardly_seen : share of Fourier directions sampled below 0.1.
    """

    directions: np.ndarray
    views: np.ndarray
    sampling: np.ndarray
    scf: float
    hardly_seen: float


def orientation_coverage(rotations: np.ndarray, weight: np.ndarray | None = None) -> OrientationCoverage:
    """Coverage of views (n, 3, 3), whose third row is the direction that each looks along; ``weight`` (n,) of each.

    Particles that are copies for a symmetry count as the views that they are.
    """
    from scipy.spatial import cKDTree

    directions = even_directions(_POINTS)
    looks = np.asarray(rotations, np.float64)[:, 2]
    looks = looks / np.linalg.norm(looks, axis=1, keepdims=True)
    counts = np.bincount(cKDTree(directions).query(looks)[1], weight, _POINTS).astype(float)
    counts = counts + counts[cKDTree(directions).query(-directions)[1]]  # a view from behind fills the same slice
    particles = len(looks) if weight is None else float(np.sum(weight)) ** 2 / float(np.sum(np.square(weight)))
    half = np.clip(np.degrees(np.arcsin(min(1.0, _PARTICLES / max(particles, 1)))), _NARROWEST, _WIDEST)
    slices = np.exp(-0.5 * (directions @ directions.T / np.sin(np.radians(half))) ** 2)
    sampling = slices @ counts
    sampling /= sampling.mean()
    scf = 1 / np.mean(1 / np.maximum(sampling, _FLOOR))
    return OrientationCoverage(directions, _smoothed(directions, looks, weight), sampling, round(float(scf), 3),
                               round(float(np.mean(sampling < _FEW)), 3))  # fmt: skip


def _smoothed(directions: np.ndarray, looks: np.ndarray, weight: np.ndarray | None) -> np.ndarray:
    """(p,) views by direction, over a cap of 5 degrees (sigma), against even ones."""
    from scipy.spatial import cKDTree

    counts = np.bincount(cKDTree(directions).query(looks)[1], weight, len(directions))
    cap = np.exp((directions @ directions.T - 1) / np.radians(5) ** 2)
    density = cap @ counts
    return density / density.mean()

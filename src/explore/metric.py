"""Distances in ångströms of motion: the metric that the flow pulls back from the molecule to latent space.

The distance of two states is the root mean square displacement of the density between them, each vertex weighted by its
share of the map: d² = Σ mᵥ |xᵥ(z₁) − xᵥ(z₂)|². Close by it is g(z) = Jᵀ W J, whatever units the network happened to
stretch its latents to.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..models import Model

_BATCH_NUMBERS = 1 << 22  # coordinates of vertices in memory at a time
_SAMPLE = 400  # particles whose states span the motions that `coordinates` keeps
_KEEP = 1e-5  # share of the variance of the motion that `coordinates` may lose
_STEP = 1e-2  # latent units either side, for differences: float32 vertices allow no less


@dataclass(frozen=True, eq=False)
class Motion:
    """The motions of one model.

    Attributes
    ----------
    model : what moves. mass : ``(v,)`` share of the density, summing to 1.
    """

    model: Model
    mass: np.ndarray

    @classmethod
    def of(cls, model: Model) -> Motion:
        """The motions of a model, weighted by its own map."""
        return cls(model, model.moving_points.mass)

    def states(self, z: np.ndarray) -> np.ndarray:
        """Weighted vertices ``(m, 3 v)`` float32, Å, at points ``(m, K)``; their distance is the r.m.s. motion.

        Takes 12 v bytes a point; `coordinates` is for many.
        """
        weight = np.sqrt(self.mass).astype(np.float32)[:, None]
        parts = [self.model.moving_points.vertices(part) * weight for part in self._batches(z)]
        return np.concatenate([part.reshape(len(part), 3 * len(self.mass)) for part in parts])

    def steps(self, z: np.ndarray) -> np.ndarray:
        """Motion ``(m − 1,)`` Å r.m.s. from each of ``(m, K)`` points to the next, as the crow flies."""
        return np.linalg.norm(np.diff(self.states(z), axis=0), axis=1)

    def tensor(self, z: np.ndarray) -> np.ndarray:
        """The metric g ``(m, K, K)`` at points ``(m, K)``, Å² per latent unit², by central differences."""
        z = np.asarray(z, np.float32).reshape(-1, self.model.latent_dims)
        dims = self.model.latent_dims
        tensors = []
        for part in self._batches(z, 2 * dims):
            offset = _STEP * np.eye(dims, dtype=np.float32)
            after = self.states((part[:, None] + offset).reshape(-1, dims)).reshape(len(part), dims, -1)
            before = self.states((part[:, None] - offset).reshape(-1, dims)).reshape(len(part), dims, -1)
            slope = (after - before) / (2 * _STEP)
            tensors.append(slope @ slope.transpose(0, 2, 1))
        return np.concatenate(tensors).astype(float)

    def displacement(self, z: np.ndarray) -> np.ndarray:
        """How far ``(m,)``, Å r.m.s., the molecule is at ``(m, K)`` from where the canonical map has it."""
        moving = self.model.moving_points
        rest = moving.mesh.vertices
        parts = [((moving.vertices(part) - rest) ** 2).sum(axis=2) @ self.mass for part in self._batches(z)]
        return np.sqrt(np.concatenate(parts))

    def coordinates(self, z: np.ndarray) -> np.ndarray:
        """Coordinates ``(m, r)`` float32, Å, whose Euclidean distance is the r.m.s. motion, in few dimensions.

        They are the principal components of the states of a sample of the particles; they lose a hundred-thousandth
        of the variance, and distances of points far from all particles come out a little short.
        """
        mean, axes = self._basis
        return np.concatenate([(self.states(part) - mean) @ axes for part in self._batches(z)])

    @cached_property
    def _basis(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean ``(3 v,)`` and axes ``(3 v, r)`` of the particles' states."""
        latents = self.model.latents
        states = self.states(latents[np.linspace(0, len(latents) - 1, min(len(latents), _SAMPLE)).astype(int)])
        mean = states.mean(axis=0)
        _, sizes, axes = np.linalg.svd(states - mean, full_matrices=False)
        lost = 1 - np.cumsum(sizes**2) / max((sizes**2).sum(), 1e-30)
        return mean, axes[: 1 + int(np.count_nonzero(lost > _KEEP))].T

    def _batches(self, z: np.ndarray, per_point: int = 1) -> Iterator[np.ndarray]:
        z = np.asarray(z, np.float32).reshape(-1, self.model.latent_dims)
        size = max(1, _BATCH_NUMBERS // (3 * len(self.mass) * per_point))
        return (z[i : i + size] for i in range(0, max(len(z), 1), size))

"""The directions of strongest motion."""

from __future__ import annotations

import numpy as np

from .interface import Model

_SAMPLE = 400  # particles from whose motion the principal components are found


def principal_steps(model: Model) -> np.ndarray:
    """Latent steps ``(K, K)``, one per row, the strongest first: `principal_motions` where the model moves, else the
    principal axes of the latents.
    """
    return principal_axes(model.latents)[0] if model.moving is None else principal_motions(model)


def principal_axes(latents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Orthonormal principal axes ``(K, K)`` of latents ``(n, K)``, in rows, and the standard deviations ``(K,)`` along
    them; the largest entry of each is positive.
    """
    centred = latents - latents.mean(axis=0, dtype=float).astype(latents.dtype)
    covariance = (centred.T @ centred).astype(float) / len(latents)
    values, vectors = np.linalg.eigh(covariance)
    axes = vectors.T[::-1]
    # an eigenvector's sign is an accident of the solver
    largest = axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)]
    return axes * np.where(largest < 0, -1, 1)[:, None], np.sqrt(np.maximum(values[::-1], 0))


def principal_motions(model: Model) -> np.ndarray:
    """Latent steps ``(K, K)``, one per row: along the first the particles spread most in ångströms, and so on.

    Trained latents are white, so their own principal components say nothing; what tells directions apart is how far
    the molecule moves. The vertices' displacements, weighted by the density they carry, are regressed on the latents of
    a sample of the particles, and the linear part is split into its principal components. A step is one standard
    deviation of the particles; its sign is such that the largest entry is positive.
    """
    return principal_motions_and_sizes(model)[0]


def principal_motions_and_sizes(model: Model) -> tuple[np.ndarray, np.ndarray]:
    """``principal_motions`` ``(K, K)``, and how far each step moves the molecule, ``(K,)`` Å r.m.s."""
    latents, moving = model.latents.astype(float), model.moving_points
    rows = np.linspace(0, len(latents) - 1, min(len(latents), _SAMPLE)).astype(int)
    moved = moving.vertices(latents[rows]) * np.sqrt(moving.mass)[:, None]
    moved = moved.reshape(len(rows), -1)
    centred = latents[rows] - latents[rows].mean(axis=0)
    slope = np.linalg.pinv(centred) @ (moved - moved.mean(axis=0))
    spread = np.linalg.cholesky(np.cov(latents.T).reshape(len(slope), -1) + 1e-9 * np.eye(len(slope)))
    directions, sizes, _ = np.linalg.svd(spread.T @ slope, full_matrices=False)
    steps = (spread @ directions).T
    return steps * np.sign(steps[np.arange(len(steps)), np.abs(steps).argmax(axis=1)])[:, None], sizes

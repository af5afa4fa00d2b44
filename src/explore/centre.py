"""The middle of all particles in latent space."""

from __future__ import annotations

import numpy as np


def mean_point(latents: np.ndarray) -> np.ndarray:
    """``(K,)`` mean of latents ``(n, K)``; particles whose latents are not numbers do not count."""
    return _finite_rows(latents).mean(axis=0)


def median_point(latents: np.ndarray) -> np.ndarray:
    """``(K,)`` median of latents ``(n, K)``, each coordinate by itself; as `mean_point` in all else."""
    return np.median(_finite_rows(latents), axis=0)


def _finite_rows(latents: np.ndarray) -> np.ndarray:
    return latents[np.isfinite(latents).all(axis=1)]

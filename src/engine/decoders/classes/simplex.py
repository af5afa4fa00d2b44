"""Classes as points of latent space: the corners of a regular simplex, and shares in them as places between.

K classes take K − 1 dimensions. The corners have zero mean and unit covariance, so that the latents of particles that
are evenly shared out among the classes are white, and in the plane of the first two dimensions they are the corners of
a regular polygon, in order.
"""

from __future__ import annotations

import numpy as np


def corners(classes: int) -> np.ndarray:
    """Where the classes lie: ``(K, K − 1)`` float32.

    Cosines and sines of 2π f k / K for f = 1, 2, … are, with the constant, an orthogonal basis of functions of k.
    """
    angle = 2 * np.pi * np.arange(classes)[:, None] * np.arange(1, classes // 2 + 1) / classes
    waves = np.sqrt(2) * np.stack([np.cos(angle), np.sin(angle)], axis=2).reshape(classes, -1)
    if classes % 2 == 0:  # the fastest wave alternates between 1 and −1 and has no sine
        waves[:, -2] /= np.sqrt(2)
    return waves[:, : classes - 1].astype(np.float32)


def shares_at(z: np.ndarray) -> np.ndarray:
    """The share of each class ``(…, K)`` at latent points ``(…, K − 1)``; beyond the simplex, of its nearest point.

    V Vᵀ = K 1 − J for the corners V, J being all ones, so that z = Vᵀ r has r = (1 + V z) / K where the r sum to one.
    Of a point beyond, the nearest r ≥ 0 that sum to one are max(r − t, 0) (Held, Wolfe & Crowder 1974).
    """
    z = np.asarray(z)
    classes = z.shape[-1] + 1
    own = (1 + z @ corners(classes).T.astype(z.dtype)) / classes
    falling = -np.sort(-own, axis=-1)
    above = (np.cumsum(falling, axis=-1) - 1) / np.arange(1, classes + 1, dtype=own.dtype)
    last = (falling > above).sum(axis=-1, keepdims=True) - 1
    return np.maximum(own - np.take_along_axis(above, last, axis=-1), 0).astype(own.dtype)

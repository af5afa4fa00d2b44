"""States drawn from the particles: an ensemble."""

from __future__ import annotations

import numpy as np

from ..errors import InputError
from ..models import Model


def drawn_states(model: Model, count: int, seed: int = 0, uncertain: bool = False) -> np.ndarray:
    """``(count, K)`` float32: the latent points of ``count`` particles at random, each taken once at most.

    ``uncertain``: each is then drawn from its particle's posterior, a normal distribution with the precision of its
    latents, so that the ensemble is as wide as the particles' states are spread *and* unknown.
    """
    particles = len(model.latents)
    if not 1 <= count <= particles:
        raise InputError(f"an ensemble has 1 to {particles} members, the particles of the model, not {count}.")
    rng = np.random.default_rng(seed)
    rows = rng.choice(particles, count, replace=False)
    z = model.latents[rows].astype(float)
    if uncertain:
        if model.precision is None:
            raise InputError("the model does not say how well each particle's latents are known; draw without that.")
        root = np.linalg.cholesky(model.precision[rows].astype(float))
        noise = rng.standard_normal((count, model.latent_dims, 1))
        z = z + np.linalg.solve(root.transpose(0, 2, 1), noise)[:, :, 0]
    return z.astype(np.float32)

"""How far particles are from a latent point, as far as their images can tell.

Between states it is the flow's ångströms of motion; where a model moves nothing, or there is none, the latents'
standard deviations. An image that looks along a motion hardly shows it: its latent is uncertain, and, for the same
reason, the image looks nearly as one of the other state would. Such a particle counts as nearer, one that shows the
motion well as farther than the average one (in RECOVAR, Gilles & Singer, PNAS 122, e2419140122, 2025, the distance is
that of the latents by the precision alone).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .metric import Motion

ANGSTROM, DEVIATION = "Å", "standard deviations"


@dataclass(frozen=True, eq=False)
class StateDistance:
    """Squared distances between particles and latent points.

    Attributes
    ----------
    latents : ``(n, K)`` float32, finite. precision : ``(n, K, K)`` of their posterior; None where it is not known.
    motion : the metric of the model that they are of; None where it moves nothing, or there is no model.
    """

    latents: np.ndarray
    precision: np.ndarray | None
    motion: Motion | None

    @property
    def unit(self) -> str:
        """Of the distances: Å of motion, or standard deviations of the latents."""
        return DEVIATION if self.motion is None else ANGSTROM

    def squared(self, z: np.ndarray) -> np.ndarray:
        """``(n,)``: d² δᵀΛᵢδ / δᵀΛδ of particles from the point ``z`` ``(K,)``.

        d is the distance of the states, δ that of the latents, Λᵢ the particle's precision and Λ the mean precision.
        """
        z = np.asarray(z, np.float32)
        between = self._places - self._place(z[None])[0]
        return np.einsum("nr,nr->n", between, between).astype(float) * self._shown(z)

    @cached_property
    def _places(self) -> np.ndarray:
        """The particles ``(n, r)`` where Euclidean distances are those of the states."""
        return self._place(self.latents)

    def _place(self, z: np.ndarray) -> np.ndarray:
        return z @ self._whitening if self.motion is None else self.motion.coordinates(z)

    @cached_property
    def _whitening(self) -> np.ndarray:
        """``(K, K)`` W with W Wᵀ the inverse of the latents' covariance."""
        dims = self.latents.shape[1]
        covariance = np.cov(self.latents.T.astype(float), bias=True).reshape(dims, dims)
        least = 1e-12 * max(np.trace(covariance), 1e-30)
        return np.linalg.cholesky(np.linalg.inv(covariance + least * np.eye(dims)))

    @cached_property
    def _mean_precision(self) -> np.ndarray:
        """``(K, K)``."""
        assert self.precision is not None
        return self.precision.mean(axis=0, dtype=float)

    def _shown(self, z: np.ndarray) -> np.ndarray | float:
        """``(n,)``: how well each image shows the difference from the point, over how well the average one would."""
        if self.precision is None:
            return 1.0
        step = (self.latents - z).astype(float)
        own = np.einsum("nk,nkl,nl->n", step, self.precision, step, optimize=True)
        usual = np.einsum("nk,kl,nl->n", step, self._mean_precision, step, optimize=True)
        return np.divide(np.maximum(own, 0), usual, out=np.ones(len(step)), where=usual > 0)

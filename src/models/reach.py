"""How far from the particles a latent point may be: a typing error would tear the map apart and take long to draw."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import InputError

SPARE = 0.5  # of the particles' range, beyond it on either side: room to see where a motion would lead
_ALONE = 2.0  # latent units, where all particles are at one number
_NEARLY_ALL = (0.1, 99.9)  # percentiles between which the range is taken, so that a few stray particles widen nothing
_SAMPLE = 100_000  # particles that these are taken of


@dataclass(frozen=True, eq=False)
class Reach:
    """Lowest and highest number along each of d axes, ``(d,)`` each. No particle lies beyond."""

    low: np.ndarray
    high: np.ndarray

    @classmethod
    def of(cls, points: np.ndarray) -> Reach:
        """Of the particles' places ``(n, d)``, on latent axes or any others; those that are no numbers do not count."""
        points = points[np.isfinite(points).all(axis=1)]
        if not len(points):
            return cls(np.full(points.shape[1], -_ALONE), np.full(points.shape[1], _ALONE))
        low, high = np.percentile(points[:: max(1, len(points) // _SAMPLE)], _NEARLY_ALL, axis=0).astype(float)
        spare = np.where(high > low, SPARE * (high - low), _ALONE)
        return cls(np.minimum(low - spare, points.min(axis=0)), np.maximum(high + spare, points.max(axis=0)))

    def nearest(self, z: np.ndarray) -> np.ndarray:
        """Points ``(…, d)``, those beyond put at the border: for the hand, which means no number."""
        return np.clip(z, self.low, self.high)

    def within(self, z: np.ndarray) -> np.ndarray:
        """Latent points ``(…, d)`` as they are; ``InputError`` where one lies beyond."""
        flat = np.reshape(z, (-1, len(self.low)))
        # float32 of a particle at the border is not beyond it
        slack = 1e-5 * (self.high - self.low)
        beyond = np.argwhere((flat < self.low - slack) | (flat > self.high + slack))
        if len(beyond):
            row, k = beyond[0]
            raise InputError(
                f"z{k + 1} = {flat[row, k]:.6g} is far from all particles, where a map means nothing; "
                f"give a number from {self.low[k]:.3g} to {self.high[k]:.3g}."
            )
        return z

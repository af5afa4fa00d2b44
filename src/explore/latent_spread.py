"""How latents are spread: whether the images determine them, and whether they pile up at a border or have collapsed.

Latents are looked at along their principal axes, each scaled to unit variance. The share of an axis that the images
determine is 1 less the mean posterior variance of the particles along it (a particle's own uncertainty) over the
variance of all: 0 where a particle's place on it is noise, 1 where it is exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

BINS = 20  # between the 0.5th and the 99.5th percentile
WIDE = 0.8  # of the prior's variance: a posterior that is wider has learned nothing worth a word


@dataclass(frozen=True, eq=False)
class LatentSpread:
    """Along ``k`` principal axes, those that the images determine best first.

    Attributes
    ----------
    places : ``(n, k)`` of the particles, of unit variance.
    determined : ``(k,)`` share that images determine; NaN where unknown.
    skewness, kurtosis : ``(k,)``, both 0 of a normal distribution (excess kurtosis).
    distance : ``(k,)`` largest difference of the distribution from a normal one (Kolmogorov and Smirnov).
    pile : ``(k, 2)`` how many times denser than the middle the lower and the upper twentieth of the axis are at least,
        chance allowed for.
    wide : share of particles whose posterior is as wide as the prior; NaN where unknown.
    """

    places: np.ndarray
    determined: np.ndarray
    skewness: np.ndarray
    kurtosis: np.ndarray
    distance: np.ndarray
    pile: np.ndarray
    wide: float

    @property
    def effective(self) -> float:
        """Dimensions in use: the sum of the shares that images determine."""
        return float(self.determined.sum())


def latent_spread(z: np.ndarray, precision: np.ndarray | None) -> LatentSpread:
    """The spread of latents ``(n, k)`` with ``precision`` ``(n, k, k)`` of their posteriors, if that is known."""
    from scipy.stats import kstest, kurtosis, skew

    z = z.astype(float)
    centred = z - z.mean(axis=0)
    covariance = np.atleast_2d(np.cov(centred.T))
    values, axes = np.linalg.eigh(covariance)
    whitening = axes / np.sqrt(np.maximum(values, 1e-12 * max(values.max(), 1e-30)))  # z @ whitening is white
    determined, wide = np.full(z.shape[1], np.nan), float("nan")
    if precision is not None:
        posterior = np.linalg.inv(precision.astype(float))
        within = np.einsum("ki,nkl,lj->nij", whitening, posterior, whitening)
        known, turn = np.linalg.eigh(np.eye(z.shape[1]) - within.mean(axis=0))
        order = np.argsort(-known)
        determined, whitening = np.clip(known[order], 0, 1), whitening @ turn[:, order]
        wide = float((np.trace(within, axis1=1, axis2=2) / z.shape[1] > WIDE).mean())
    else:
        whitening = whitening[:, ::-1]
    places = centred @ whitening
    return LatentSpread(places, determined, skew(places), kurtosis(places),
                        np.array([kstest(column, "norm").statistic for column in places.T]),
                        np.array([_pile(column) for column in places.T]), wide)  # fmt: skip


def _pile(values: np.ndarray) -> tuple[float, float]:
    """How many times denser than the median bin the outermost bins of either side are, less two standard errors."""
    low, high = np.percentile(values, (0.5, 99.5))
    if not high > low:
        return float("inf"), float("inf")
    counts = np.histogram(np.clip(values, low, high), np.linspace(low, high, BINS + 1))[0].astype(float)
    tails = 0.005 * len(values)  # what clipping has put there
    middle = max(float(np.median(counts)), 1.0)
    low_end, high_end = (max(count - tails - 2 * count**0.5, 0.0) / middle for count in (counts[0], counts[-1]))
    return float(low_end), float(high_end)

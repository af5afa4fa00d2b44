"""How many particles lie where in a plot: an image of a million points in a few milliseconds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_SAMPLE = 100_000  # points from which the range of the picture is taken
_MARGIN = 0.05


@dataclass(frozen=True, eq=False)
class DensityImage:
    """Counts of points in even bins.

    Attributes
    ----------
    counts : ``(by, bx)`` float32 ``[y, x]``, the first row lowest; ``(1, bx)`` of one-dimensional points.
    x, y : ``(bx + 1,)`` and ``(by + 1,)`` edges of the bins; ``y`` is 0 and 1 where points have one dimension.
    """

    counts: np.ndarray
    x: np.ndarray
    y: np.ndarray

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """Left, right, bottom, top, as matplotlib's ``imshow(…, origin="lower")`` wants them."""
        return float(self.x[0]), float(self.x[-1]), float(self.y[0]), float(self.y[-1])

    def logarithm(self) -> np.ndarray:
        """``log(1 + counts)`` ``(by, bx)`` float32: few and many particles visible in one picture."""
        return np.log1p(self.counts)


def density_image(
    points: np.ndarray,
    bins: int | tuple[int, int] = 256,
    limits: np.ndarray | None = None,
    blur: float = 0.0,
) -> DensityImage:
    """Count points ``(n, 2)`` or ``(n, 1)`` in bins.

    Parameters
    ----------
    bins : along each axis, or (x, y).
    limits : ``(d, 2)`` lowest and highest along each axis; by default what holds nearly all points (`plot_limits`).
        Points outside are not counted.
    blur : standard deviation in bins of a Gaussian that the counts are smoothed by; their sum stays.
    """
    points = np.asarray(points)
    dims = points.shape[1]
    limits = plot_limits(points) if limits is None else np.asarray(limits, float)
    sides = (int(bins), int(bins)) if isinstance(bins, int | np.integer) else (int(bins[0]), int(bins[1]))
    shape = (sides[1] if dims == 2 else 1, sides[0])
    inside, flat = np.ones(len(points), bool), np.zeros(len(points), np.int32)
    for axis in range(dims):
        count, stride = sides[axis], (1, shape[1])[axis]
        low, high = limits[axis]
        with np.errstate(invalid="ignore"):
            place = np.floor((points[:, axis] - low) * (count / (high - low)))
            place[points[:, axis] == high] = count - 1
            inside &= (place >= 0) & (place < count)
        flat += np.where(inside, place, 0).astype(np.int32) * np.int32(stride)
    counts = np.bincount(flat[inside], minlength=shape[0] * shape[1]).reshape(shape).astype(np.float32)
    edges = [np.linspace(limits[axis, 0], limits[axis, 1], sides[axis] + 1) for axis in range(dims)]
    return DensityImage(_blurred(counts, blur), edges[0], edges[1] if dims == 2 else np.array([0.0, 1.0]))


def plot_limits(points: np.ndarray) -> np.ndarray:
    """``(d, 2)`` limits of a plot of points ``(n, d)`` that leave out a thousandth at either end, with a margin."""
    sample = np.asarray(points)[:: max(1, len(points) // _SAMPLE)]
    sample = sample[np.isfinite(sample).all(axis=1)]
    if not len(sample):
        return np.tile([-1.0, 1.0], (np.shape(points)[1], 1))
    low, high = np.percentile(sample, (0.1, 99.9), axis=0).astype(float)
    margin = np.where(high > low, _MARGIN * (high - low), 1.0)
    return np.stack([low - margin, high + margin], axis=1)


def _blurred(counts: np.ndarray, blur: float) -> np.ndarray:
    if not blur:
        return counts
    from scipy.ndimage import gaussian_filter

    return gaussian_filter(counts, (blur if counts.shape[0] > 1 else 0, blur))

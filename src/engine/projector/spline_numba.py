"""The cubic B-spline, compiled; torch-free, for the images' splat and the map's push alike."""

from __future__ import annotations

from numba import njit


@njit(inline="always")
def weights(t: float) -> tuple[float, float, float, float]:
    """Cubic B-spline weights of four neighbouring pixels or voxels."""
    one = t * 0 + 1
    s = one - t
    sixth = one / 6
    return (s * s * s * sixth, (4 * one - 3 * t * t * (one + s)) * sixth, (4 * one - 3 * s * s * (one + t)) * sixth,
            t * t * t * sixth)  # fmt: skip

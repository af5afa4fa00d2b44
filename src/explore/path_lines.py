"""Paths made of straight lines: through given points, along a component or an axis, from a file."""

from __future__ import annotations

import os

import numpy as np

from ..errors import InputError
from .centre import median_point
from .metric import Motion
from .path import LatentPath, at_constant_speed, load_path
from .plot_axes import axis_of
from .principal_components import Components

FRAMES = 30


def straight_path(points: np.ndarray, frames: int = FRAMES, motion: Motion | None = None) -> LatentPath:
    """From the first of ``points`` ``(m, K)`` straight to the next, and so on to the last, at constant speed."""
    points = np.asarray(points, float)
    return LatentPath(at_constant_speed(points, frames, motion), f"through {len(points)} points", "straight")


def component_path(
    axis: str,
    components: Components,
    latents: np.ndarray,
    frames: int = FRAMES,
    percentiles: tuple[float, float] = (5.0, 95.0),
    through: np.ndarray | None = None,
    motion: Motion | None = None,
) -> LatentPath:
    """Along one axis, z1 … zK or pc1 … pcK, from percentile to percentile of the particles' latents ``(n, K)``.

    The other coordinates are those of the point ``through`` ``(K,)``; by default the median of the particles.
    """
    low, high = percentiles
    if not 0 <= low < high <= 100:
        raise InputError(f"The percentiles {low:g} and {high:g} bound nothing; give the lower first, such as 5,95.")
    if high <= 1:
        raise InputError(f"The percentiles {low:g} and {high:g} are both within the first hundredth of the particles; "
                         "give them in %, such as 5,95.")  # fmt: skip
    kind, k = axis_of(axis, components.steps.shape[0])
    middle = median_point(latents).astype(float) if through is None else np.asarray(through, float)
    if kind == "z":
        place, step, here = latents[:, k], np.eye(len(middle))[k], middle[k]
    else:
        place, step = components.coordinates(latents)[:, k], components.steps[k]
        here = components.coordinates(middle)[k]
    ends = np.percentile(place, (low, high)).astype(float) - here
    return LatentPath(at_constant_speed(middle + ends[:, None] * step, frames, motion), axis, "component")


def path_from_file(
    file: str | os.PathLike[str], dims: int, frames: int | None = None, motion: Motion | None = None
) -> LatentPath:
    """The points of a file: as they are, or at constant speed in so many frames where ``frames`` is given."""
    path = load_path(file, dims)
    if frames is None:
        return path
    return LatentPath(at_constant_speed(path.z, frames, motion), path.name, path.kind)

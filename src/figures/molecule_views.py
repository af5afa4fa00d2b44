"""How figures look at a molecule: three views along its axes, their ranges in Å, and colours that are seen on white."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.colors import ListedColormap

View = tuple[str, str, int, int, int]  # right, up, and the xyz axes right, up, eye
VIEWS: tuple[View, ...] = (("x", "y", 0, 1, 2), ("x", "z", 0, 2, 1), ("y", "z", 1, 2, 0))


def voxel_places(volume: np.ndarray, pixel_size: float) -> np.ndarray:
    """Å of the voxels along one axis."""
    return (np.arange(len(volume)) - len(volume) // 2) * pixel_size


def mask_limits(mask: np.ndarray, along: np.ndarray) -> list[tuple[float, float]]:
    """Range in x, y and z of a mask, Å, with a margin; the whole box where the mask is empty."""
    limits = []
    for axis in (2, 1, 0):
        hit = np.flatnonzero(mask.any(axis=tuple({0, 1, 2} - {axis})))
        low, high = (along[hit[0]], along[hit[-1]]) if len(hit) else (along[0], along[-1])
        margin = 0.1 * (high - low) + (along[1] - along[0])
        limits.append((low - margin, high + margin))
    return limits


def strong_colours() -> ListedColormap:
    """Plasma without its yellow end, which would vanish on white."""
    import matplotlib
    from matplotlib.colors import ListedColormap

    return ListedColormap(matplotlib.colormaps["plasma"](np.linspace(0, 0.82, 256)), name="plasma_strong")

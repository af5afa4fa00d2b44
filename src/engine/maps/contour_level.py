"""The contour level that a map is shown at, as a deposition asks for it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...mesh.map_files import radius_grid
from ...mesh.mask import otsu

_NOISE = 3.0  # sigmas of the solvent, below which density is not counted
_VOLUME = 1.21  # Å³ of a dalton of protein


@dataclass(frozen=True)
class ContourLevel:
    """A level in the map's own density, the Å³ that it encloses in the mask, and the mass of so much protein in kDa."""

    level: float
    enclosed: float
    mass: float


def contour_level(volume: np.ndarray, mask: np.ndarray, pixel_size: float) -> ContourLevel:
    """Otsu's split of the densities of a map (N, N, N), in a mask (N, N, N), that are more than three sigmas of the
    solvent above its median.

    Solvent is what lies outside the mask in the sphere that fits the box; where nothing does, what is below the mask's
    median.
    """
    inside = mask > 0.5
    solvent = volume[(mask <= 0) & (radius_grid(len(volume)) < 0.45 * len(volume))]
    if solvent.size < 100:
        solvent = volume[volume <= np.median(volume[inside])] if inside.any() else volume.ravel()
    background = float(np.median(solvent))
    floor = background + _NOISE * 1.4826 * float(np.median(np.abs(solvent - background)))
    density = volume[inside & (volume > floor)]
    level = otsu(density) if density.size > 1 and np.ptp(density) > 0 else floor
    enclosed = float((volume[inside] >= level).sum()) * pixel_size**3
    return ContourLevel(float(f"{level:.3g}"), round(enclosed), round(enclosed / _VOLUME / 1000, 1))

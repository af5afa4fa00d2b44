"""A model's maps against the true maps of the same particles, whole and inside the moving part."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from chimerax.flexrec.simulate import Truth

from .fsc import area, fsc_curve, resolution


@dataclass(frozen=True)
class MapScore:
    """Mean FSC curves of particles' maps.

    whole, moving : (m, D // 2) FSC in the mask of the whole molecule, and of its moving part, at the true state
    pixel_size : Å
    """

    whole: np.ndarray
    moving: np.ndarray
    pixel_size: float

    @property
    def whole_area(self) -> float:
        """Mean area under the FSC of the whole molecule (CryoBench's: at most just under 0.5)."""
        return float(np.mean([area(curve) for curve in self.whole]))

    @property
    def moving_area(self) -> float:
        """Mean area under the FSC inside the moving part."""
        return float(np.mean([area(curve) for curve in self.moving]))

    @property
    def moving_resolution(self) -> float:
        """Å at which the mean FSC inside the moving part falls below 0.5."""
        return resolution(self.moving.mean(axis=0), self.pixel_size)


def even_particles(count: int, wanted: int) -> np.ndarray:
    """``wanted`` particle numbers, evenly spaced over the data set."""
    return np.unique(np.linspace(0, count - 1, min(count, wanted)).astype(int))


def score_maps(
    truth: Truth,
    angles: np.ndarray,
    maps: Iterable[np.ndarray],
    pixel_size: float,
    absent: np.ndarray | None = None,
) -> MapScore:
    """Compare maps ``[z, y, x]`` of ``pixel_size`` Å with the true maps at the states ``angles`` (m, h), in order.

    The true maps lack the parts ``absent`` ``(m, p)``; None: nothing.
    The masks are soft and made from the true atoms at the same state, so that they go where the part went.
    """
    whole, moving = [], []
    lacked = np.zeros((len(angles), 0), bool) if absent is None else absent
    for state, lacks, density in zip(angles, lacked, maps, strict=True):
        box = density.shape[0]
        true_map = truth.map_at(state, box, pixel_size, lacks)
        whole.append(fsc_curve(true_map, density, truth.moving.mask(state, box, pixel_size)))
        moving.append(fsc_curve(true_map, density, truth.moving_mask(state, box, pixel_size)))
    return MapScore(np.array(whole), np.array(moving), pixel_size)

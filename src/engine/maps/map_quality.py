"""All that follows from two half-maps: curves, B-factor, local resolution, sharpened maps, coverage, contour level."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .contour_level import ContourLevel, contour_level
from .fsc import signal_share, weigh_shells
from .half_agreement import HalfAgreement
from .half_pair import HalfPair
from .local_resolution import LocalResolution, local_resolution, locally_filtered
from .orientation_coverage import OrientationCoverage
from .sharpening import Guinier, fit_guinier, sharpen


@dataclass(frozen=True, eq=False)
class MapQuality:
    """What two half-maps are worth; maps (N, N, N) float32.

    b_factor : Å² that the maps were sharpened by (negative), None where none was given and none could be fitted; then
    ``sharpened`` is None too. unsharpened : the mean, weighted by the corrected FSC. local_map : the mean, sharpened
    and filtered at each voxel's own resolution. contour : of the sharpened map, or else of the unsharpened one.
    coverage : of the views, None where they are not known.
    """

    agreement: HalfAgreement
    guinier: Guinier
    b_factor: float | None
    unsharpened: np.ndarray
    sharpened: np.ndarray | None
    local: LocalResolution
    local_map: np.ndarray
    contour: ContourLevel
    coverage: OrientationCoverage | None

    @property
    def primary(self) -> np.ndarray:
        """(N, N, N) float32: the sharpened map, or where there is none the unsharpened one."""
        return self.unsharpened if self.sharpened is None else self.sharpened


def judge_maps(
    pair: HalfPair,
    agreement: HalfAgreement,
    b_factor: float | None = None,
    coverage: OrientationCoverage | None = None,
    progress: Callable[[int, int], None] = lambda step, total: None,
) -> MapQuality:
    """Judge two half-maps whose agreement was measured; ``b_factor`` (Å², negative sharpens) is fitted if omitted.

    ``progress(step, total)`` follows the local resolution, which takes longest.
    """
    mask, curve = agreement.mask.volume, agreement.own.whole.corrected
    guinier = fit_guinier(pair, mask, curve, agreement.own.whole.resolution)
    b_factor = guinier.b_factor if b_factor is None else b_factor
    unsharpened = weigh_shells(pair.mean, np.sqrt(signal_share(curve)))
    sharpened = None if b_factor is None else sharpen(pair, curve, b_factor)
    local = local_resolution(pair, mask, progress)
    local_map = locally_filtered(pair, local, b_factor or 0.0)
    contour = contour_level(unsharpened if sharpened is None else sharpened, mask, pair.pixel_size)
    return MapQuality(agreement, guinier, b_factor, unsharpened, sharpened, local, local_map, contour, coverage)

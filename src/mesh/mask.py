"""The solvent mask: made from the consensus so that a moving domain's faint, blurred density stays inside, or given."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import InputError
from .map_files import interpolate, low_pass, radius_grid

LOW_FRACTION = 0.1  # of the molecule's own density: what a domain that swings by 30 degrees keeps where it seldom is
COARSER = 2.0  # times as many Å, of a second low-passed map: blurred density is left in it, and a third of the noise
DARK = -1.0  # skewness of a low-passed map; a bright molecule in solvent has 3 to 10, noise 0
MOST_ALIKE = 0.1  # of the voxels that are not solvent, in a map, have its greatest value; in a mask or labels, more
SMALL_PIECE = 0.05  # of the largest piece; smaller islands are dropped


@dataclass(frozen=True)
class Levels:
    """Densities that separate molecule from solvent in a low-passed map.

    background, noise : median and spread (one sigma) of the map outside the central sphere
    high : above it is certainly molecule. low : above it is molecule where connected to certain molecule
    """

    background: float
    noise: float
    high: float
    low: float


def mask_resolution(pixel_size: float, lowpass: float) -> float:
    """The low-pass (Å) actually used: at least three voxels, below which a filter does nothing."""
    return max(float(lowpass), 3.0 * pixel_size)


def solvent_level(volume: np.ndarray) -> float:
    """The density of solvent: the median of a map (N, N, N) outside the central sphere."""
    return float(np.median(_outside(volume)))


def refuse_mask(volume: np.ndarray, path: Path) -> None:
    """``InputError`` where what was given for a map ``(N, N, N)`` is a mask, or labels of parts, by its values."""
    least, most = float(volume.min()), float(volume.max())
    slack = 1e-5 * (most - least)
    alike, some = np.count_nonzero(volume >= most - slack), np.count_nonzero(volume > least + slack)
    if most > least and alike > MOST_ALIKE * some and alike > 8:
        raise InputError(f"{path}: {alike / some:.0%} of its voxels beside the solvent have its greatest value, "
                         f"{most:.3g}, so it is a mask or labels; give the map itself as --consensus.")  # fmt: skip


def _outside(volume: np.ndarray) -> np.ndarray:
    return volume[radius_grid(volume.shape[0]) > 0.47 * volume.shape[0]]


def find_levels(smooth: np.ndarray) -> Levels:
    """Levels of a low-passed map (N, N, N): noise from its corners, molecule by Otsu's split of what rises above it.

    ``InputError`` where nothing stands out, or what does is dark.
    """
    background, outside = solvent_level(smooth), _outside(smooth)
    if _skewness(smooth - background) < DARK:
        raise InputError("The molecule is dark (negative) in the consensus map; turn its contrast, with "
                         "relion_image_handler --multiply_constant -1 for instance, or give --mask-threshold or "
                         "--mask.")  # fmt: skip
    return levels_above(smooth, background, 1.4826 * float(np.median(np.abs(outside - background))))


def _skewness(rise: np.ndarray) -> float:
    """Third moment about 0 over the second's 3/2 power; 0 for a map of nothing."""
    square = float(np.mean(rise**2, dtype=np.float64))
    return float(np.mean(rise.astype(np.float64) ** 3)) / square**1.5 if square > 0 else 0.0


def levels_above(smooth: np.ndarray, background: float, noise: float) -> Levels:
    """Levels of a low-passed map (N, N, N) whose background and noise (one sigma) are known: molecule by Otsu's split.

    ``InputError`` where nothing stands out.
    """
    rise = smooth - background
    signal = rise[rise > max(3.0 * noise, 0.02 * float(rise.max()))]
    if float(rise.max()) <= max(6.0 * noise, 0.0) or signal.size == 0:
        raise InputError(
            "No density stands out from the noise in the consensus map; check that it is the right map, that the "
            "molecule is positive (white) in it, or give --mask-threshold or --mask."
        )
    high = otsu(signal)
    typical = float(np.median(signal[signal >= high]))
    low = min(max(3.0 * noise, LOW_FRACTION * typical), high)
    return Levels(background, noise, background + high, background + low)


def otsu(values: np.ndarray) -> float:
    """The threshold that best separates ``values`` into two classes (Otsu 1979, between-class variance)."""
    count, edge = np.histogram(values, bins=256)
    middle = 0.5 * (edge[1:] + edge[:-1])
    below = np.cumsum(count)
    above = below[-1] - below
    total = np.cumsum(count * middle)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = below * above * (total / below - (total[-1] - total) / above) ** 2
    return float(edge[1:][np.nanargmax(np.where(above > 0, spread, np.nan))])


def find_molecule(consensus: np.ndarray, pixel_size: float, lowpass: float, threshold: float | None) -> np.ndarray:
    """(N, N, N) bool: where a consensus map is molecule, holes filled.

    With ``threshold``, everything that reaches it in the map low-passed at ``lowpass`` Å. Else what is above the low
    level of that map, or of a coarser one, and connected to what is above the high level. Islands much smaller than
    the largest piece are dropped.
    """
    resolution = mask_resolution(pixel_size, lowpass)
    smooth = low_pass(consensus, pixel_size, resolution)
    if threshold is not None:
        body = certain = smooth >= threshold
    else:
        coarse = low_pass(consensus, pixel_size, COARSER * resolution)
        levels, coarse_levels = find_levels(smooth), find_levels(coarse)
        body, certain = (smooth >= levels.low) | (coarse >= coarse_levels.low), smooth >= levels.high
    if not body.any():
        raise InputError(
            f"The mask is empty: nothing reaches the threshold {threshold:g}; the low-passed map's maximum is "
            f"{float(smooth.max()):.4g}. Lower --mask-threshold."
        )
    return large_pieces(body, certain)


def large_pieces(body: np.ndarray, certain: np.ndarray) -> np.ndarray:
    """(N, N, N) bool: the connected pieces of ``body`` that hold something ``certain`` and are no islands, filled."""
    from scipy import ndimage

    pieces, count = ndimage.label(body)
    size = np.bincount(pieces.ravel())[1:]
    molecule = (np.bincount(pieces[certain], minlength=count + 1)[1:] > 0) & (size >= SMALL_PIECE * size.max())
    return ndimage.binary_fill_holes(np.concatenate([[False], molecule])[pieces])


def soften(core: np.ndarray, pixel_size: float, dilate: float, pad: float) -> np.ndarray:
    """Soft mask (N, N, N) float32: 1 within ``dilate`` Å of ``core``, falling to 0 by a cosine over ``pad`` Å more."""
    from scipy.ndimage import distance_transform_edt, find_objects

    soft, reach = np.zeros(core.shape, np.float32), int(np.ceil(max(dilate + max(pad, 0), 0) / pixel_size)) + 1
    boxes = find_objects(core.astype(np.int8))
    if not boxes:
        return soft
    near = tuple(slice(max(0, side.start - reach), side.stop + reach) for side in boxes[0])  # beyond, it is 0
    distance = distance_transform_edt(~core[near]) * pixel_size - dilate
    if pad <= 0:
        soft[near] = distance <= 0
    else:
        soft[near] = 0.5 + 0.5 * np.cos(np.pi * np.clip(distance / pad, 0.0, 1.0))
    return soft


def make_mask(
    consensus: np.ndarray, pixel_size: float, lowpass: float, threshold: float | None, dilate: float, pad: float
) -> np.ndarray:
    """Soft solvent mask (N, N, N) float32 of a consensus map; lengths in Å, ``threshold`` in low-passed density."""
    return soften(find_molecule(consensus, pixel_size, lowpass, threshold), pixel_size, dilate, pad)


def check_given_mask(path: Path, mask: np.ndarray, pixel_size: float, pad: float) -> np.ndarray:
    """A mask (N, N, N) that a file gave as a soft one, float32: values are 0..1; a binary one gets an edge of ``pad``
    Å. ``InputError`` where it is no mask, or empty.
    """
    if mask.min() < -0.01 or mask.max() > 1.01:
        raise InputError(
            f"{path}: the mask has values from {mask.min():.3g} to {mask.max():.3g}, so it is a map and no mask; "
            "give one between 0 and 1, or leave --mask out and FlexRec makes one."
        )
    core = mask >= 0.5
    if not core.any():
        raise InputError(f"{path}: the mask is empty, no voxel reaches 0.5; give another, or leave --mask out.")
    binary = not ((mask > 0.01) & (mask < 0.99)).any()
    soft = soften(core, pixel_size, 0.0, pad) if binary else np.clip(mask, 0.0, 1.0)
    return np.where(soft < 0.01, 0.0, soft).astype(np.float32)


def cut_fraction(consensus: np.ndarray, mask: np.ndarray, pixel_size: float, lowpass: float) -> float:
    """Share (0..1) of the power of the strong density of a map (N, N, N) that lies where the mask is below one half.

    Strong is what is above the upper of `find_levels` in the map low-passed at ``lowpass`` Å.
    """
    smooth = low_pass(consensus, pixel_size, mask_resolution(pixel_size, lowpass))
    levels = find_levels(smooth)
    power = np.where(smooth >= levels.high, smooth - levels.background, 0.0).astype(np.float64) ** 2
    return float(power[mask < 0.5].sum() / power.sum())


def place_mask(mask: np.ndarray, own_size: float, box: int, pixel_size: float) -> np.ndarray:
    """A mask (n, n, n) of ``own_size`` Å on another grid, centre on centre; one of 0 and 1 alone stays so.

    Linear, since what a smoother interpolation makes of an edge lies below 0 and above 1 on either side of it.
    """
    placed = interpolate(mask, own_size, box, pixel_size, order=1)
    binary = bool(((mask == 0) | (mask == 1)).all())
    return (placed >= 0.5).astype(np.float32) if binary else placed

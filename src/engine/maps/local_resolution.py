"""Local resolution: how far half-maps agree around each place of the map.

Both half-maps are passed through narrow bands of frequency. In each band their local correlation is

    FSC(x, s) = G(m a b) / √(G(m a²) G(m b²))

with the band-passed halves a and b, a Gaussian G about x, and the solvent mask m. G is as wide as needed to hold enough
independent values: 1.5 wavelengths of the band. This is the windowed FSC of blocres (Cardone, Heymann & Steven 2013)
with a window that shrinks as the frequency grows. The mask weighs products and not the maps, so it brings no
correlation of its own, and no phases need to be randomised as in RELION.

The threshold is 0.143 as for the whole map: the expected correlation of the map with the truth is 0.5 there
(Rosenthal & Henderson 2003), however large the window. What a window costs is certainty: in pure noise the local
correlation scatters by 0.05 to 0.1, which 0.143 is above. Programs that take 0.5 (the default of blocres) guard
against the larger scatter of a small hard window; that gives coarser numbers for the same map.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from .fsc import THRESHOLD, shell_power, weigh_spectrum
from .half_pair import HalfPair
from .sharpening import b_factor_weights

_WINDOW = 1.5  # wavelengths: sigma of the Gaussian window
_BAND = 0.12  # half width of a band, a raised cosine, as a share of its frequency
_NARROWEST = 1.2  # shells: half width of a band at low frequency
_STEP = 1.09  # ratio of the frequencies of two bands
_FIRST = 4  # shells: below, a window would be larger than the box
_LATTICE = 3  # voxels between the places where the correlation is computed
_INSIDE = 0.05  # of the mask's weight in a window, below which nothing is said there
_FILTER_STEP, _FILTER_EDGE = 1.1, 0.2  # ratio of the cut-offs that a local filter mixes; half width of each one's edge


@dataclass(frozen=True, eq=False)
class LocalResolution:
    """Resolution around each voxel.

    volume : (N, N, N) float32 Å; far outside the mask that of the nearest place inside. Where nothing agrees, not even
    in the lowest band, it is `coarsest`. quantiles : Å below which a
    tenth, a quarter, half, three quarters and nine tenths of the mask's voxels are. bands : (b,) 1/Å.
    """

    volume: np.ndarray
    quantiles: tuple[float, ...]
    bands: np.ndarray

    @property
    def coarsest(self) -> float:
        """Å of the lowest band: what is coarser, or agrees nowhere, has this."""
        return float(1 / self.bands[0])


QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)


def band_shells(box: int) -> np.ndarray:
    """(b,) shells (not whole) in the middle of the bands, up to the last shell but their own width."""
    count = int(np.log(box / 2 / _FIRST) / np.log(_STEP)) + 1
    return _FIRST * (box / 2 / _FIRST) ** np.linspace(0, 1, max(count, 2))


def local_resolution(
    pair: HalfPair, mask: np.ndarray, progress: Callable[[int, int], None] = lambda step, total: None
) -> LocalResolution:
    """The local resolution of two half-maps inside a soft mask (N, N, N).

    ``progress(step, total)`` is called after each band. Maps are taken on the box that a band needs, so low
    frequencies cost little; memory is five half-maps.
    """
    shells = band_shells(pair.box)
    size = max(8, 2 * round(pair.box / _LATTICE / 2))
    fields = _Fields(pair, mask)
    curves = np.empty((len(shells), size, size, size), np.float32)
    for number, shell in enumerate(shells):
        curves[number] = fields.correlation(float(shell), size)
        progress(number + 1, len(shells))
    frequency = _crossing(curves, shells) / (pair.box * pair.pixel_size)
    known = fields.weight(size) > _INSIDE
    volume = (1 / _enlarged(_spread(frequency, known), pair.box)).astype(np.float32)
    inside = volume[mask > 0.5] if (mask > 0.5).any() else volume.ravel()
    quantiles = tuple(round(float(value), 2) for value in np.quantile(inside, QUANTILES))
    return LocalResolution(volume, quantiles, shells / (pair.box * pair.pixel_size))


class _Fields:
    """Fourier transforms of two half-maps and a mask, from which bands are cut."""

    def __init__(self, pair: HalfPair, mask: np.ndarray) -> None:
        from scipy import fft

        self.box = pair.box
        # shells of equal power: the strong low frequencies would leak into the bands beside them
        power = np.sqrt((shell_power(pair.first) + shell_power(pair.second)) / 2)
        self._halves = [fft.rfftn(half.astype(np.float32)) for half in (pair.first, pair.second)]
        for half in self._halves:
            weigh_spectrum(half, 1 / np.maximum(power, 1e-6 * power.max()))
        self._mask = fft.rfftn(mask.astype(np.float32))

    def correlation(self, shell: float, size: int) -> np.ndarray:
        """(size, size, size) local correlation in the band about a shell."""
        width = max(_BAND * shell, _NARROWEST)
        # on so small a box products alias, but only to frequencies that the window stops
        box = min(self.box, max(size, _even(3 * (shell + width))))
        k, kx = np.fft.fftfreq(box, 1 / box), np.fft.rfftfreq(box, 1 / box)
        radius = np.sqrt(k[:, None, None] ** 2 + k[:, None] ** 2 + kx**2).astype(np.float32)
        band = np.cos(np.pi / 2 * np.clip((radius - shell) / width, -1, 1)) ** 2
        band[radius > self.box / 2] = 0
        first, second = (_inverse(_cropped(half, box) * band) for half in self._halves)
        del band
        inside = np.clip(_inverse(_cropped(self._mask, box)), 0, None)
        # the window's Fourier transform; its sigma in boxes is _WINDOW / shell
        window = np.exp(-2 * (np.pi * _WINDOW / shell * _cropped(radius, size)) ** 2)
        del radius
        cross, own_first, own_second = (
            _windowed(inside * one * other, window, size)
            for one, other in ((first, second), (first, first), (second, second))
        )
        norm = np.sqrt(np.clip(own_first, 0, None) * np.clip(own_second, 0, None))
        return np.divide(cross, norm, out=np.zeros_like(cross), where=norm > 1e-4 * norm.max())

    def weight(self, size: int) -> np.ndarray:
        """(size, size, size) share of the mask around each place of the lattice."""
        scale = size**3 / self.box**3
        return np.clip(_inverse(_cropped(self._mask, size)) * scale, 0, 1)


def _even(size: float) -> int:
    return int(np.ceil(size / 2)) * 2


def _cropped(spectrum: np.ndarray, box: int) -> np.ndarray:
    """The low frequencies (box, box, box//2+1) of a spectrum of a larger box, as of ``rfftn``."""
    old = len(spectrum)
    if box >= old:
        return spectrum
    rows = np.r_[0 : box // 2, old - box // 2 : old]
    return spectrum[np.ix_(rows, rows, np.arange(box // 2 + 1))]


def _inverse(spectrum: np.ndarray) -> np.ndarray:
    from scipy import fft

    return fft.irfftn(spectrum, (len(spectrum),) * 3)


def _windowed(values: np.ndarray, window: np.ndarray, size: int) -> np.ndarray:
    """Values (M, M, M) smoothed by a window on a lattice of (size, size, size), of which it is the transform."""
    from scipy import fft

    return _inverse(_cropped(fft.rfftn(values), size) * window)


def _crossing(curves: np.ndarray, shells: np.ndarray) -> np.ndarray:
    """(L, L, L) shell, not whole, where curves (b, L, L, L) first fall below the threshold; the ends where not."""
    below = curves < THRESHOLD
    never = ~below.any(axis=0)
    after = np.where(never, len(shells) - 1, np.argmax(below, axis=0))
    before = np.maximum(after - 1, 0)
    low, high = (np.take_along_axis(curves, index[None], axis=0)[0] for index in (after, before))
    part = np.clip((high - THRESHOLD) / np.maximum(high - low, 1e-6), 0, 1)
    crossing = shells[before] + part * (shells[after] - shells[before])
    return np.where(never, shells[-1], np.where(after == 0, shells[0], crossing))


def _spread(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Values (L, L, L), where they are not ``known`` that of the nearest place where they are."""
    from scipy.ndimage import distance_transform_edt

    if not known.any():
        return values
    index = distance_transform_edt(~known, return_distances=False, return_indices=True)
    return values[tuple(index)]


def _enlarged(values: np.ndarray, box: int) -> np.ndarray:
    """Values (L, L, L) on a lattice over the box, between its places by straight lines: (box, box, box)."""
    along = np.minimum(np.arange(box) * len(values) / box, len(values) - 1)
    shares = np.maximum(1 - np.abs(along[:, None] - np.arange(len(values))), 0)  # (box, L) of a place's two neighbours
    for _ in range(3):  # an axis at a time; each goes to the end, so that their order is as before after three
        values = np.tensordot(values, shares, axes=(0, 1))
    return values


def locally_filtered(pair: HalfPair, local: LocalResolution, b_factor: float) -> np.ndarray:
    """The mean of the half-maps (N, N, N), sharpened by B (Å²) and low-passed at each voxel's own resolution.

    The filter falls by a cosine from 1 at 0.8 times the local cut-off to 0 at 1.2 times it. At the cut-off it is 0.5,
    the weight that an FSC of 0.143 earns. As in RELION, maps of a few cut-offs are mixed.
    """
    result = np.zeros_like(local.volume)
    frequency, step = np.log(1 / local.volume), float(np.log(_FILTER_STEP))
    cutoffs = np.arange(frequency.min(), frequency.max() + step, step)
    for cutoff, volume in zip(cutoffs.tolist(), _low_passed(pair, b_factor, np.exp(cutoffs))):
        volume *= np.clip(1 - np.abs(frequency - cutoff) / step, 0, None)
        result += volume
    return result


def _low_passed(pair: HalfPair, b_factor: float, cutoffs: np.ndarray) -> Iterator[np.ndarray]:
    """The sharpened mean (N, N, N), low-passed at each frequency (1/Å)."""
    from scipy import fft

    spectrum = fft.rfftn(pair.mean)
    sharpening = b_factor_weights(pair, b_factor)
    for cutoff in cutoffs:
        edge = (pair.frequency / cutoff - 1) / _FILTER_EDGE
        weights = sharpening * (0.5 - 0.5 * np.sin(np.pi / 2 * np.clip(edge, -1, 1)))
        passed = spectrum.copy()
        weigh_spectrum(passed, weights)
        yield fft.irfftn(passed, (pair.box,) * 3, overwrite_x=True)

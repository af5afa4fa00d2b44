"""Fourier shell correlation (Harauz & van Heel 1986), and what is read from it: resolution, the signal's share."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

THRESHOLD = 0.143  # of the FSC of two halves (Rosenthal & Henderson 2003)
LEAST_AGREEMENT = 0.02  # less is taken for none
_TOGETHER = 1 << 20  # components of a spectrum that are weighed or summed at once, so that memory stays small


def fourier_shell_correlation(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(N//2+1,) correlation by shell of two (N, N, N) maps; 0 where a shell of either is empty."""
    a, b = (_spectrum(volume) for volume in (first, second))

    def products(planes: slice) -> tuple[np.ndarray, ...]:
        one, other = (spectrum[planes].astype(np.complex128) for spectrum in (a, b))
        return one.real * other.real + one.imag * other.imag, _power(one), _power(other)

    cross, *powers = _shell_sums(products, len(first), 3)
    norm = np.sqrt(powers[0] * powers[1])
    return np.divide(cross, norm, out=np.zeros_like(norm), where=norm > 1e-12 * max(norm.max(), 1e-300))


def shell_power(volume: np.ndarray) -> np.ndarray:
    """(N//2+1,) mean power by shell of the Fourier transform of a (N, N, N) map."""
    spectrum = _spectrum(volume)

    def power_and_count(planes: slice) -> tuple[np.ndarray, ...]:
        power = _power(spectrum[planes].astype(np.complex128))
        return power, np.ones_like(power)

    power, count = _shell_sums(power_and_count, len(volume), 2)
    return power / count


def _spectrum(volume: np.ndarray) -> np.ndarray:
    """The ``rfftn`` of a map, computed in double precision and kept in single."""
    from scipy import fft  # five times as fast as numpy's at 256 voxels

    box = len(volume)
    spectrum = np.empty((box, box, box // 2 + 1), np.complex128)
    for planes in spectrum_slabs(box):
        spectrum[planes] = fft.rfft2(volume[planes].astype(np.float64))
    return fft.fft(spectrum, axis=0, overwrite_x=True).astype(np.complex64)


def _power(spectrum: np.ndarray) -> np.ndarray:
    return spectrum.real**2 + spectrum.imag**2


def _shell_sums(values: Callable[[slice], tuple[np.ndarray, ...]], box: int, count: int) -> np.ndarray:
    """(count, N//2+1) sums by shell of real values that a component and its mate (-k) have in common.

    ``values(planes)`` gives ``count`` arrays (p, N, N//2+1), of some planes of a spectrum.
    """
    sums = np.zeros((count, box // 2 + 1))
    twice = np.full(box // 2 + 1, 2.0)  # a component and its mate
    twice[0] = 1  # planes that hold the mates too
    if box % 2 == 0:
        twice[-1] = 1
    for planes in spectrum_slabs(box):
        shell = fourier_shells(box, planes)[0].ravel()
        for total, each in zip(sums, values(planes)):
            total += np.bincount(shell, (each * twice).ravel(), box // 2 + 1)[: box // 2 + 1]
    return sums


def last_shell(curve: np.ndarray, threshold: float) -> int:
    """The last shell before a curve ``(s,)`` first falls below the threshold; 0 where shell 1 is below it already."""
    below = np.flatnonzero(curve[1:] < threshold)
    return int(below[0]) if len(below) else len(curve) - 1


def resolution(frequency: np.ndarray, curve: np.ndarray, threshold: float) -> float | None:
    """Å of the `last_shell` of a curve ``(s,)`` above the threshold; None where it never is above it.

    ``frequency`` ``(s,)`` of the shells is in 1/Å.
    """
    last = last_shell(curve, threshold)
    return round(float(1 / frequency[last]), 2) if last > 0 else None


def low_shells(curve: np.ndarray) -> float:
    """Mean of a correlation curve ``(s,)`` from shell 2 to a third of Nyquist, where even few images have signal."""
    return float(np.mean(curve[2 : max(4, len(curve) // 3)]))


def signal_share(fsc: np.ndarray) -> np.ndarray:
    """The signal's share ``(s,)`` of the power of the mean of two halves, from their correlation ``(s,)`` by shell.

    2 FSC / (1 + FSC) (Rosenthal & Henderson 2003): the Wiener filter of that mean; its square root is the correlation
    to be expected with the true map. The FSC is smoothed over three shells, and beyond the first that is then below
    `LEAST_AGREEMENT` nothing is signal.
    """
    smooth, agree = _smoothed(fsc)
    smooth = np.clip(smooth, 0, 1)
    return agree * 2 * smooth / (1 + smooth)


def signal_kept(fsc: np.ndarray) -> np.ndarray:
    """The signal's share ``(s,)`` of the power of one half: the FSC itself, smoothed as in `signal_share`.

    Where that finds nothing, it is small but not zero.
    """
    smooth, agree = _smoothed(fsc)
    return np.where(agree, np.clip(smooth, LEAST_AGREEMENT, 1 - 1e-6), LEAST_AGREEMENT)


def _smoothed(fsc: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(the FSC over three shells, whether each comes before the first without agreement)."""
    padded = np.pad(np.asarray(fsc, np.float64), 1, mode="edge")
    smooth = (padded[:-2] + padded[1:-1] + padded[2:]) / 3
    smooth[:2] = fsc[:2]
    return smooth, np.cumprod(smooth > LEAST_AGREEMENT) > 0


def weigh_shells(volume: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The (N, N, N) map with each shell's amplitudes multiplied, ``weights`` (N//2+1,); the corners beyond are zero."""
    from scipy import fft

    spectrum = fft.rfftn(volume.astype(np.float32))
    weigh_spectrum(spectrum, weights)
    return fft.irfftn(spectrum, volume.shape, overwrite_x=True)


def weigh_spectrum(spectrum: np.ndarray, weights: np.ndarray) -> None:
    """Multiply each shell of an ``rfftn`` (N, N, N//2+1), in place, by ``weights`` (N//2+1,); the corners by zero."""
    box = len(spectrum)
    for planes in spectrum_slabs(box):
        shell, inside = fourier_shells(box, planes)
        spectrum[planes] *= np.where(inside, weights[np.minimum(shell, len(weights) - 1)], 0).astype(np.float32)


def spectrum_slabs(box: int) -> Iterator[slice]:
    """Planes of an ``rfftn`` of a map (box, box, box), some at a time."""
    step = max(1, _TOGETHER // (box * (box // 2 + 1)))
    for start in range(0, box, step):
        yield slice(start, min(start + step, box))


def fourier_shells(box: int, planes: slice = slice(None)) -> tuple[np.ndarray, np.ndarray]:
    """(shell (box, box, box//2+1) int, which elements are within the last shell) of ``numpy.fft.rfftn``.

    ``planes`` : of the first axis, if not all.
    """
    k, kx = np.fft.fftfreq(box, 1 / box), np.fft.rfftfreq(box, 1 / box)
    radius = np.sqrt(k[planes, None, None] ** 2 + k[:, None] ** 2 + kx**2)
    shell = np.rint(radius).astype(np.int64)
    return shell, shell <= box // 2

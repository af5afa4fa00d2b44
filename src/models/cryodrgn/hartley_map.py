"""From a map's Hartley transform to the map: the whole lattice by fast transforms, a small ball by matrices.

H = Re F - Im F of the Fourier transform F, and back h(n) = 1/N³ Σ H(k) cas(2π k·n / N), cas = cos + sin; frequency 0
and the map's centre are number N//2.
"""

from __future__ import annotations

import numpy as np

from .frequency_points import FrequencyPoints


def lattice_values(points: FrequencyPoints, values: np.ndarray, mean: float, std: float) -> np.ndarray:
    """The Hartley transform ``(N, N, N)`` float32 of the network's values ``(n, 1)``, or ``(n, 2)``: Re and Im of F."""
    box = len(points.axis)
    result = np.full((box,) * 3, mean if points.filled else 0.0, np.float32)
    z = points.z
    own, mirror = _pairs(values)
    result[z, points.y, points.x] = own * std + mean
    if points.mirrored.any():
        rows = np.flatnonzero(points.mirrored & (np.minimum(np.minimum(points.x, points.y), z) > 0))
        places = (box - z[rows], box - points.y[rows], box - points.x[rows])
        result[places] = mirror[rows] * std + mean
    return result


def map_of_lattice(values: np.ndarray, threads: int) -> np.ndarray:
    """The map ``(N, N, N)`` float32 ``[z, y, x]`` of a Hartley transform of even N."""
    from scipy import fft

    box = len(values)
    spectrum = fft.rfftn(fft.ifftshift(values), workers=threads)
    half = spectrum.shape[-1]
    result = np.empty((box,) * 3, np.float32)
    np.subtract(spectrum.real, spectrum.imag, out=result[..., :half])
    # the other half of F is the conjugate at the other side of the origin
    across = np.roll(spectrum[::-1, ::-1, half - 2 : 0 : -1], 1, axis=(0, 1))
    np.add(across.real, across.imag, out=result[..., half:])
    result /= float(box) ** 3
    return fft.fftshift(result)


def map_of_ball(points: FrequencyPoints, values: np.ndarray, mean: float, std: float, box: int) -> np.ndarray:
    """The map ``(box, box, box)`` of a few low frequencies, in grey values of the lattice's own box.

    One small matrix for each axis takes the place of transforms of what is nearly all zeros.
    """
    side = len(points.axis)
    k = np.stack([points.z, points.y, points.x]) - side // 2
    radius = int(np.abs(k).max())
    own, mirror = (part * std + (0 if points.filled else mean) for part in _pairs(values))
    ball = np.full((2 * radius + 1,) * 3, mean if points.filled else 0, np.complex64)
    along = np.arange(-radius, radius + 1) ** 2
    ball[along + along[:, None] + along[:, None, None] > radius**2] = 0
    # Σ (E - i O) e^{iθ} = Σ H cas θ, with the even and the odd part of H
    _add(ball, k + radius, own * np.complex64(0.5 - 0.5j))
    _add(ball, radius - k, own * np.complex64(0.5 + 0.5j))
    rows = np.flatnonzero(points.mirrored)
    _add(ball, radius - k[:, rows], mirror[rows] * np.complex64(0.5 - 0.5j))
    _add(ball, k[:, rows] + radius, mirror[rows] * np.complex64(0.5 + 0.5j))
    phase = 2j * np.pi / box * np.outer(np.arange(box) - box // 2, np.arange(-radius, radius + 1))
    wave = np.exp(phase).astype(np.complex64)
    # the sum is real: of the last axis half is enough
    partial = np.tensordot(np.tensordot(ball, wave, axes=(0, 1)), wave, axes=(0, 1))
    half = np.moveaxis(partial, 0, -1)[..., radius:] * np.where(np.arange(radius + 1), 2, 1)
    numbers = np.concatenate([half.real, half.imag], axis=-1).astype(np.float32)
    last = np.concatenate([wave.real[:, radius:], -wave.imag[:, radius:]], axis=1)
    return numbers @ np.ascontiguousarray(last.T) / np.float32(side**3)


def _pairs(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """H ``(n,)`` at the points and on the other side of the origin."""
    if values.shape[1] == 1:
        return values[:, 0], values[:, 0]
    return values[:, 0] - values[:, 1], values[:, 0] + values[:, 1]


def _add(ball: np.ndarray, places: np.ndarray, values: np.ndarray) -> None:
    """Each place is there once."""
    ball[tuple(places)] += values

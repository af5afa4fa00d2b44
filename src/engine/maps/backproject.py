"""A quick map from images and known poses: CTF-weighted insertion of central slices, for checks and first looks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numba import njit

from .fsc import fourier_shells


class BackProjector:
    """Collects images into a three-dimensional Fourier transform, a batch at a time, and divides by their weight.

    Each Fourier component of an image, multiplied by its CTF, is spread over the eight nearest nodes of the central
    slice's plane; so is the squared CTF. Conventions are those of ``Particles``.
    """

    def __init__(self, box: int, single: bool = False) -> None:
        """``single``: sums in single precision, half the memory; they are right to some 1e-5."""
        self.box = box
        shape = (box, box, box // 2 + 1)
        self._sum = np.zeros(shape, np.complex64 if single else np.complex128)
        self._weight = np.zeros(shape, np.float32 if single else np.float64)

    def insert(self, images_ft: np.ndarray, ctf: np.ndarray, rotation: np.ndarray, shift_px: np.ndarray) -> None:
        """Add images.

        Parameters
        ----------
        images_ft : (m, D, D//2+1) complex, ``numpy.fft.rfft2`` of images.
        ctf : (m, D, D//2+1), what multiplied the projections' transform.
        rotation : (m, 3, 3). shift_px : (m, 2) pixels (x, y), what centres the image.
        """
        origin = self.box // 2 - np.asarray(shift_px, np.float64)
        _insert(
            np.ascontiguousarray(images_ft, np.complex64),
            np.ascontiguousarray(ctf, np.float32),
            np.ascontiguousarray(rotation, np.float64),
            np.ascontiguousarray(origin),
            self._sum,
            self._weight,
        )

    @property
    def sums(self) -> dict[str, np.ndarray]:
        """Numerator and denominator of the map, (D, D, D//2+1) each, by name: to be kept for `of_sums`."""
        return {"sum": self._sum, "weight": self._weight}

    @classmethod
    def of_sums(cls, sums: dict[str, np.ndarray]) -> BackProjector:
        """A new one that goes on from the `sums` of another."""
        one = cls(len(sums["sum"]), sums["weight"].dtype == np.float32)
        one._sum[:], one._weight[:] = sums["sum"], sums["weight"]
        return one

    def merged(self, other: BackProjector) -> BackProjector:
        """A new one that holds the images of both."""
        return BackProjector.weighted((self, other), (1, 1))

    @classmethod
    def weighted(cls, several: Sequence[BackProjector], weights: Iterable[float]) -> BackProjector:
        """A new one that holds the images of several, those of each counting so many times."""
        result = cls(several[0].box, several[0]._weight.dtype == np.float32)
        for other, weight in zip(several, weights, strict=True):
            if weight != 0:
                result._sum += other._sum * weight
                result._weight += other._weight * weight
        return result

    def complete(self) -> tuple[np.ndarray, np.ndarray]:
        """Σ CTF·image and Σ CTF² ``(D, D, D//2+1)``, the mates of components on the plane kx = 0 included."""
        return _with_friedel_mates(self._sum), _with_friedel_mates(self._weight)

    def spectrum(self, wiener: float = 0.01) -> np.ndarray:
        """``(D, D, D//2+1)``: Σ CTF·image / (Σ CTF² + wiener · its shell's mean); zero beyond D/2.

        It is of the map multiplied by `spreading`, its centre at index 0.
        """
        total, weight = self.complete()
        shell, inside = fourier_shells(self.box)
        mean = np.bincount(shell[inside], weight[inside]) / np.bincount(shell[inside])
        level = mean[np.minimum(shell, len(mean) - 1)]
        return np.where(inside, total / np.maximum(weight + wiener * level, 1e-30), 0)

    def map(self, wiener: float = 0.01) -> np.ndarray:
        """(D, D, D) float32 [z, y, x] of the `spectrum`, centred at voxel D//2, and divided by the `spreading`."""
        density = np.fft.fftshift(np.fft.irfftn(self.spectrum(wiener), (self.box,) * 3, axes=(0, 1, 2)))
        return (density / spreading(self.box)).astype(np.float32)


def spreading(box: int) -> np.ndarray:
    """(box, box, box): sinc² along each axis, by which sharing components among the nearest nodes multiplies a map."""
    along = np.sinc((np.arange(box) - box // 2) / box) ** 2
    return along[:, None, None] * along[:, None] * along


def soft_ball(box: int, radius: float) -> np.ndarray:
    """(box, box, box) float32: 1 within ``radius`` voxels of the centre, falling to 0 over three voxels more."""
    along = (np.arange(box) - box // 2) ** 2
    distance = np.sqrt(along[:, None, None] + along[:, None] + along)
    return (0.5 + 0.5 * np.cos(np.pi * np.clip((distance - radius) / 3, 0, 1))).astype(np.float32)


def _with_friedel_mates(spectrum: np.ndarray) -> np.ndarray:
    """Adds to the plane kx = 0 what the mates (-k) of the inserted components would have put there."""
    out = spectrum.copy()
    plane = spectrum[:, :, 0]
    out[:, :, 0] += np.roll(plane[::-1, ::-1], (1, 1), (0, 1)).conj()
    return out


@njit(cache=True, nogil=True)
def _insert(images_ft, ctf, rotation, origin, total, weight):
    count, box, half = images_ft.shape
    limit = (box / 2 - 1) ** 2
    for i in range(count):
        for row in range(box):
            ky = row if row < (box + 1) // 2 else row - box
            for kx in range(half):
                if kx * kx + ky * ky > limit:
                    continue
                phase = 2 * np.pi * (kx * origin[i, 0] + ky * origin[i, 1]) / box
                value = images_ft[i, row, kx] * complex(np.cos(phase), np.sin(phase))
                x = kx * rotation[i, 0, 0] + ky * rotation[i, 1, 0]
                y = kx * rotation[i, 0, 1] + ky * rotation[i, 1, 1]
                z = kx * rotation[i, 0, 2] + ky * rotation[i, 1, 2]
                if x < 0:
                    x, y, z, value = -x, -y, -z, value.conjugate()
                transfer = ctf[i, row, kx]
                value *= transfer
                power = transfer * transfer
                x0, y0, z0 = int(np.floor(x)), int(np.floor(y)), int(np.floor(z))
                for dz in range(2):
                    wz = 1 - abs(z - z0 - dz)
                    for dy in range(2):
                        wy = wz * (1 - abs(y - y0 - dy))
                        for dx in range(2):
                            w = wy * (1 - abs(x - x0 - dx))
                            total[(z0 + dz) % box, (y0 + dy) % box, x0 + dx] += w * value
                            weight[(z0 + dz) % box, (y0 + dy) % box, x0 + dx] += w * power

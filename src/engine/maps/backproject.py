"""A quick map from images and known poses: CTF-weighted insertion of central slices, for checks and first looks."""

from __future__ import annotations

import numpy as np
from numba import njit

from .fsc import fourier_shells


class BackProjector:
    """Collects images into a three-dimensional Fourier transform, a batch at a time, and divides by their weight.

    Each Fourier component of an image, multiplied by its CTF, is spread over the eight nearest nodes of the central
    slice's plane; so is the squared CTF. Conventions are those of ``Particles``.
    """

    def __init__(self, box: int) -> None:
        self.box = box
        shape = (box, box, box // 2 + 1)
        self._sum = np.zeros(shape, np.complex128)
        self._weight = np.zeros(shape, np.float64)

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
        """What has been collected, to be kept: see `of_sums`."""
        return {"sum": self._sum, "weight": self._weight}

    @classmethod
    def of_sums(cls, sums: dict[str, np.ndarray]) -> BackProjector:
        """One that goes on from the ``sums`` of another."""
        one = cls(len(sums["sum"]))
        one._sum[:], one._weight[:] = sums["sum"], sums["weight"]
        return one

    def merged(self, other: BackProjector) -> BackProjector:
        """A new one that holds the images of both."""
        both = BackProjector(self.box)
        both._sum[:], both._weight[:] = self._sum + other._sum, self._weight + other._weight
        return both

    def map(self, wiener: float = 0.01) -> np.ndarray:
        """(D, D, D) float32 [z, y, x]: Σ CTF·image / (Σ CTF² + wiener · its shell's mean), centred at voxel D//2.

        The spreading multiplies the map by sinc² along each axis: divided out. Frequencies beyond D/2 are zero.
        """
        total, weight = _with_friedel_mates(self._sum), _with_friedel_mates(self._weight)
        shell, inside = fourier_shells(self.box)
        mean = np.bincount(shell[inside], weight[inside]) / np.bincount(shell[inside])
        level = mean[np.minimum(shell, len(mean) - 1)]
        spectrum = np.where(inside, total / np.maximum(weight + wiener * level, 1e-30), 0)
        density = np.fft.fftshift(np.fft.irfftn(spectrum, (self.box,) * 3, axes=(0, 1, 2)))
        envelope = np.sinc((np.arange(self.box) - self.box // 2) / self.box) ** 2
        return (density / (envelope[:, None, None] * envelope[:, None] * envelope)).astype(np.float32)


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

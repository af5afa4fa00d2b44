"""Images and maps brought to another box and pixel size, about their centre, by their Fourier transforms."""

from __future__ import annotations

import numpy as np


def resampling_matrix(size: int, pixel_size: float, box: int, new_pixel_size: float) -> np.ndarray:
    """The discrete Fourier transform of ``size`` samples at the frequencies of ``box`` samples of another pixel size.

    The centre (size//2) becomes the new centre (box//2). The ratio of pixel sizes may be any number. Samples beyond the
    new window are left out; frequencies that the old samples do not have are zero, and so is the new Nyquist frequency
    when the box gets smaller (it has no sign). Returns (box, size) complex128, rows as ``numpy.fft.fft``.
    """
    frequency = np.fft.fftfreq(box)  # cycles per new pixel
    position = np.arange(size) - size // 2
    matrix = np.exp(-2j * np.pi * np.outer(frequency * pixel_size / new_pixel_size, position))
    matrix *= np.exp(-2j * np.pi * frequency * (box // 2))[:, None]
    place = position * pixel_size / new_pixel_size + 1e-6  # half-open: both edges would fall on one new pixel
    matrix[:, (place < -box / 2) | (place >= box / 2)] = 0
    lost = np.abs(frequency) * pixel_size / new_pixel_size > 0.5 * (1 + 1e-9)
    if new_pixel_size > pixel_size * (1 + 1e-9) and box % 2 == 0:
        lost |= frequency == -0.5
    matrix[lost] = 0
    return matrix


class ImageResampler:
    """Crops images about the centre and Fourier-downsamples them.

    Grey scale: an image is the sum of the map's voxels along the view. The same density sampled at the new pixel size
    has fewer voxels along the view, so images are scaled by old/new pixel size: a projection of the resampled map
    equals the resampled projection.

    Parameters
    ----------
    size, pixel_size : of the images that come (pixels, Å). box, new_pixel_size : of the images that go.
    """

    def __init__(self, size: int, pixel_size: float, box: int, new_pixel_size: float) -> None:
        self.box = box
        self._window: tuple[slice, slice] | None = None
        crop = box * new_pixel_size / pixel_size
        if abs(crop - round(crop)) < 1e-6 * crop and round(crop) <= size:
            self._plan_fft(size, round(crop))
        else:
            matrix = resampling_matrix(size, pixel_size, box, new_pixel_size).astype(np.complex64)
            self._along_y, self._along_x = matrix, np.ascontiguousarray(matrix[: box // 2 + 1].T)
        self._scale = np.float32((pixel_size / new_pixel_size) ** 3)

    def transform(self, images: np.ndarray) -> np.ndarray:
        """``numpy.fft.rfft2`` of the resampled (m, size, size) float32 images: (m, box, box//2+1) complex64."""
        out = np.empty((len(images), self.box, self.box // 2 + 1), np.complex64)
        for i, image in enumerate(images):  # one at a time: the same bits however many are asked for at once
            out[i] = self._by_matrix(image) if self._window is None else self._by_fft(image)
        return out * self._scale

    def _plan_fft(self, size: int, crop: int) -> None:
        """Where the new window is a whole number of old pixels, an FFT has the same frequencies, and is faster."""
        start = size // 2 - crop // 2
        self._window = slice(start, start + crop), slice(start, start + crop)
        frequency = np.rint(np.fft.fftfreq(self.box, 1 / self.box))
        self._rows = frequency.astype(np.int64) % crop
        phase = np.exp(2j * np.pi * frequency * (crop // 2 / crop - self.box // 2 / self.box))
        if self.box < crop:
            phase[2 * frequency == -self.box] = 0
        self._phase = (phase[:, None] * phase[: self.box // 2 + 1]).astype(np.complex64)

    def _by_fft(self, image: np.ndarray) -> np.ndarray:
        from scipy import fft

        spectrum = fft.rfft2(np.ascontiguousarray(image[self._window]))
        return spectrum[self._rows, : self.box // 2 + 1] * self._phase

    def _by_matrix(self, image: np.ndarray) -> np.ndarray:
        along_x = np.empty((image.shape[0], self.box // 2 + 1), np.complex64)
        along_x.real, along_x.imag = image @ self._along_x.real, image @ self._along_x.imag
        return self._along_y @ along_x


def resample_map(density: np.ndarray, pixel_size: float, box: int, new_pixel_size: float) -> np.ndarray:
    """A cubic (N, N, N) map with the same values, sampled on another box and pixel size: (box, box, box) float32."""
    matrix = resampling_matrix(density.shape[0], pixel_size, box, new_pixel_size).astype(np.complex64)
    spectrum: np.ndarray = density.astype(np.float32)
    for _ in range(3):  # contracts the first axis and puts the new one last, so three turns restore the order
        spectrum = np.tensordot(spectrum, matrix, axes=(0, 1))
    return np.fft.ifftn(spectrum).real.astype(np.float32) * np.float32((pixel_size / new_pixel_size) ** 3)


def resample_box(density: np.ndarray, box: int) -> np.ndarray:
    """A cubic (N, N, N) map with the same values on another box over the same field of view: float32.

    As `resample_map`, by fast transforms. Voxel N//2 stays the centre. A Nyquist frequency that only one of the boxes
    has is zero: one sample cannot hold both of its signs.
    """
    from scipy import fft

    old = density.shape[0]
    if old == box:
        return density.astype(np.float32)
    kept = (min(old, box) - 1) // 2  # highest frequency that both boxes have with both signs
    frequency = np.arange(-kept, kept + 1)
    # axis by axis, and of each only what is kept: several times faster than the whole transform
    spectrum = fft.rfft(density.astype(np.float32, copy=False), axis=2)[..., : kept + 1]
    for axis in (1, 0):
        spectrum = fft.fft(spectrum, axis=axis).take(frequency, axis)
    centre = np.exp(2j * np.pi * frequency * (old // 2 / old - box // 2 / box)).astype(np.complex64)
    resampled = np.zeros((box, box, box // 2 + 1), np.complex64)
    resampled[np.ix_(frequency, frequency, frequency[kept:])] = (
        spectrum * centre[:, None, None] * centre[:, None] * centre[kept:])  # fmt: skip
    return (fft.irfftn(resampled, (box,) * 3) * (box / old) ** 3).astype(np.float32)

"""What each raw image is like, and pixels in it that no electron and no protein can have made."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields

import numpy as np

from .noise import outside_disc

_SAMPLE = 4096  # pixels of an image that its level, noise and tail are measured on
_SIGMAS = 20.0  # Gaussian noise reaches 6; a pixel below this hardly matters
_TAIL, _TYPICAL = 10.0, 5.0  # times the 99th percentile of the image, and the largest pixel of ordinary images
_NOISY = 8.0  # standard deviations of the background that 99 % of a noisy image's pixels are within
_FLAT = 1e-3  # times an image's tail: noise that is none
_ENOUGH = 20  # images of a group that tell what is usual in it
_AROUND = (2, 4, 8, 16)  # pixels to each side that a hot one's substitute is taken from, the first that are not all hot


@dataclass(frozen=True)
class Survey:
    """Of n raw images, protein white.

    level, noise : (n,) median and standard deviation (by the median absolute deviation) of the background.
    lowest, highest : (n,) pixels. tail : (n,) 99th percentile of the distance from ``level``.
    finite : (n,) bool, whether all pixels are numbers; where not, all other values are 0.
    digest : (n,) uint64 of the pixels: equal images have equal ones.
    """

    level: np.ndarray
    noise: np.ndarray
    lowest: np.ndarray
    highest: np.ndarray
    tail: np.ndarray
    finite: np.ndarray
    digest: np.ndarray

    def take(self, rows: np.ndarray) -> Survey:
        """Of these images alone."""
        return Survey(*(getattr(self, field.name)[rows] for field in fields(self)))

    @classmethod
    def joined(cls, parts: list[Survey]) -> Survey:
        """Of the images of all parts, in their order."""
        return cls(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)))

    @property
    def empty(self) -> np.ndarray:
        """(n,) bool: images with the same value everywhere, or, among noisy ones, all around the particle."""
        flat = self.noise <= _FLAT * self.tail if self.noisy else np.zeros(len(self.noise), bool)
        return self.finite & ((self.lowest == self.highest) | flat)

    @property
    def noisy(self) -> bool:
        """Whether noise is what most images show for the most part."""
        return bool(np.median(np.where(self.noise > 0, self.tail, np.inf) / np.maximum(self.noise, 1e-30)) < _NOISY)

    @property
    def farthest(self) -> np.ndarray:
        """(n,) distance from ``level`` of the pixel that is farthest from it."""
        return np.maximum(self.highest - self.level, self.level - self.lowest)


@dataclass(frozen=True)
class HotPixels:
    """Pixels farther than ``limit`` (n,) from ``level`` (n,) are hot; ``limit`` is infinite where an image has none."""

    level: np.ndarray
    limit: np.ndarray

    @property
    def rows(self) -> np.ndarray:
        """(m,) rows of the images that have hot pixels."""
        return np.flatnonzero(np.isfinite(self.limit))

    def take(self, rows: np.ndarray) -> HotPixels:
        """Of these images alone."""
        return HotPixels(self.level[rows], self.limit[rows])

    def of(self, image: np.ndarray, row: int) -> np.ndarray:
        """(N, N) bool: which pixels of image ``row`` are hot."""
        return np.abs(image - self.level[row]) > self.limit[row]

    def mend(self, images: np.ndarray, rows: np.ndarray) -> None:
        """Give the hot pixels of (m, N, N) images ``rows`` the median of what is around them."""
        for image, row in zip(images, rows, strict=True):
            if np.isfinite(self.limit[row]):
                _mend(image, self.of(image, row), self.level[row])


def not_finite(images: np.ndarray) -> np.ndarray:
    """(m,) bool: images (m, N, N) with NaN, infinity, or numbers so large that their sum is."""
    with np.errstate(over="ignore", invalid="ignore"):
        return ~np.isfinite(images.sum((1, 2)))


def survey(images: np.ndarray, radius: float) -> Survey:
    """Of (m, N, N) float32 images whose background is what is outside ``radius`` pixels from the centre."""
    pixels = images[0].size
    background = _thinned(np.flatnonzero(outside_disc(images.shape[1], radius).ravel() > 0.5))
    some = _thinned(np.arange(pixels))
    finite = ~not_finite(images)
    flat = np.where(finite[:, None], images.reshape(len(images), pixels), 0)
    level = np.median(flat[:, background], axis=1)
    noise = 1.4826 * np.median(np.abs(flat[:, background] - level[:, None]), axis=1)
    tail = np.quantile(np.abs(flat[:, some] - level[:, None]), 0.99, axis=1)
    digest = np.array([_digest(image) for image in images], np.uint64)
    return Survey(level, noise, flat.min(1), flat.max(1), tail, finite, digest)


def find_hot_pixels(survey: Survey, group: np.ndarray) -> HotPixels:
    """Which pixels are hot, by comparison with the rest of the image and with the images of the same ``group`` (n,).

    Images without noise have pixels at any number of standard deviations; what most images have is not hot.
    """
    noise, farthest = survey.noise.astype(np.float64), survey.farthest.astype(np.float64)
    reach = np.divide(farthest, noise, out=np.full(len(noise), np.inf), where=noise > 0)
    usual = np.full(len(noise), np.quantile(reach, 0.1, method="lower"))
    for number in np.unique(group):
        members = group == number
        if members.sum() >= _ENOUGH:
            usual[members] = np.quantile(reach[members], 0.1, method="lower")
    noisy = (noise > 0) & np.isfinite(usual)
    ordinary = np.where(noisy, _TYPICAL * np.where(noisy, usual, 0) * noise, np.inf)
    surely = np.minimum if survey.noisy else np.maximum
    limit = np.maximum(_SIGMAS * noise, surely(_TAIL * survey.tail, ordinary))
    return HotPixels(survey.level, np.where((farthest > limit) & (limit > 0), limit, np.inf))


def _thinned(places: np.ndarray) -> np.ndarray:
    """At most so many places, evenly spread; an odd step does not keep to one column of an even box."""
    return places[:: max(1, len(places) // _SAMPLE) | 1]


def _digest(image: np.ndarray) -> int:
    return int.from_bytes(hashlib.blake2b(np.ascontiguousarray(image).data, digest_size=8).digest(), "little")


def _mend(image: np.ndarray, hot: np.ndarray, level: float) -> None:
    original = image.copy()
    for y, x in np.argwhere(hot):
        image[y, x] = level
        for reach in _AROUND:
            window = (slice(max(0, y - reach), y + reach + 1), slice(max(0, x - reach), x + reach + 1))
            if not hot[window].all():
                image[y, x] = np.median(original[window][~hot[window]])
                break

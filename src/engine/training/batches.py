"""Batches of images in Fourier space, made ready by threads while the batches before are worked on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import scipy.fft
import torch

from ...particles.observe import observe
from ...particles.particles import Particles
from ...particles.prefetch import in_order, thread_share
from ...particles.shells import fourier_radius
from ...particles.stack import ImageStack
from ..projector.fourier_grid import crop_rows

AHEAD_BYTES = 1 << 30  # of batches that wait or are being made, whatever the number of threads


class Images(Protocol):
    """Where images come from: `ImageStack`, or `MemoryStack` in memory."""

    def read(self, rows: np.ndarray) -> np.ndarray:
        """``(m, D, D)`` float32; several threads may call it at once."""


@dataclass(frozen=True)
class Batch:
    """Some particles at one box size, everything that the image model needs but the map and its motion.

    Attributes
    ----------
    rows : ``(b,)`` int64 rows of the particle set.
    images : ``(b, d, d // 2 + 1)`` complex rfft2, shifted so that the particle's origin is at pixel ``d // 2``, without
        the phase of antisymmetric aberrations.
    transfer : ``(b, d, d // 2 + 1)`` CTF times the whitening filter of `prep`.
    rotation : ``(b, 3, 3)`` `Particles.views`.
    correction : ``(b, 5)`` of the poses (`Poses`), or None.
    weight : ``(b,)`` how far each image counts (`Membership`), or None: all alike.
    scale : ``(b,)`` of each image's signal (`SignalScales`), which ``transfer`` has been multiplied by, or None: 1.
    """

    rows: torch.Tensor
    images: torch.Tensor
    transfer: torch.Tensor
    rotation: torch.Tensor
    correction: torch.Tensor | None = None
    weight: torch.Tensor | None = None
    scale: torch.Tensor | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def to(self, device: str | torch.device) -> Batch:
        """The batch on another device."""
        return self._each(lambda values: values.to(device, non_blocking=True))

    def first(self, count: int) -> Batch:
        """The first few particles."""
        return self._each(lambda values: values[:count])

    def picked(self, places: torch.Tensor) -> Batch:
        """The particles at some ``places`` ``(m,)`` of the batch."""
        return self._each(lambda values: values[places])

    def cropped(self, box: int) -> Batch:
        """The same images at a smaller, even ``box``, of the same field of view."""
        if box == self.images.shape[-2]:
            return self
        images, transfer = (crop_rows(half[..., : box // 2 + 1], box) for half in (self.images, self.transfer))
        return replace(self, images=images, transfer=transfer)

    def _each(self, change: Callable[[torch.Tensor], torch.Tensor]) -> Batch:
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return replace(self, **{name: change(value) for name, value in values.items() if value is not None})


class ParticleImages:
    """Images, CTFs and poses of a particle set, delivered in batches at any box size up to their own.

    A smaller box ``d`` is a Fourier crop: the same field of view, larger pixels, amplitudes unchanged, so that a map's
    total mass keeps its meaning at every box size.
    """

    def __init__(
        self,
        particles: Particles,
        whitening: np.ndarray | None = None,
        stack: Images | None = None,
        threads: int | None = None,
    ) -> None:
        """``whitening`` is the amplitude filter ``(g, D // 2 + 1)`` by optics group and shell that the images were
        multiplied by; ``(D // 2 + 1,)`` is one for all groups.

        ``stack`` is where the particles' images are read, if not from the stacks that they name. ``threads`` make
        batches ready (`thread_share` where not given); their number changes no bit of any batch.
        """
        self.particles = particles
        self.box = int(particles.optics.box[0])
        self.pixel_size = float(particles.optics.pixel_size[0])
        shells, groups = self.box // 2 + 1, len(particles.optics)
        filters = np.ones(shells, np.float32) if whitening is None else whitening.astype(np.float32)
        self.whitening = np.broadcast_to(filters, (groups, shells))
        self.threads = threads or thread_share()
        self._stack = ImageStack(particles) if stack is None else stack

    def __len__(self) -> int:
        return len(self.particles)

    def batch(self, rows: np.ndarray, box: int) -> Batch:
        """The particles ``rows`` ``(b,)`` int at ``box`` pixels, on the CPU."""
        images = cropped_transform(self._stack.read(rows), box)
        pixel_size = self.pixel_size * self.box / box
        images, transfer = observe(self.particles, images, pixel_size, rows, centred=True, whitening=self.whitening)
        return Batch(
            rows=torch.from_numpy(np.asarray(rows, np.int64)),
            images=torch.from_numpy(images),
            transfer=torch.from_numpy(transfer),
            rotation=torch.from_numpy(self.particles.views(rows).astype(np.float32)),
        )

    def batches(self, groups: Iterable[np.ndarray], box: int) -> Iterator[Batch]:
        """One batch per array of rows ``(b,)``, in their order; threads read and transform the next ones meanwhile."""
        groups = list(groups)
        largest = max(map(len, groups), default=1)
        bytes_of_batch = max(1, largest) * (4 * self.box**2 + 12 * box * (box // 2 + 1))
        threads = max(1, min(self.threads, AHEAD_BYTES // bytes_of_batch))
        return in_order(lambda rows: self.batch(rows, box), groups, threads)


def split(rows: np.ndarray, size: int) -> list[np.ndarray]:
    """``rows`` ``(m,)`` cut into groups of about ``size``, whose sizes differ by one at most."""
    return np.array_split(rows, max(1, round(len(rows) / size)))


def pieces(rows: np.ndarray, most: int) -> list[np.ndarray]:
    """``rows`` ``(m,)`` cut into groups of at most ``most``, whose sizes differ by one at most."""
    return np.array_split(rows, max(1, -(-len(rows) // most)))


def cropped_transform(images: np.ndarray, box: int) -> np.ndarray:
    """The rfft2 ``(m, box, box // 2 + 1)`` of images ``(m, D, D)`` at the frequencies of a smaller ``box``.

    Columns that are cropped away are not transformed. In the precision of the images, on the calling thread alone.
    """
    full = images.shape[-1]
    if box == full:
        return scipy.fft.rfft2(images)
    half = scipy.fft.fft(scipy.fft.rfft(images)[..., : box // 2 + 1], axis=-2)
    return np.concatenate([half[..., : box // 2, :], half[..., full - (box - box // 2) :, :]], axis=-2)


def half_plane_weights(box: int, low: float, high: float) -> np.ndarray:
    """Weight ``(box, box // 2 + 1)`` of each stored frequency in a sum over the whole plane, zero outside a band.

    Frequencies off the column kx = 0 stand for two. ``low < radius <= high`` in units of 1 / field of view; the Nyquist
    row and column are always left out, since one sample cannot hold both of their signs.
    """
    radius = fourier_radius(box)
    weights = np.where((radius > low) & (radius <= high), 2.0, 0.0)
    weights[:, 0] /= 2
    if box % 2 == 0:
        weights[box // 2, :] = 0
        weights[:, -1] = 0
    return weights.astype(np.float32)

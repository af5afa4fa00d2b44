"""Images that are held in memory, for whoever reads them more than once and has room."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .particles import Particles
from .stack import ImageStack

CHUNK_BYTES = 1 << 26  # read at a time, between two words of how far it is


@dataclass(frozen=True)
class HeldStack:
    """Every particle's image, read as `ImageStack` reads it.

    Parameters
    ----------
    images : (n, D, D), as stored on disk (half precision and whole numbers stay small), one for each particle.
    contrast : what images are multiplied by so that protein is white.
    """

    images: np.ndarray
    contrast: float

    def __len__(self) -> int:
        return len(self.images)

    def read(self, rows: np.ndarray) -> np.ndarray:
        """Images of these rows in their order, (m, D, D) float32, contrast applied (protein white)."""
        images = self.images[np.asarray(rows)].astype(np.float32, copy=False)  # a copy, being asked by numbers
        if self.contrast != 1:
            images *= np.float32(self.contrast)
        return images


def held_bytes(particles: Particles) -> int:
    """Bytes that a `HeldStack` of these particles, of one box, takes."""
    return len(particles) * int(particles.optics.box[0]) ** 2 * ImageStack(particles).dtype().itemsize


def hold(particles: Particles, tell: Callable[[int, int], None] = lambda done, total: None) -> HeldStack:
    """Read all images, in the order of the files; ``tell(bytes done, of all)`` is called now and then, and may raise.

    ``InputError`` as `ImageStack.read`.
    """
    stack, box = ImageStack(particles), int(particles.optics.box[0])
    dtype = stack.dtype()
    images = np.empty((len(particles), box, box), dtype)
    order = np.lexsort((particles.index, particles.stack))
    count = max(1, CHUNK_BYTES // (box * box * dtype.itemsize))
    for first in range(0, len(order), count):
        rows = order[first : first + count]
        images[rows] = stack.stored(rows, dtype)
        tell(min(first + count, len(order)) * box * box * dtype.itemsize, images.nbytes)
    return HeldStack(images, particles.contrast)

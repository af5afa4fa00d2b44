"""Images that are held in memory, for whoever reads them more than once and has room."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .particles import Particles
from .stack import ImageStack

CHUNK_BYTES = 1 << 26  # read at a time, between two words of how far it is


@dataclass(frozen=True)
class MemoryStack:
    """Every particle's image, read as `ImageStack` reads it.

    Parameters
    ----------
    images : (m, D, D), as stored on disk (half precision and whole numbers stay small), each once.
    contrast : what images are multiplied by so that protein is white.
    place : (n,) which of them each particle has; None: particle i has image i.
    """

    images: np.ndarray
    contrast: float
    place: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.images if self.place is None else self.place)

    def read(self, rows: np.ndarray) -> np.ndarray:
        """Images of these rows in their order, (m, D, D) float32, contrast applied (protein white)."""
        places = np.asarray(rows) if self.place is None else self.place[rows]
        images = self.images[places].astype(np.float32, copy=False)  # a copy, being asked by numbers
        if self.contrast != 1:
            images *= np.float32(self.contrast)
        return images


def held_bytes(particles: Particles) -> int:
    """Bytes that a `MemoryStack` of these particles, of one box, takes."""
    return len(_distinct(particles)[0]) * int(particles.optics.box[0]) ** 2 * ImageStack(particles).dtype().itemsize


def _distinct(particles: Particles) -> tuple[np.ndarray, np.ndarray]:
    """A particle of each image ``(m,)``, in the order of the files, and which of these each particle's is ``(n,)``."""
    order = np.lexsort((particles.index, particles.stack))
    stack, index = particles.stack[order], particles.index[order]
    new = np.ones(len(order), bool)
    new[1:] = (np.diff(stack) != 0) | (np.diff(index) != 0)
    place = np.empty(len(order), np.int64)
    place[order] = np.cumsum(new) - 1
    return order[new], place


def load_stack(particles: Particles, progress: Callable[[int, int], None] = lambda done, total: None) -> MemoryStack:
    """Read all images, in the order of the files; ``progress(bytes done, of all)`` is called now and then, may raise.

    ``InputError`` as `ImageStack.read`.
    """
    stack, box = ImageStack(particles), int(particles.optics.box[0])
    dtype = stack.dtype()
    order, place = _distinct(particles)
    images = np.empty((len(order), box, box), dtype)
    count = max(1, CHUNK_BYTES // (box * box * dtype.itemsize))
    for first in range(0, len(order), count):
        images[first : first + count] = stack.stored(order[first : first + count], dtype)
        progress(min(first + count, len(order)) * box * box * dtype.itemsize, images.nbytes)
    return MemoryStack(images, particles.contrast, place)

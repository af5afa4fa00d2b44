"""The one box and pixel size that particles of several optics groups are brought to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from .particles import Particles

DEFAULT_BOX = 128


@dataclass(frozen=True)
class Frame:
    """box : pixels along a side of the new images. pixel_size : Å of the new images."""

    box: int
    pixel_size: float

    @property
    def crop(self) -> float:
        """Side of the new images in Å."""
        return self.box * self.pixel_size


def choose_frame(particles: Particles, box: int | None, crop: int | None) -> Frame:
    """The frame that all optics groups fit in.

    Parameters
    ----------
    box : pixels of the new images; None is 128, or the images' own box where that is smaller.
    crop : pixels (of the largest optics group's images) kept about the centre; None keeps all that every group has.
    """
    optics, count = particles.optics, np.bincount(particles.group, minlength=len(particles.optics))
    used = np.flatnonzero(count)
    main = int(np.argmax(count))
    pixel_size = float(optics.pixel_size[main])
    widest = int(np.min(optics.box[used] * optics.pixel_size[used]) / pixel_size * (1 + 1e-6))
    crop = widest if crop is None else crop
    if crop > widest:
        raise InputError(f"crop {crop}: the images of {particles.source} are only {widest} pixels wide; give {widest} "
                         "or less, or leave it out.")  # fmt: skip
    crop -= crop % 2
    if crop < 8 and box is None:
        raise InputError(f"{particles.source}: {crop} pixels remain of its images, which are {widest} pixels wide; at "
                         "least 8 are needed.")  # fmt: skip
    box = min(DEFAULT_BOX, crop) if box is None else box
    if box % 2 or not 8 <= box <= crop:
        raise InputError(f"box {box}: must be even, at least 8 and at most the {crop} pixels that remain of images.")
    return Frame(box, pixel_size * crop / box)

"""Particle images as prep delivers them: cropped, downsampled, background at zero, whitened.

Those that were multiplied by their CTF are divided by its absolute value, and are then as if phase-flipped.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from .ctf import unmultiplied
from .frame import Frame
from .hot_pixels import HotPixels, not_finite
from .noise import background_deviation, outside_disc, subtract_background
from .particles import Particles
from .resample import ImageResampler
from .shells import spread
from .stack import ImageStack, image_name


@dataclass(frozen=True)
class Whitening:
    """filter : (g, D//2+1) float32, what the amplitudes of an optics group's images are multiplied by, by shell.

    even : whether each image is then divided by the standard deviation of its own background.
    """

    filter: np.ndarray
    even: bool


class Converter:
    """Reads images and brings them to the frame; one object may serve many threads.

    Parameters
    ----------
    particles, frame : from what, to what. radius : Å of the disc that holds the particle.
    hot : pixels of the particles' images that are to be replaced.
    """

    def __init__(self, particles: Particles, frame: Frame, radius: float, hot: HotPixels | None = None) -> None:
        self.particles, self.frame, self.radius, self.hot = particles, frame, radius, hot
        self.background = outside_disc(frame.box, radius / frame.pixel_size)
        self._stack = ImageStack(particles)
        optics = particles.optics
        size = {int(group): (int(optics.box[group]), float(optics.pixel_size[group])) for group in self._used}
        made = {(box, width): ImageResampler(box, width, frame.box, frame.pixel_size) for box, width in size.values()}
        self._resamplers = {group: made[key] for group, key in size.items()}

    @property
    def _used(self) -> np.ndarray:
        return np.unique(self.particles.group)

    def raw(self, rows: np.ndarray) -> np.ndarray:
        """Images of one optics group's rows as they are in the stacks, (m, N, N) float32, protein white.

        Their hot pixels are mended.
        """
        images = self._stack.read(rows)
        side, group = images.shape[1], int(self.particles.group[rows[0]])
        box = self.particles.optics.box[group]
        if side != box:
            stack = self.particles.stacks[self.particles.stack[rows[0]]]
            raise InputError(f"{stack}: its images are {side} pixels wide, but {self.particles.source} says "
                             f"{box}; give the stack that belongs to the file.")  # fmt: skip
        if self.hot is not None:
            self.hot.mend(images, rows)
        return images

    def images(self, rows: np.ndarray, whitening: Whitening | None = None) -> np.ndarray:
        """Prepared images (m, D, D) float32 of these rows, in their order.

        ``InputError`` where one holds values that are not numbers.
        """
        box = self.frame.box
        out = np.empty((len(rows), box, box), np.float32)
        group = self.particles.group[rows]
        for number in np.unique(group):
            places = np.flatnonzero(group == number)
            out[places] = self._convert(rows[places], int(number), whitening)
        return out

    def _convert(self, rows: np.ndarray, group: int, whitening: Whitening | None) -> np.ndarray:
        size = (self.frame.box, self.frame.box)
        recorded = self.raw(rows)
        damaged = rows[not_finite(recorded)]
        if len(damaged):
            raise InputError(f"{self.particles.source}: {image_name(self.particles, damaged[0])} holds values that are "
                             "not numbers (NaN or infinity); extract it again, or remove that particle.")  # fmt: skip
        spectrum = self._resamplers[group].transform(recorded)
        spectrum = unmultiplied(spectrum, self.particles, self.frame.box, self.frame.pixel_size, rows)
        images = subtract_background(np.fft.irfft2(spectrum, size).astype(np.float32), self.background)
        if whitening is None:
            return images
        shells = spread(whitening.filter[group], self.frame.box)
        images = np.fft.irfft2(np.fft.rfft2(images) * shells, size).astype(np.float32)
        if whitening.even:
            deviation = background_deviation(images, self.background)
            images /= np.where(deviation > 0, deviation, 1).astype(np.float32)[:, None, None]
        return images

"""Particle images as prep delivers them: cropped, downsampled, background at zero, whitened."""

from __future__ import annotations

import numpy as np

from ..errors import InputError
from .frame import Frame
from .noise import outside_disc, subtract_background
from .particles import Particles
from .resample import ImageResampler
from .shells import spread
from .stack import ImageStack


class NotFinite(Exception):
    """Images that hold NaN or infinity: ``rows`` are theirs."""

    def __init__(self, rows: np.ndarray) -> None:
        super().__init__(f"{len(rows)} images are not finite")
        self.rows = rows


def not_finite(images: np.ndarray) -> np.ndarray:
    """(m,) bool: images (m, N, N) with NaN, infinity, or numbers so large that their sum is."""
    with np.errstate(over="ignore", invalid="ignore"):
        return ~np.isfinite(images.sum((1, 2)))


class Converter:
    """Reads images and brings them to the frame; one object may serve many threads.

    Parameters
    ----------
    particles, frame : from what, to what. radius : Å of the disc that holds the particle.
    """

    def __init__(self, particles: Particles, frame: Frame, radius: float) -> None:
        self.particles, self.frame, self.radius = particles, frame, radius
        self.background = outside_disc(frame.box, radius / frame.pixel_size)
        self._stack = ImageStack(particles)
        optics = particles.optics
        distinct = {(int(n), float(p)) for n, p in zip(optics.box, optics.pixel_size)}
        made = {key: ImageResampler(*key, frame.box, frame.pixel_size) for key in distinct}
        self._resamplers = [made[int(n), float(p)] for n, p in zip(optics.box, optics.pixel_size)]

    def raw(self, rows: np.ndarray) -> np.ndarray:
        """Images of one optics group's rows as they are in the stacks, (m, N, N) float32, protein white."""
        images = self._stack.read(rows)
        bad = not_finite(images)
        if bad.any():
            raise NotFinite(np.asarray(rows)[bad])
        side, group = images.shape[1], int(self.particles.group[rows[0]])
        box = self.particles.optics.box[group]
        if side != box:
            stack = self.particles.stacks[self.particles.stack[rows[0]]]
            raise InputError(f"{stack}: its images are {side} pixels wide, but {self.particles.source} says "
                             f"{box}; give the stack that belongs to the file.")  # fmt: skip
        return images

    def images(self, rows: np.ndarray, shell_filter: np.ndarray | None = None) -> np.ndarray:
        """Prepared images (m, D, D) float32 of these rows, in their order; not whitened without ``shell_filter``."""
        box = self.frame.box
        out = np.empty((len(rows), box, box), np.float32)
        group = self.particles.group[rows]
        for number in np.unique(group):
            places = np.flatnonzero(group == number)
            out[places] = self._convert(rows[places], self._resamplers[number], shell_filter)
        return out

    def _convert(self, rows: np.ndarray, resampler: ImageResampler, shell_filter: np.ndarray | None) -> np.ndarray:
        size = (self.frame.box, self.frame.box)
        spectrum = resampler.transform(self.raw(rows))
        images = subtract_background(np.fft.irfft2(spectrum, size).astype(np.float32), self.background)
        if shell_filter is None:
            return images
        return np.fft.irfft2(np.fft.rfft2(images) * spread(shell_filter, self.frame.box), size).astype(np.float32)

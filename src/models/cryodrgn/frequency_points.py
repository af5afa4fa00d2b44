"""Which frequencies of a map are asked of the network, and which follow from their mirror images."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .cryodrgn_config import CryodrgnConfig


@dataclass(frozen=True, eq=False)
class FrequencyPoints:
    """Points of the lattice, the planes one after the other.

    Attributes
    ----------
    axis : ``(N,)`` float32, the lattice's coordinate along each axis; frequency 0 is number N//2.
    x, y : ``(n,)`` int32, numbers along the axes. planes : ``(p,)`` numbers along z. ends : ``(p + 1,)``, where the
        points of each plane begin in ``x`` and ``y``.
    mirrored : ``(n,)`` bool, whether the point on the other side of the origin follows from this one.
    filled : whether the images' mean stands also where nothing is asked.
    """

    axis: np.ndarray
    x: np.ndarray
    y: np.ndarray
    planes: np.ndarray
    ends: np.ndarray
    mirrored: np.ndarray
    filled: bool

    def __len__(self) -> int:
        return len(self.x)

    @property
    def z(self) -> np.ndarray:
        """``(n,)`` int32, numbers along z."""
        return np.repeat(self.planes, np.diff(self.ends)).astype(np.int32)

    def pieces(self, most: int) -> Iterator[tuple[int, slice]]:
        """Planes' numbers along z and their points, at most ``most`` at a time."""
        for k, start, end in zip(self.planes, self.ends[:-1], self.ends[1:]):
            for first in range(start, end, most):
                yield int(k), slice(first, min(first + most, end))


def all_points(config: CryodrgnConfig) -> FrequencyPoints:
    """The points that cryoDRGN's own eval_vol asks for; the last of each axis, which it leaves out, is not among them.

    A Hartley network is asked for the whole cube, also for its corners, of which no image told anything; a Fourier
    network for the ball, half of which follows. Without encoding a plane through the origin is asked for as a whole.
    The hypervolume of abinit is cut by a circle in each plane, and has nothing on the z axis (see `_circles`).
    """
    axis = _axis(config)
    inside = np.ones((config.box,) * 3, bool)
    mirrored = np.zeros_like(inside)
    if config.domain == "fourier":
        inside = _ball(config, axis)
        mirrored = _half(config.box, config.encoding == "none")
        inside &= mirrored | _given_points(config)
    return _points(axis, inside, mirrored, config.encoding != "none" or config.domain == "hartley")


def masked_points(config: CryodrgnConfig, radius: float | None) -> FrequencyPoints:
    """The points that eval_vol asks of the hypervolume of abinit, whose mask has a radius in frequencies."""
    axis = _axis(config)
    inside = _circles(config, axis, config.side // 2 if radius is None else radius)
    return _points(axis, inside, np.zeros_like(inside), True)


def low_points(points: FrequencyPoints, radius: int) -> FrequencyPoints:
    """Those up to ``radius`` frequencies from the origin."""
    half = len(points.axis) // 2
    distance = (points.x - half) ** 2 + (points.y - half) ** 2 + (points.z - half) ** 2
    kept = distance <= radius**2
    count = np.add.reduceat(kept, points.ends[:-1])
    ends = np.concatenate([[0], np.cumsum(count[count > 0])])
    return FrequencyPoints(points.axis, points.x[kept], points.y[kept], points.planes[count > 0], ends,
                           points.mirrored[kept], points.filled)  # fmt: skip


def _axis(config: CryodrgnConfig) -> np.ndarray:
    return np.linspace(-config.extent, config.extent, config.side).astype(np.float32)[:-1]


def _points(axis: np.ndarray, inside: np.ndarray, mirrored: np.ndarray, filled: bool) -> FrequencyPoints:
    z, y, x = (numbers.astype(np.int32) for numbers in np.nonzero(inside))
    planes, starts = np.unique(z, return_index=True)
    return FrequencyPoints(axis, x, y, planes, np.append(starts, len(z)), mirrored[inside], filled)


def _ball(config: CryodrgnConfig, axis: np.ndarray) -> np.ndarray:
    """``(N, N, N)`` bool ``[z, y, x]``, with the precision of cryoDRGN, on which the border depends."""
    if config.encoding == "none":
        along = np.linspace(-1, 1, config.side)[:-1] ** 2
        return ((along + along[:, None]) + along[:, None, None]) ** 0.5 <= 1
    square = axis**2
    return (square + square[:, None]) + square[:, None, None] <= config.extent**2


def _half(box: int, tilted_only: bool) -> np.ndarray:
    """``(N, N, N)`` bool: points whose mirror image is taken from them: z < 0 and, but for ``tilted_only``, half of
    the plane z = 0.
    """
    k = np.arange(box) - box // 2
    half = np.broadcast_to((k < 0)[:, None, None], (box,) * 3).copy()
    if not tilted_only:
        half[box // 2] = (k[:, None] < 0) | ((k[:, None] == 0) & (k < 0))
    return half


def _given_points(config: CryodrgnConfig) -> np.ndarray:
    """``(N, N, N)`` bool: points that are asked for though nothing follows from them."""
    own = np.zeros((config.box,) * 3, bool)
    own[config.box // 2] = config.encoding == "none"
    own[(config.box // 2,) * 3] = True
    return own


def _circles(config: CryodrgnConfig, axis: np.ndarray, radius: float) -> np.ndarray:
    """``(N, N, N)`` bool: in each plane a circle of a whole radius, without its middle, as eval_vol of 4.3 has it.

    At some sizes (33) rounding decides whether the outermost frequencies of a plane are asked for, so that a radius is
    found in the precision that it has there.
    """
    side, extent, precise = config.side, config.extent, config.precision
    ball = precise((extent * 2 * radius / side) ** 2)
    square = axis**2
    distance = square + square[:, None]
    inside = np.zeros((config.box,) * 3, bool)
    for k, height in enumerate(axis):
        circle = int(np.sqrt(np.maximum(ball - precise(height**2), 0)) * precise(side))
        inside[k] = distance <= (circle / (side // 2) * extent) ** 2
    inside[:, config.box // 2, config.box // 2] = False
    return inside

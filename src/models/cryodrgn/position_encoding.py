"""A position in Fourier space as cryoDRGN's networks are given it, and what their first layer makes of it.

On a lattice the first layer is a sum of a table for each axis; of random directions, products of phases for each axis.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

Plane = Callable[[np.ndarray, np.ndarray], np.ndarray]


class FirstLayer(Protocol):
    """The first layer's sums, before its activation, of the points of a lattice for a fixed latent point."""

    def plane(self, k: int) -> Plane:
        """Of points ``z = k``: a function from their ``x`` and ``y`` ``(m,)``, numbers on the axes, to ``(m, h)``."""
        ...


@dataclass(frozen=True, eq=False)
class TabledLayer:
    """Encodings of each axis for itself. x, y, z : ``(N, h)`` float32, what each axis adds; z with the constant."""

    x: np.ndarray
    y: np.ndarray
    z: np.ndarray

    def plane(self, k: int) -> Plane:
        """See `FirstLayer`."""
        y = self.y + self.z[k]

        def sums(i: np.ndarray, j: np.ndarray) -> np.ndarray:
            result = np.take(y, j, axis=0)
            result += self.x[i]
            return result

        return sums


@dataclass(frozen=True, eq=False)
class PhasedLayer:
    """Waves in random directions. x, y, z : ``(N, f)`` complex64, the waves' phases along each axis.

    weights : ``(f, h)`` complex64, of the waves, whose real part counts. constant : ``(h,)``.
    """

    x: np.ndarray
    y: np.ndarray
    z: np.ndarray
    weights: np.ndarray
    constant: np.ndarray

    def plane(self, k: int) -> Plane:
        """See `FirstLayer`. The phase along z goes into the weights, which are far fewer than the points."""
        turned = self.weights * self.z[k][:, None]
        weights = np.empty((2 * len(turned), turned.shape[1]), np.float32)
        weights[0::2], weights[1::2] = turned.real, -turned.imag

        def sums(i: np.ndarray, j: np.ndarray) -> np.ndarray:
            waves = np.take(self.x, i, axis=0)
            waves *= self.y[j]
            result = waves.view(np.float32) @ weights
            result += self.constant
            return result

        return sums


def encoded_size(encoding: str, dims: int) -> int:
    """How many numbers a position becomes."""
    return 3 if encoding == "none" else 6 * dims


def frequencies(encoding: str, side: int, dims: int) -> np.ndarray:
    """Along each axis, ``(dims,)`` radians per unit of the lattice, which is from -0.5 to 0.5; not of ``gaussian``."""
    half, box = side // 2, 2 * (side // 2)
    if encoding == "linear_lowf":
        return np.arange(1.0, half + 1)
    # geometric series, from the first to the last
    first, last = {
        "geom_ft": (box * np.pi, 2 * np.pi),
        "geom_full": (box * np.pi, 1.0),
        "geom_lowf": (half, 1.0),
        "geom_nohighf": (half, 2 * np.pi),
    }[encoding]
    return first * (last / first) ** (np.arange(dims) / max(dims - 1, 1))


def tabled_layer(
    weights: np.ndarray, constant: np.ndarray, axis: np.ndarray, encoding: str, side: int, dims: int
) -> TabledLayer:
    """The first layer of ``weights`` ``(h, e)`` on positions alone, on a lattice with ``axis`` ``(N,)``.

    A position is encoded as the sines and then the cosines of each axis, x first.
    """
    along = axis[:, None].astype(float)
    if encoding != "none":
        phase = along * frequencies(encoding, side, dims)
        along = np.concatenate([np.sin(phase), np.cos(phase)], axis=1)
    size = along.shape[1]
    tables = [along @ weights[:, k * size : (k + 1) * size].T.astype(float) for k in range(3)]
    tables[2] += constant
    return TabledLayer(*(table.astype(np.float32) for table in tables))


def phased_layer(
    weights: np.ndarray, constant: np.ndarray, axis: np.ndarray, directions: np.ndarray, side: int
) -> PhasedLayer:
    """The first layer of ``weights`` ``(h, 2 f)``, of sines and then cosines, in random ``directions`` ``(f, 3)``."""
    count = len(directions)
    scaled = directions.astype(float) * (side // 2)
    x, y, z = (np.exp(1j * axis[:, None].astype(float) * scaled[:, k]).astype(np.complex64) for k in range(3))
    waves = (weights[:, count:] - 1j * weights[:, :count]).T.astype(np.complex64)
    return PhasedLayer(x, y, z, waves, constant.astype(np.float32))

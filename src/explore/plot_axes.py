"""What a plot shows of latent space: one or two axes, and the exact latent point under any point of the plot."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..models.reach import Reach
from .plot_density import plot_limits
from .principal_components import Components


@dataclass(frozen=True, eq=False)
class View:
    """One or two axes of a plot of K-dimensional latents.

    Attributes
    ----------
    names : of the d axes: z1 … zK are latent axes, pc1 … pcK components.
    read : ``(d, K)`` and offset : ``(d,)``: a latent point is shown at ``read @ z - offset``.
    move : ``(d, K)`` latent steps, each of which moves a point by one along its axis and not along the other.
    """

    names: tuple[str, ...]
    read: np.ndarray
    offset: np.ndarray
    move: np.ndarray

    def project(self, z: np.ndarray) -> np.ndarray:
        """Where latent points ``(…, K)`` are shown: ``(…, d)``."""
        z = np.asarray(z)
        kind = np.float32 if z.dtype == np.float32 else float
        return z @ self.read.T.astype(kind) - self.offset.astype(kind)

    def lift(self, points: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Latent points ``(…, K)`` shown at ``points`` ``(…, d)``.

        What the plot does not show, the other latent axes or the other components, is that of ``z`` ``(K,)``.
        """
        z = np.asarray(z, float)
        return z + (np.asarray(points, float) - (self.read @ z - self.offset)) @ self.move


@dataclass(frozen=True, eq=False)
class AxisRange:
    """One axis, what of it nearly all particles lie in, and how far from them a point may be.

    Attributes
    ----------
    view : of the axis alone. low, high : see `plot_limits`. reach : of the particles' places ``(n, 1)`` on it.
    """

    view: View
    low: float
    high: float
    reach: Reach

    @classmethod
    def of(cls, name: str, components: Components, latents: np.ndarray) -> AxisRange:
        """Of the axis z1 … zK or pc1 … pcK and particles at ``(n, K)``."""
        view = make_view((name,), components)
        places = view.project(latents)
        ((low, high),) = plot_limits(places)
        return cls(view, float(low), float(high), Reach.of(places))


def axis_ranges(components: Components, latents: np.ndarray) -> tuple[AxisRange, ...]:
    """Of pc1 … pcK and z1 … zK: half a second for a million particles in eight dimensions."""
    dims = range(1, len(components.mean) + 1)
    names = [f"pc{k}" for k in dims] + [f"z{k}" for k in dims]
    return tuple(AxisRange.of(name, components, latents) for name in names)


def make_view(names: Sequence[str], components: Components) -> View:
    """The view of one or two axes, each z1 … zK or pc1 … pcK.

    ``InputError`` where a name is none of these, or where the two axes are the same direction.
    """
    if not 1 <= len(names) <= 2:
        raise InputError(f"A view has one or two axes, not {len(names)}; give such as pc1,pc2.")
    dims = len(components.mean)
    rows, moves, offsets, kinds = [], [], [], set()
    inverse = np.linalg.inv(components.steps).T
    for name in names:
        kind, k = axis_of(name, dims)
        latent = kind == "z"
        rows.append(np.eye(dims)[k] if latent else inverse[k])
        moves.append(np.eye(dims)[k] if latent else components.steps[k])
        offsets.append(0.0 if latent else float(inverse[k] @ components.mean))
        kinds.add(kind)
    read = np.stack(rows)
    if np.linalg.matrix_rank(read, tol=1e-6 * np.abs(read).max()) < len(names):
        raise InputError(f"The axes {' and '.join(names)} are the same direction; choose two that differ.")
    # a latent axis with a component: the shortest step that moves along one alone
    move = np.stack(moves) if len(kinds) == 1 else np.linalg.pinv(read).T
    return View(tuple(names), read, np.array(offsets), move)


def axis_of(name: str, dims: int) -> tuple[str, int]:
    """``("z" or "pc", number from 0)`` of an axis' name; ``InputError`` where it is none of K ``dims``."""
    match = re.fullmatch(r"(z|pc)([1-9]\d*)", name.strip().lower())
    if not match or int(match[2]) > dims:
        raise InputError(f"{name!r} is no axis of this model; it must be one of z1 to z{dims} or pc1 to pc{dims}.")
    return match[1], int(match[2]) - 1

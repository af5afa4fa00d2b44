"""The flow as arrows, from where the density is at a reference point of latent space to where it is now."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from chimerax.core.models import Model
from chimerax.core.session import Session
from chimerax.geometry import Places

from ...errors import InputError
from ..colour_key import ScaleKey
from ..palette import PLASMA, rounded_up, value_scale
from .tied_points import TiedPoints

MOST_NEEDLES = 1000


class ArrowsModel(Model):
    """Instanced arrows: one little shape drawn many times, so that thousands follow a drag.

    ``scale`` is how many times as long as the displacements they are, ``width`` that of their shafts, Å; displacements
    below ``threshold`` Å are not drawn.

    While they are ``light`` each is a needle with four sides, and of many `MOST_NEEDLES` are drawn, always the same.
    """

    SESSION_SAVE = False  # the FlexRec model that it belongs to makes it again

    def __init__(self, session: Session) -> None:
        """No arrows yet: `begin_at` says where they begin."""
        super().__init__("flow", session)
        self._tied: TiedPoints | None = None
        self._start = np.zeros((0, 3))
        self.scale, self.threshold, self.width = 1.0, 0.5, 1.0
        self.light = False
        self.key = ScaleKey(self)
        self._shafts, self._heads = self._shape("shafts", _shaft()), self._shape("heads", _head())
        self._needles = self._shape("needles", _needle())

    @property
    def count(self) -> int:
        """Arrows, drawn or too short to be."""
        return len(self._start)

    def begin_at(self, tied: TiedPoints, start: np.ndarray, longest: float) -> None:
        """Begin at ``tied`` points, ``(m, 3)`` Å in the reference state; `move` draws to where they are now.

        ``longest`` Å are drawn in the last colour, at every state, so that colours can be compared.
        """
        self.key.scale = value_scale("Motion, Å", PLASMA, rounded_up(max(longest, 1e-3)))
        self._tied, self._start = tied, start
        self._few = np.random.default_rng(0).permutation(len(start))[:MOST_NEEDLES]

    def _shape(self, name: str, geometry: tuple) -> object:
        shape = self.new_drawing(name)
        shape.set_geometry(*geometry)
        shape.pickable = shape.casts_shadows = False  # which thousands of arrows take long to throw
        return shape

    def move(self, vertices: np.ndarray) -> None:
        """Draw the flow to where the mesh's vertices are, ``(v, 3)`` Å."""
        if self._tied is None:
            return
        along = self._tied.moved(vertices) - self._start
        start = self._start
        if self.light:
            start, along = start[self._few], along[self._few]
        length = np.linalg.norm(along, axis=1)
        seen = length >= max(self.threshold, 1e-6)
        start, along, length = start[seen], along[seen], length[seen]
        colours = self.key.scale.colour(length)
        direction, drawn = along / length[:, None], self.scale * length
        axes = _axes(direction)
        for shape in (self._shafts, self._heads, self._needles):
            shape.display = len(start) > 0 and self.light == (shape is self._needles)
        if self.light:
            _draw(self._needles, _frames(axes, start, self.width, drawn), colours)
            return
        head = np.minimum(3 * self.width, 0.5 * drawn)
        shaft = drawn - head
        _draw(self._shafts, _frames(axes, start, self.width, shaft), colours)
        _draw(self._heads, _frames(axes, start + shaft[:, None] * direction, head / 3, head), colours)

    def delete(self) -> None:
        """Close it, and its key."""
        self.key.close()
        super().delete()


def _draw(shape, frames: np.ndarray, colours: np.ndarray) -> None:
    if len(frames):
        shape.positions = Places(place_array=frames)
        shape.colors = colours


def _axes(direction: np.ndarray) -> np.ndarray:
    """Rotations ``(m, 3, 3)`` that take z to each direction ``(m, 3)``."""
    other = np.eye(3)[np.abs(direction).argmin(axis=1)] if len(direction) else np.zeros((0, 3))
    x = np.cross(other, direction)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    return np.stack([x, np.cross(direction, x), direction], axis=2)


def _frames(axes: np.ndarray, origin: np.ndarray, width: np.ndarray | float, length: np.ndarray) -> np.ndarray:
    """Places ``(m, 3, 4)`` that scale a unit shape to ``width`` and ``length``, turn it and shift it."""
    frames = np.empty((len(axes), 3, 4))
    frames[:, :, :2] = axes[:, :, :2] * np.reshape(width, (-1, 1, 1))
    frames[:, :, 2] = axes[:, :, 2] * length[:, None]
    frames[:, :, 3] = origin
    return frames


def _shaft() -> tuple:
    """A cylinder of radius ½ from z = 0 to 1."""
    from chimerax.surface import cylinder_geometry

    vertices, normals, triangles = cylinder_geometry(radius=0.5, height=1, nz=2, nc=8, caps=True)
    return vertices + np.array((0, 0, 0.5), np.float32), normals, triangles


def _head() -> tuple:
    """A cone of radius 1.5 from z = 0 to its tip at 1."""
    from chimerax.surface import cone_geometry

    vertices, normals, triangles = cone_geometry(radius=1.5, height=1, nc=12, caps=True, points_up=True)
    return vertices + np.array((0, 0, 0.5), np.float32), normals, triangles


def _needle() -> tuple:
    """A pyramid about as wide as a shaft and a head together, from z = 0 to its tip at 1."""
    from chimerax.surface import cone_geometry

    vertices, normals, triangles = cone_geometry(radius=1, height=1, nc=4, caps=False, points_up=True)
    return vertices + np.array((0, 0, 0.5), np.float32), normals, triangles


def long_motion(tied: TiedPoints, start: np.ndarray, states: Iterable[np.ndarray]) -> float:
    """Å from ``start`` ``(m, 3)``, which 98 % of the points at ``states``, vertices ``(v, 3)`` each, do not exceed."""
    lengths = [np.linalg.norm(tied.moved(vertices) - start, axis=1) for vertices in states]
    return float(np.percentile(lengths, 98)) if np.size(lengths) else 0.0


def spread_points(volume: np.ndarray, pixel_size: float, level: float, count: int) -> np.ndarray:
    """At most ``count`` points ``(m, 3)`` Å, relative to voxel N//2, evenly spread where a map is above ``level``."""
    inside = np.count_nonzero(volume > level)
    if inside == 0:
        raise InputError("no density is above the contour level; lower it, then ask for arrows again.")
    step = max(1, int(np.ceil((inside / count) ** (1 / 3))))
    while True:
        voxels = np.argwhere(volume[::step, ::step, ::step] > level) * step
        if len(voxels) <= count:
            return ((voxels - len(volume) // 2)[:, ::-1] * pixel_size).astype(np.float32)
        step += 1



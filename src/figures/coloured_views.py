"""A map seen along its axes, coloured by a value of the mesh's vertices."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .molecule_views import View

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable


def maximum_projection(
    volume: np.ndarray, vertices: np.ndarray, of_vertices: np.ndarray, pixel_size: float, view: View
) -> tuple[np.ndarray, np.ndarray]:
    """Maximum projection (N, N) scaled to 0..1, and the values (N, N) where each maximum lies.

    ``of_vertices`` ``(v,)`` are the values at ``vertices`` ``(v, 3)`` Å xyz; ``volume`` is ``(N, N, N)`` [z, y, x].
    """
    from scipy.spatial import cKDTree

    *_, right, up, eye = view
    line = 2 - eye
    bright = volume.max(axis=line)  # [up, right]: the array's order zyx keeps up before right in all three views
    rows, columns = np.indices(bright.shape)
    place = np.empty((*bright.shape, 3))
    place[..., right], place[..., up], place[..., eye] = columns, rows, volume.argmax(axis=line)
    away, nearest = cKDTree(vertices).query((place - len(volume) // 2) * pixel_size, k=min(4, len(vertices)))
    share = 1 / (away.reshape(*bright.shape, -1) + 1e-3 * pixel_size)
    values = (share * np.asarray(of_vertices)[nearest].reshape(share.shape)).sum(axis=-1) / share.sum(axis=-1)
    return np.clip(bright / max(float(bright.max()), 1e-30), 0, 1), values


def draw_coloured(
    axis: Axes,
    scale: ScalarMappable,
    bright: np.ndarray,
    values: np.ndarray,
    view: View,
    limits: list[tuple[float, float]],
    pixel_size: float,
) -> None:
    """Colour by values ``(N, N)``, strength by density ``bright`` ``(N, N)`` 0..1, within ``limits`` in Å."""
    right_name, up_name, right, up, _ = view
    image = scale.to_rgba(values)
    image[..., 3] = np.sqrt(np.minimum(2 * bright, 1))  # weaker density is still seen
    half = (len(bright) // 2 + 0.5) * pixel_size
    far = (len(bright) - len(bright) // 2 - 0.5) * pixel_size
    axis.imshow(image, origin="lower", extent=(-half, far, -half, far), interpolation="nearest")
    axis.set(xlim=limits[right], ylim=limits[up])
    axis.set(xlabel=f"{right_name} (Å)", ylabel=f"{up_name} (Å)")

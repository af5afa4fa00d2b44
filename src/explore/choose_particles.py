"""Which particles are meant: those in a lasso, a box or a cluster, near a point, or that fulfil a condition."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from ..errors import InputError
from .condition import rows_where
from .lasso import in_lasso
from .nearest import Nearest
from .particle_columns import column
from .plot_axes import make_view
from .trained_model import Trained


def chosen_by_lasso(trained: Trained, axes: Sequence[str], outline: np.ndarray) -> np.ndarray:
    """``(n,)`` bool: particles inside the outline ``(m, 2)`` in the plot of two axes or columns."""
    if len(axes) != 2:
        raise InputError("A lasso is drawn in a plot of two axes; name two, such as pc1,pc2.")
    return in_lasso(plot_points(trained, axes), outline)


def plot_points(trained: Trained, axes: Sequence[str]) -> np.ndarray:
    """Where the particles are ``(n, d)`` in a plot of columns of numbers: axes, components, UMAP, defocus …"""
    if all(re.fullmatch(r"(z|pc)\d+", name.strip()) for name in axes):
        return make_view(axes, trained.components).project(trained.latents)
    columns = [column(trained, name.strip()) for name in axes]
    for coordinate in columns:
        if coordinate.values.dtype.kind == "O":
            raise InputError(f"{coordinate.name} holds words, which are no axis of a plot; choose a column of numbers.")
    return np.stack([coordinate.values for coordinate in columns], axis=1)


def chosen_by_box(trained: Trained, limits: dict[str, tuple[float, float]]) -> np.ndarray:
    """``(n,)`` bool: particles whose columns lie from lowest to highest, both included."""
    mask = np.ones(len(trained.latents), bool)
    for name, (low, high) in limits.items():
        values = column(trained, name).values
        if values.dtype.kind == "O":
            raise InputError(f"{name} holds words, of which none is between two others; use a condition.")
        mask &= (values >= low) & (values <= high)
    return mask


def chosen_by_cluster(trained: Trained, labels: Sequence[int]) -> np.ndarray:
    """``(n,)`` bool: particles of these clusters, counted from 1."""
    label = column(trained, "cluster").values
    missing = [number for number in labels if not (label == number).any()]
    if missing:
        raise InputError(f"There is no cluster {missing[0]}; they are counted from 1 to {np.nanmax(label):.0f}.")
    return np.isin(label, list(labels))


def chosen_where(trained: Trained, condition: str) -> np.ndarray:
    """``(n,)`` bool: particles whose columns fulfil a condition: see `condition.rows_where`."""
    return rows_where(condition, lambda name: column(trained, name).values)


def chosen_near(
    trained: Trained, z: np.ndarray, count: int | None = None, radius: float | None = None, in_angstroms: bool = False
) -> np.ndarray:
    """``(n,)`` bool: the ``count`` particles nearest to a latent point ``(K,)``, or all within ``radius`` of it.

    Distances are latent units, or ångströms of motion.
    """
    if (count is None) == (radius is None):
        raise InputError("Particles near a point: give either how many, or a radius.")
    if min(size for size in (count, radius) if size is not None) <= 0:
        raise InputError("How many particles near a point, or their radius, must be more than zero.")
    search, point = trained.search, np.asarray(z, np.float32)
    if in_angstroms:
        search = Nearest(trained.angstroms.coordinates(trained.latents))
        point = trained.angstroms.coordinates(point[None])[0]
    mask = np.zeros(len(trained.latents), bool)
    if count is not None:
        mask[search.nearest_of(point, count)[0]] = True
    elif radius is not None:
        mask[search.within(point, radius)] = True
    return mask

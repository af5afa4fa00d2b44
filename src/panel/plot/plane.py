"""The plane that a plot shows: where the particles are in it, and which latent point lies under any point of it."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from ...errors import InputError
from ...explore.choose_particles import plot_points
from ...explore.compared_file import load_comparison
from ...explore.embedding import Embedding, load_embedding
from ...explore.nearest import Nearest
from ...explore.plot_axes import View, make_view
from ...explore.trained_model import Trained


@dataclass(frozen=True, eq=False)
class Plane:
    """One or two axes, and the particles in them.

    Attributes
    ----------
    trained : whose particles. names : of the d axes, such as pc1, pc2, umap1.
    points : ``(n, d)`` float32; not finite for particles that have no place. shown : ``(n,)`` bool, those that have.
    view : the exact way back to latent points; None where there is none (UMAP), and points snap to particles.
    """

    trained: Trained
    names: tuple[str, ...]
    points: np.ndarray
    shown: np.ndarray
    view: View | None
    search: Nearest

    @classmethod
    def of(cls, trained: Trained, names: tuple[str, ...]) -> Plane:
        """The plane of one axis or two; ``InputError`` where they are none, or the same."""
        exact = all(re.fullmatch(r"(z|pc)\d+", name) for name in names)
        view = make_view(names, trained.components) if exact else None
        if not exact and len(set(names)) < len(names):
            raise InputError(f"The axes {' and '.join(names)} are the same direction; choose two that differ.")
        points = np.asarray(view.project(trained.latents) if view else plot_points(trained, names), np.float32)
        shown = np.isfinite(points).all(axis=1) & trained.finite
        # far away from all others, for those that have no place
        search = Nearest(points if shown.all() else np.where(shown[:, None], points, np.float32(1e18)))
        return cls(trained, tuple(names), points, shown, view, search)

    @property
    def dims(self) -> int:
        """How many axes there are."""
        return len(self.names)

    @property
    def missing(self) -> int:
        """How many particles have no place in the plot."""
        return int(np.count_nonzero(~self.shown))

    def place(self, z: np.ndarray) -> np.ndarray:
        """Where latent points ``(…, K)`` are shown: ``(…, d)``; without a way back, where the nearest particle is."""
        if self.view is not None:
            return self.view.project(np.asarray(z, float))
        flat = np.asarray(z, np.float32).reshape(-1, np.shape(z)[-1])
        rows = [self.trained.search.nearest(point)[0] for point in flat]
        return self.points[rows].reshape(*np.shape(z)[:-1], self.dims)

    def latent(self, point: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, int | None]:
        """The latent point ``(K,)`` at ``point`` ``(d,)`` of the plot, and the row of the particle where it snaps.

        What the plot does not show stays as at ``z`` ``(K,)``. Far from all particles it is the last point in reach.
        """
        if self.view is not None:
            return self.trained.reach.nearest(self.view.lift(point, z)), None
        row, _ = self.search.nearest(np.asarray(point, np.float32))
        return self.trained.latents[row].astype(float), row


def axis_names(trained: Trained) -> list[str]:
    """The axes that a plot can have: components, latent axes, UMAP where it was computed, and where a model that this
    one was compared with places the same particles.
    """
    dims = range(1, trained.model.latent_dims + 1)
    names = [f"pc{k}" for k in dims] + [f"z{k}" for k in dims]
    names += list(Embedding.names) if load_embedding(trained) is not None else []
    compared = load_comparison(trained)
    return names + ([] if compared is None else list(compared.names))


def axis_label(name: str, trained: Trained) -> str:
    """``pc1  (3.2 Å)``: what a unit of the axis is in ångströms of motion."""
    match = re.fullmatch(r"pc(\d+)", name)
    components = trained.components
    if match and components.unit:
        return f"{name}  ({components.size[int(match[1]) - 1]:.2g} {components.unit})"
    return name

"""Whether two models' maps of the same particles agree: in all, and in what changes from particle to particle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..engine.maps.fsc import fourier_shell_correlation, last_shell
from ..mesh.map_files import radius_grid
from ..models import Model
from ..models.latent_points import checked_latents
from ..particles.resample import resample_map

_LARGEST = 64  # voxels on a side of the maps that are compared: each model may take long for one
_HALF = 0.5  # of the FSC, of two maps neither of which is the truth
_INSIDE = 0.95  # of the box's half, within which maps are compared


@dataclass(frozen=True, eq=False)
class MapAgreement:
    """Of the maps of the same ``count`` particles.

    Attributes
    ----------
    cc : correlation of the two maps of a particle, on average. change : correlation of what the maps of a particle are
        above the mean of all of them: 1 where both models change alike from particle to particle, 0 where the changes
        have nothing in common. frequency, fsc : ``(s,)`` 1/Å, and the mean Fourier shell correlation of the two maps.
    resolution : Å up to which that is above 0.5; None where it never is. pixel_size : Å, of the maps compared.
    """

    count: int
    cc: float
    change: float
    frequency: np.ndarray
    fsc: np.ndarray
    resolution: float | None
    pixel_size: float


def map_agreement(
    first: Model, second: Model, latents: tuple[np.ndarray, np.ndarray], decoded: Callable[[], None] = lambda: None
) -> MapAgreement:
    """Decode both models at the latents ``(m, K)`` and ``(m, L)`` of the same particles, and compare the maps.

    On the grid of the coarser one, of 64 voxels on a side at most, about the centres of the boxes; inside a ball.
    ``decoded`` is called after each of the 2 m maps.
    """
    models = [_at_most_largest(model) for model in (first, second)]
    pixel_size = max(model.pixel_size for model in models)
    box = min(int(model.box * model.pixel_size / pixel_size + 0.01) // 2 * 2 for model in models)
    maps = [np.empty((len(points), box, box, box), np.float32) for points in latents]
    for model, points, volumes in zip(models, latents, maps):
        for row, z in enumerate(points):
            volumes[row] = _on_grid(model, z, box, pixel_size)
            decoded()
    inside = radius_grid(box) < _INSIDE * box / 2
    curves = np.array([fourier_shell_correlation(a * inside, b * inside) for a, b in zip(*maps)])
    flat = [volumes[:, inside].astype(float) for volumes in maps]
    changes = [volumes - volumes.mean(axis=0) for volumes in flat]
    curve, frequency = curves.mean(axis=0), np.arange(box // 2 + 1) / (box * pixel_size)
    last = last_shell(curve, _HALF)
    return MapAgreement(
        len(latents[0]), float(np.mean([_correlation(a, b) for a, b in zip(*flat)])), _correlation(*changes),
        frequency, curve, float(1 / frequency[last]) if last > 0 else None, pixel_size,
    )  # fmt: skip


def _at_most_largest(model: Model) -> Model:
    return model if model.box <= _LARGEST else model.coarser(_LARGEST)


def _on_grid(model: Model, z: np.ndarray, box: int, pixel_size: float) -> np.ndarray:
    volume = model.decode(checked_latents(z, model.latent_dims))
    same = model.box == box and abs(model.pixel_size / pixel_size - 1) < 1e-4
    return volume if same else resample_map(volume, model.pixel_size, box, pixel_size)


def _correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Pearson's, over all numbers of both, each map about its own mean."""
    first, second = (values - values.mean(axis=-1, keepdims=True) for values in (first, second))
    size = np.sqrt((first**2).sum() * (second**2).sum())
    return float((first * second).sum() / size) if size > 0 else 0.0

"""The landscape of states: how rare each is, as an energy, with its minima and who lives in them.

F = −ln p in units of kT, p being the particles per ångström of motion along the plot's axes, and not per latent unit:
p(z) / sqrt(det g(z)). A network may stretch its latents at will, and densities in latent units change with it; those in
ångströms do not. It is an energy only as far as the particles on the grid are the ensemble in solution, and blurred
by the uncertainty of the latents.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import InputError
from .centre import median_point
from .plot_axes import View
from .plot_density import DensityImage, density_image
from .results import save_result
from .trained_model import Trained

BINS, BLUR = 64, 1.5
_FEW = 0.5  # blurred particles in a bin below which its energy is unknown
_SHALLOW = 0.5  # kT: a minimum that is less deep than this below the way out of it is none


@dataclass(frozen=True, eq=False)
class Minimum:
    """A state. z : ``(K,)``, the particle nearest to it. row : of that particle. energy : kT above the lowest.

    share : of all particles in its basin; particles in bins too sparse for an energy are in none.
    """

    z: np.ndarray
    row: int
    energy: float
    share: float


@dataclass(frozen=True, eq=False)
class Landscape:
    """Energies in a plot.

    Attributes
    ----------
    view : the plot's axes. energy : ``(by, bx)`` float ``[y, x]``, kT, the lowest 0; NaN where there are too few
        particles. basin : ``(by, bx)`` int, which minimum a bin drains to, from 1; 0 where the energy is NaN.
    x, y : edges of the bins (`density.DensityImage`). minima : the lowest first, of equal ones the most populated.
    """

    view: View
    energy: np.ndarray
    basin: np.ndarray
    x: np.ndarray
    y: np.ndarray
    minima: tuple[Minimum, ...]


def energy_landscape(
    trained: Trained, view: View, bins: int = BINS, blur: float = BLUR, in_angstroms: bool = True
) -> Landscape:
    """The landscape of a training's particles in a plot of one or two axes.

    Parameters
    ----------
    bins : along each axis. blur : standard deviation, bins, of the smoothing of the counts.
    in_angstroms : densities per ångström, by the metric at the plot's points with all other coordinates at their
        median: exact where the plot shows all latent dimensions. Else, and where nothing moves, per unit of the plot.
    """
    if not 4 <= bins <= 1000 or not 0 <= blur <= bins:
        raise InputError(f"A landscape has 4 to 1000 bins, and no more blur than bins; not {bins} and {blur:g}.")
    rows = np.flatnonzero(trained.finite)
    points = view.project(trained.latents[rows])
    picture = density_image(points, bins, blur=blur)
    density = picture.counts.astype(float)
    known = density >= _FEW
    if not known.any():
        raise InputError("There are too few particles in each bin for a landscape; ask for fewer bins or more blur.")
    if in_angstroms and trained.motion is not None:
        density[known] /= _volume(trained, view, _centres(picture, view)[known])
    energy = np.full(density.shape, np.nan)
    energy[known] = np.log(density[known].max() / density[known])
    basin, bottoms = _basins(energy)
    share = np.bincount(basin.ravel(), picture.counts.ravel(), len(bottoms) + 1)[1:] / picture.counts.sum()
    depth = energy.ravel()[bottoms]
    order = np.lexsort((-share, depth))
    rank = np.zeros(len(bottoms) + 1, int)
    rank[order + 1] = np.arange(1, len(bottoms) + 1)
    centres = _centres(picture, view).reshape(-1, len(view.names))
    minima = []
    for i in order:
        row = int(rows[((points - centres[bottoms[i]]) ** 2).sum(axis=1).argmin()])
        minima.append(Minimum(trained.latents[row], row, float(depth[i]), float(share[i])))
    return Landscape(view, energy, rank[basin], picture.x, picture.y, tuple(minima))


def save_landscape(trained: Trained, landscape: Landscape) -> Path:
    """Write ``explore/landscape.npz`` in the train job's folder; returns its path."""
    minima = landscape.minima
    return save_result(
        trained, "landscape", energy=landscape.energy, basin=landscape.basin, x=landscape.x, y=landscape.y,
        axes=np.array(landscape.view.names), z=np.array([minimum.z for minimum in minima]),
        row=np.array([minimum.row for minimum in minima]),
        minimum_energy=np.array([minimum.energy for minimum in minima]),
        share=np.array([minimum.share for minimum in minima]),
    )  # fmt: skip


def _centres(picture: DensityImage, view: View) -> np.ndarray:
    """``(by, bx, d)`` centres of the bins, in the plot."""
    x, y = (picture.x[1:] + picture.x[:-1]) / 2, (picture.y[1:] + picture.y[:-1]) / 2
    return np.stack(np.meshgrid(x, y), axis=-1)[..., : len(view.names)]


def _volume(trained: Trained, view: View, places: np.ndarray) -> np.ndarray:
    """Ångströms (or Å²) of motion ``(m,)`` per unit of the plot at its points ``(m, d)``."""
    z = view.lift(places, median_point(trained.latents))
    metric = view.move @ trained.angstroms.tensor(z) @ view.move.T
    # where nothing moves at all there is no volume; a ten-thousandth of an ångström stands for it
    return np.sqrt(np.maximum(np.linalg.det(metric), 1e-8))


def _basins(energy: np.ndarray) -> tuple[np.ndarray, list[int]]:
    """``(basin (by, bx), bottoms)``: flood from the lowest bin up.

    Basins that meet less than half a kT above the bottom of the higher one are one.
    """
    flat, width = energy.ravel(), energy.shape[1]
    basin, parent, bottoms = np.zeros(flat.size, int), [0], []
    for place in np.argsort(flat, kind="stable")[: np.count_nonzero(np.isfinite(flat))]:
        around = {_root(parent, basin[other]) for other in _neighbours(place, width, flat.size)} - {0}
        if not around:
            bottoms.append(int(place))
            parent.append(len(parent))
            basin[place] = len(parent) - 1
            continue
        lowest = min(around)  # basins are numbered as they are found, from the lowest up
        for other in around - {lowest}:
            if flat[place] - flat[bottoms[other - 1]] < _SHALLOW:
                parent[other] = lowest
        basin[place] = lowest if len(around) == 1 else _steepest(flat, basin, parent, place, width)
    roots = np.array([_root(parent, number) for number in range(len(parent))])
    basins = np.unique(roots[1:]) if len(parent) > 1 else np.array([], int)
    number = np.zeros(len(parent), int)
    number[basins] = np.arange(1, len(basins) + 1)
    return number[roots[basin]].reshape(energy.shape), [bottoms[root - 1] for root in basins]


def _steepest(flat: np.ndarray, basin: np.ndarray, parent: list[int], place: int, width: int) -> int:
    """The basin of the lowest flooded neighbour."""
    flooded = [other for other in _neighbours(place, width, flat.size) if basin[other]]
    return _root(parent, basin[min(flooded, key=flat.__getitem__)])


def _neighbours(place: int, width: int, size: int) -> list[int]:
    """The up to eight bins around one."""
    row, column = divmod(int(place), width)
    rows = range(max(row - 1, 0), min(row + 2, size // width))
    columns = range(max(column - 1, 0), min(column + 2, width))
    return [r * width + c for r in rows for c in columns if (r, c) != (row, column)]


def _root(parent: list[int], number: int) -> int:
    while parent[number] != number:
        number = parent[number]
    return int(number)

"""The asymmetric unit of a symmetric map: one connected subunit, cut from its neighbours where the density is weakest.

Places are told by how far it is through density from a point of the molecule, faint density counting as a long way, and
from the points where the operators take it: the unit is what is nearer to the first. Which point is tried: of some, the
one whose borders go through the least density. A wedge between planes would cut subunits that reach over each other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..particles.resample import resample_box
from ..particles.symmetry import first_direction
from .map_files import interpolate, low_pass
from .mask import find_molecule, mask_resolution

LARGEST_BOX = 72  # that units are told in
LOWPASS = 12.0  # Å, at least
CANDIDATES = 64
FAINT = 0.03  # of the strong density: fainter is no longer a way
EDGE = 8.0  # Å over which the mask rises from a border to 1
LEAST_ALIKE = 0.8  # correlation of a map with itself turned: less is no such symmetry


@dataclass(frozen=True)
class _Molecule:
    """Voxels of a molecule. place : (n, 3) voxels xyz from the centre. density : (n,) relative to the strong.

    links : sparse (n, n) lengths of the way between neighbours, voxels over density. turned : (s, n) which voxel is
    where operator g, undone, takes each; pairs : (2, m) neighbours
    """

    place: np.ndarray
    density: np.ndarray
    links: object
    turned: np.ndarray
    pairs: np.ndarray


def symmetry_correlation(density: np.ndarray, group: np.ndarray, pixel_size: float) -> float:
    """The least correlation of a map ``(N, N, N)`` low-passed with itself turned by operators ``(s, 3, 3)``."""
    smooth = low_pass(density, pixel_size, mask_resolution(pixel_size, LOWPASS))
    inside = _ball(len(smooth))
    return min(float(np.corrcoef(smooth[inside], _turned(smooth, operator)[inside])[0, 1]) for operator in group)


def asymmetric_unit(density: np.ndarray, pixel_size: float, group: np.ndarray) -> np.ndarray:
    """Soft mask ``(N, N, N)`` float32 of one subunit of a map that is symmetric by operators ``(s, 3, 3)``.

    Space beyond the molecule belongs to the subunit that is nearest. It is the subunit that lies in the group's
    `first_direction`.
    """
    box = len(density)
    small = min(box, LARGEST_BOX) // 2 * 2
    coarse, size = (resample_box(density, small), pixel_size * box / small) if small < box else (density, pixel_size)
    coarse = np.mean([_turned(coarse, operator) for operator in group], axis=0)
    molecule = _molecule(coarse, size, group)
    margin = _margin(molecule, group) * size
    everywhere = np.full(coarse.shape, -EDGE, np.float32)
    index = np.rint(molecule.place + small // 2).astype(int)
    everywhere[tuple(index[:, ::-1].T)] = margin
    everywhere = _spread(everywhere, index)
    if small < box:
        everywhere = interpolate(everywhere, size, box, pixel_size)
    return np.clip(everywhere / EDGE, 0, 1).astype(np.float32)


def _ball(box: int) -> np.ndarray:
    along = np.arange(box) - box // 2
    return along[:, None, None] ** 2 + along[:, None] ** 2 + along**2 < (box // 2 - 1) ** 2


def _turned(density: np.ndarray, operator: np.ndarray) -> np.ndarray:
    """The map ``[z, y, x]`` turned about its centre by an operator ``(3, 3)``."""
    from scipy.ndimage import affine_transform

    matrix = operator.T[::-1, ::-1]  # of z, y, x
    centre = np.full(3, len(density) // 2)
    return affine_transform(density, matrix, centre - matrix @ centre, order=1, mode="constant")


def _molecule(density: np.ndarray, pixel_size: float, group: np.ndarray) -> _Molecule:
    from scipy.sparse import coo_matrix
    from scipy.spatial import cKDTree

    mask = find_molecule(density, pixel_size, LOWPASS, None)
    smooth = low_pass(density, pixel_size, max(LOWPASS, 2 * pixel_size))[mask]
    level = np.clip(smooth / np.percentile(smooth, 90), FAINT, 1)
    number = np.full(np.array(mask.shape) + 1, -1)
    number[:-1, :-1, :-1][mask] = np.arange(len(level))
    zyx = np.argwhere(mask)
    along: list[np.ndarray] = []
    for axis in range(3):
        beside = number[tuple((zyx + np.eye(3, dtype=int)[axis]).T)]
        along.append(np.stack([np.flatnonzero(beside >= 0), beside[beside >= 0]]))
    pairs = np.concatenate(along, axis=1)
    way = 1 / np.minimum(level[pairs[0]], level[pairs[1]])
    links = coo_matrix((way, tuple(pairs)), shape=(len(level),) * 2).tocsr()
    place = (zyx[:, ::-1] - len(density) // 2).astype(float)
    tree = cKDTree(place)
    turned = np.stack([tree.query(place @ operator)[1] for operator in group])  # x undone is Sᵀ x, in rows x S
    return _Molecule(place, level, links, turned, pairs)


def _margin(molecule: _Molecule, group: np.ndarray) -> np.ndarray:
    """How much nearer each voxel ``(n,)`` is to the first subunit than to any other, in voxels of dense molecule.

    Negative in the others; infinite is written as a large number.
    """
    best, least = None, np.inf
    rng = np.random.default_rng(0)
    dense = np.flatnonzero(molecule.density > 0.5)
    for seed in rng.choice(dense, min(CANDIDATES, len(dense)), replace=False):
        ways = _ways(molecule, int(seed))
        owner = ways.argmin(axis=0)
        cost = _cut(molecule, owner)
        if np.bincount(owner, minlength=len(group)).min() > 0.5 * len(owner) / len(group) and cost < least:
            best, least = ways, cost
    if best is None:
        best = np.stack([np.linalg.norm(molecule.place - operator @ first_direction(group) * 1e3, axis=1)
                         for operator in group])  # fmt: skip
    owner = best.argmin(axis=0)
    middle = np.stack([np.average(molecule.place[owner == g], axis=0, weights=molecule.density[owner == g])
                       for g in range(len(group))])  # fmt: skip
    first = int(np.argmax(middle @ first_direction(group)))
    others = np.delete(best, first, axis=0).min(axis=0)
    return np.nan_to_num(np.minimum(others, 1e6) - np.minimum(best[first], 1e6))


def _ways(molecule: _Molecule, seed: int) -> np.ndarray:
    """How far ``(s, n)`` each voxel is, through density, from a voxel and from where the operators take it."""
    from scipy.sparse.csgraph import dijkstra

    way = dijkstra(molecule.links, directed=False, indices=seed)
    if not np.isfinite(way).all():  # pieces that do not touch: those far from the seed's own are told by distance
        apart = np.linalg.norm(molecule.place - molecule.place[seed], axis=1)
        way = np.where(np.isfinite(way), way, way[np.isfinite(way)].max() + apart / FAINT)
    return way[molecule.turned]


def _cut(molecule: _Molecule, owner: np.ndarray) -> float:
    """Density of the neighbours that different subunits own."""
    first, second = molecule.pairs
    apart = owner[first] != owner[second]
    return float(np.minimum(molecule.density[first[apart]], molecule.density[second[apart]]).sum())


def _spread(values: np.ndarray, index: np.ndarray) -> np.ndarray:
    """``values`` ``(N, N, N)`` at the voxels ``index`` ``(n, 3)`` xyz, and everywhere else that of the nearest."""
    from scipy.ndimage import distance_transform_edt

    empty = np.ones(values.shape, bool)
    empty[tuple(index[:, ::-1].T)] = False
    nearest = distance_transform_edt(empty, return_distances=False, return_indices=True)
    return values[tuple(nearest)]

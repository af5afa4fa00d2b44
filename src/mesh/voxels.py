"""Which cell carries each voxel of a mask, in a box of any size."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from .locate import TOLERANCE, locate
from .shape import barycentric_matrices
from .tetmesh import TetMesh

_AT_ONCE = 30_000  # voxels that are looked at together


def voxel_points(mask: np.ndarray, pixel_size: float) -> np.ndarray:
    """(m, 3) float64 Å xyz of the voxels in a mask [z, y, x], in C order, relative to the centre of voxel N//2."""
    centre = np.array([side // 2 for side in mask.shape])
    return (np.argwhere(mask) - centre)[:, ::-1] * float(pixel_size)


def mask_on_grid(mesh: TetMesh, box: int, pixel_size: float) -> np.ndarray:
    """The mesh's mask on another grid about the same origin, (box, box, box) bool [z, y, x]: nearest voxel's answer."""
    place = (np.arange(box) - box // 2) * (pixel_size / mesh.pixel_size) + mesh.box // 2
    # rounding first keeps halves of a voxel from falling to either side by the last bit
    index = np.rint(np.round(place, 6)).astype(int)
    inside = (index >= 0) & (index < mesh.box)
    index = np.clip(index, 0, mesh.box - 1)
    return mesh.mask[np.ix_(index, index, index)] & inside[:, None, None] & inside[:, None] & inside


def voxel_cells(mesh: TetMesh, mask: np.ndarray, pixel_size: float) -> np.ndarray:
    """(N, N, N) int32 [z, y, x]: cell that carries each voxel of ``mask``, -1 outside it.

    Parameters
    ----------
    mask : (N, N, N) bool or 0..1 (anything above 0 counts), any box
    pixel_size : Å per voxel of that box

    Where cells of unjoined parts overlap, a voxel goes to the part that carries the nearest voxel of the mesh's own
    box. A voxel outside all cells goes to the cell that extrapolates least (see ``locate``).
    """
    mask = np.asarray(mask) > 0
    wanted = nearest_part(mesh, voxel_points(mask, pixel_size)) if mesh.parts > 1 else np.zeros(mask.sum(), np.int32)
    part = np.full(mask.shape, -1, np.int32)
    part[mask] = wanted
    cell = _rasterise(mesh, part, pixel_size)
    missed = mask & (cell < 0)
    if missed.any():
        cell[missed] = locate(mesh, voxel_points(missed, pixel_size), part[missed])[0]
    return cell


def nearest_part(mesh: TetMesh, points: np.ndarray) -> np.ndarray:
    """(m,) int32 part that carries the voxel of the mesh's own mask nearest to each point (m, 3) Å xyz."""
    from scipy.ndimage import distance_transform_edt

    z, y, x = distance_transform_edt(~mesh.mask, return_distances=False, return_indices=True)
    near = np.rint(np.asarray(points, np.float64) / mesh.pixel_size).astype(np.int64) + mesh.box // 2
    near = np.clip(near, 0, mesh.box - 1)
    at = (near[:, 2], near[:, 1], near[:, 0])
    return mesh.part[mesh.voxel_cell[z[at], y[at], x[at]]]


def _rasterise(mesh: TetMesh, part: np.ndarray, pixel_size: float) -> np.ndarray:
    """Cell of every voxel with ``part`` >= 0 that lies in some cell, of its own part where there is one; else -1."""
    centre = np.array([side // 2 for side in part.shape[::-1]])
    corner = mesh.vertices[mesh.cells].astype(np.float64) / pixel_size + centre
    low = np.maximum(np.ceil(corner.min(axis=1) - 1e-4).astype(np.int64), 0)
    high = np.minimum(np.floor(corner.max(axis=1) + 1e-4).astype(np.int64) + 1, part.shape[::-1])
    matrix = _matrices_in_voxels(mesh, pixel_size, centre)
    voxel_cell = np.full(part.shape, -1, np.int32)
    exact = np.zeros(part.shape, bool)  # found in a cell of the voxel's own part
    fill = _compiled_fill() or _fill
    fill(matrix, low, high, mesh.part, part, voxel_cell, exact)
    return voxel_cell


def _fill(
    matrix: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    cell_part: np.ndarray,
    part: np.ndarray,
    voxel_cell: np.ndarray,
    exact: np.ndarray,
) -> None:
    """Write into ``voxel_cell`` each cell's voxels, cell after cell; a cell of the voxel's own part comes first."""
    size = np.maximum(high - low, 0)
    count = size.prod(axis=1)
    pieces = np.searchsorted(np.cumsum(count), np.arange(0, count.sum(), _AT_ONCE)[1:])
    for cells in np.split(np.arange(len(matrix)), pieces):
        cell = np.repeat(cells, count[cells])
        place = np.arange(len(cell)) - np.repeat(np.cumsum(count[cells]) - count[cells], count[cells])
        x, place = low[cell, 0] + place % size[cell, 0], place // size[cell, 0]
        y, z = low[cell, 1] + place % size[cell, 1], low[cell, 2] + place // size[cell, 1]
        for k in range(4):
            a, b, c, d = matrix[cell, k].T
            inside = (c * z + d) + b * y + a * x >= -TOLERANCE
            cell, x, y, z = cell[inside], x[inside], y[inside], z[inside]
        voxel = np.ravel_multi_index((z, y, x), part.shape)
        wanted = part.flat[voxel] >= 0
        cell, voxel = cell[wanted], voxel[wanted]
        own = cell_part[cell] == part.flat[voxel]
        _put_first(voxel_cell, voxel, cell, voxel_cell.flat[voxel] < 0)
        _put_first(voxel_cell, voxel, cell, own & ~exact.flat[voxel])
        exact.flat[voxel[own]] = True


def _put_first(voxel_cell: np.ndarray, voxel: np.ndarray, cell: np.ndarray, chosen: np.ndarray) -> None:
    """Of several cells of a voxel, keep the first."""
    voxel_cell.flat[voxel[chosen][::-1]] = cell[chosen][::-1]


@lru_cache(maxsize=1)
def _compiled_fill() -> Callable[..., None] | None:
    """``_fill`` voxel by voxel, compiled; None where numba is missing or broken."""
    try:
        from .voxels_numba import fill
    except (ImportError, OSError):
        return None
    return fill


def _matrices_in_voxels(mesh: TetMesh, pixel_size: float, centre: np.ndarray) -> np.ndarray:
    """Barycentric matrices (c, 4, 4) that take voxel indices (x, y, z, 1) instead of Å."""
    to_angstrom = np.diag([pixel_size, pixel_size, pixel_size, 1.0])
    to_angstrom[:3, 3] = -centre * pixel_size
    return barycentric_matrices(mesh) @ to_angstrom

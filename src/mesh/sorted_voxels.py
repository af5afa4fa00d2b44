"""The voxels of a mask sorted by the cell that carries each, and the mass that each vertex of the mesh carries."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .shape import barycentric_matrices
from .tetmesh import TetMesh


@dataclass(frozen=True, eq=False)
class SortedVoxels:
    """Voxels inside a mask, cell by cell.

    Attributes
    ----------
    points : ``(n, 3)`` float32 Å xyz from the centre of voxel N//2. voxel : ``(n,)`` int64, flat index in the map.
    offsets : ``(c + 1,)`` int64, cell ``j`` holds points ``offsets[j]:offsets[j + 1]``.
    corners : ``(c, 4)`` vertices of the cells that hold voxels.
    barycentric : ``(c, 4, 4)`` float32; ``barycentric[j] @ [x, y, z, 1]`` are the four weights of a point of cell j.
    """

    points: np.ndarray
    voxel: np.ndarray
    offsets: np.ndarray
    corners: np.ndarray
    barycentric: np.ndarray

    def vertex_mass(self, density: np.ndarray, vertices: int) -> np.ndarray:
        """Positive ``density`` ``(n,)`` of the voxels that each of so many ``vertices`` carries: ``(v,)`` float64.

        Shared by barycentric weight; where a voxel lies a little outside its cell, a negative weight counts as zero.
        """
        cell = np.repeat(np.arange(len(self.corners)), np.diff(self.offsets))
        matrix = self.barycentric[cell]
        share = np.einsum("nij,nj->ni", matrix[:, :, :3], self.points) + matrix[:, :, 3]
        mass = np.maximum(density, 0)[:, None] * np.maximum(share, 0)
        return np.bincount(self.corners[cell].ravel(), mass.ravel(), vertices)


def sort_voxels(mesh: TetMesh, voxel_cell: np.ndarray, pixel_size: float) -> SortedVoxels:
    """The voxels that ``voxel_cell`` ``(N, N, N)`` ``[z, y, x]`` assigns to a cell of the mesh (-1: outside)."""
    cell = voxel_cell.reshape(-1)
    inside = np.flatnonzero(cell >= 0)
    voxel = inside[np.argsort(cell[inside], kind="stable")]
    zyx = np.stack(np.unravel_index(voxel, voxel_cell.shape), axis=1)
    occupied, counts = np.unique(cell[inside], return_counts=True)
    return SortedVoxels(
        points=((zyx[:, ::-1] - voxel_cell.shape[0] // 2) * pixel_size).astype(np.float32),
        voxel=voxel.astype(np.int64),
        offsets=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        corners=mesh.cells[occupied],
        barycentric=barycentric_matrices(mesh)[occupied].astype(np.float32),
    )

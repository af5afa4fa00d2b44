"""One map prepared to be moved: its voxels sorted by cell, so that a decode is a push and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...engine.projector.push import push
from ...mesh.shape import barycentric_matrices
from ...mesh.tetmesh import TetMesh
from ...mesh.voxels import voxel_cells
from ..interface import DecodeOptions


@dataclass(frozen=True, eq=False)
class MovedMap:
    """A map's voxels inside the mask.

    Attributes
    ----------
    density : ``(n,)`` float32 mass of each voxel. points : ``(n, 3)`` float32 Å xyz, sorted by cell.
    offsets : ``(c + 1,)`` int64, cell ``j`` holds points ``offsets[j]:offsets[j + 1]``.
    corners : ``(c, 4)`` vertices of the cells that hold voxels. barycentric : ``(c, 4, 4)`` float32.
    box : voxels on a side. pixel_size : Å.
    still : ``(box, box, box)`` what is added unmoved, or None.
    """

    density: np.ndarray
    points: np.ndarray
    offsets: np.ndarray
    corners: np.ndarray
    barycentric: np.ndarray
    box: int
    pixel_size: float
    still: np.ndarray | None

    def affines(self, vertices: np.ndarray) -> np.ndarray:
        """Affines ``(c, 3, 4)`` float32 from Å at rest to voxels when the vertices ``(v, 3)`` Å have moved."""
        placed = (vertices / self.pixel_size + self.box // 2).astype(np.float32)
        return placed[self.corners].transpose(0, 2, 1) @ self.barycentric

    def map(self, vertices: np.ndarray, how: DecodeOptions = DecodeOptions()) -> np.ndarray:  # noqa: B008
        """The map ``(N, N, N)`` float32 ``[z, y, x]`` for moved vertices ``(v, 3)`` Å."""
        moved = push(
            self.density, self.points, self.offsets, self.affines(vertices), self.box, how.backend, how.threads,
            how.oversampling,
        )  # fmt: skip
        return moved if self.still is None else moved + self.still


def moved_map(
    mesh: TetMesh, volume: np.ndarray, pixel_size: float, mask: np.ndarray, keep_outside: bool = False
) -> MovedMap:
    """Sort the voxels of ``volume`` ``(N, N, N)`` inside ``mask`` (bool) by the cell of ``mesh`` that carries each."""
    cell = voxel_cells(mesh, mask, pixel_size).reshape(-1)
    inside = np.flatnonzero(cell >= 0)
    voxel = inside[np.argsort(cell[inside], kind="stable")]
    zyx = np.stack(np.unravel_index(voxel, volume.shape), axis=1)
    occupied, counts = np.unique(cell[inside], return_counts=True)
    return MovedMap(
        density=volume.reshape(-1)[voxel].astype(np.float32),
        points=((zyx[:, ::-1] - volume.shape[0] // 2) * pixel_size).astype(np.float32),
        offsets=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        corners=mesh.cells[occupied],
        barycentric=barycentric_matrices(mesh)[occupied].astype(np.float32),
        box=volume.shape[0],
        pixel_size=float(pixel_size),
        still=np.where(mask, 0, volume).astype(np.float32) if keep_outside else None,
    )

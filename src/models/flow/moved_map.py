"""One map prepared to be moved: its voxels sorted by cell, so that a decode is a push and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...engine.projector.push import push
from ...mesh.sorted_voxels import SortedVoxels, sort_voxels
from ...mesh.tetmesh import TetMesh
from ...mesh.voxels import voxel_cells
from ..interface import DecodeOptions


@dataclass(frozen=True, eq=False)
class MovedMap:
    """A map's voxels inside the mask.

    density : ``(n,)`` float32 mass of each of the ``voxels``. box : voxels on a side. pixel_size : Å.
    still : ``(box, box, box)`` what is added unmoved, or None.
    """

    density: np.ndarray
    voxels: SortedVoxels
    box: int
    pixel_size: float
    still: np.ndarray | None

    def affines(self, vertices: np.ndarray) -> np.ndarray:
        """Affines ``(c, 3, 4)`` float32 from Å at rest to voxels when the vertices ``(v, 3)`` Å have moved."""
        placed = (vertices / self.pixel_size + self.box // 2).astype(np.float32)
        return placed[self.voxels.corners].transpose(0, 2, 1) @ self.voxels.barycentric

    def interpolated(self, values: np.ndarray) -> np.ndarray:
        """``values`` ``(v,)`` of the vertices at the voxels ``(n,)`` float32, as they are at rest."""
        own = np.einsum("ci,cij->cj", values[self.voxels.corners], self.voxels.barycentric)
        own = np.repeat(own, np.diff(self.voxels.offsets), axis=0)
        return ((own[:, :3] * self.voxels.points).sum(axis=1) + own[:, 3]).astype(np.float32)

    def map(
        self, vertices: np.ndarray, how: DecodeOptions = DecodeOptions(), share: np.ndarray | None = None  # noqa: B008
    ) -> np.ndarray:
        """The map ``(N, N, N)`` float32 ``[z, y, x]`` for moved vertices ``(v, 3)`` Å.

        ``share`` ``(v,)`` of the density about each vertex is there; all of it where None.
        """
        density = self.density if share is None else self.density * self.interpolated(share)
        moved = push(
            density, self.voxels.points, self.voxels.offsets, self.affines(vertices), self.box, how.backend,
            how.threads, how.oversampling,
        )  # fmt: skip
        return moved if self.still is None else moved + self.still


def moved_map(
    mesh: TetMesh, volume: np.ndarray, pixel_size: float, mask: np.ndarray, keep_outside: bool = False
) -> MovedMap:
    """Sort the voxels of ``volume`` ``(N, N, N)`` inside ``mask`` (bool) by the cell of ``mesh`` that carries each."""
    voxels = sort_voxels(mesh, voxel_cells(mesh, mask, pixel_size), pixel_size)
    return MovedMap(
        density=volume.reshape(-1)[voxels.voxel].astype(np.float32),
        voxels=voxels,
        box=volume.shape[0],
        pixel_size=float(pixel_size),
        still=np.where(mask, 0, volume).astype(np.float32) if keep_outside else None,
    )

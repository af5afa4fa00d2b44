"""Which vertices of a mesh may move: those about what a mask holds; all others stand still."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .shape import vertex_mean
from .tetmesh import TetMesh

STILL, LOOSE = 0.2, 0.8  # of the mask about a vertex: below it stands still, above it is as free as any


def let_move(mesh: TetMesh, mask: np.ndarray, pixel_size: float) -> TetMesh:
    """The mesh with ``free`` as a mask ``(M, M, M)`` 0..1 [z, y, x] of any box about the same centre says it.

    A cell counts as what the voxels that it carries have on average, a vertex as the cells about it.
    """
    from scipy.ndimage import map_coordinates

    def at(points: np.ndarray) -> np.ndarray:
        index = points[:, ::-1] / pixel_size + mask.shape[0] // 2
        return map_coordinates(mask.astype(np.float32), index.T, order=1, mode="nearest")

    carried = np.argwhere(mesh.mask)
    cell, count = mesh.voxel_cell[mesh.mask], len(mesh.cells)
    inside = at((carried[:, ::-1] - mesh.box // 2) * mesh.pixel_size)
    voxels = np.bincount(cell, minlength=count)
    mean = np.bincount(cell, inside, count) / np.maximum(voxels, 1)
    share = vertex_mean(mesh, np.where(voxels > 0, mean, at(mesh.centroids())))
    return replace(mesh, free=np.clip((share - STILL) / (LOOSE - STILL), 0, 1).astype(np.float32))

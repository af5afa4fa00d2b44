"""The mesh itself: vertices, tetrahedra, what part each belongs to, and which voxels each carries."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class TetMesh:
    """A tetrahedral mesh over the mask of one map.

    Parts are sub-meshes with vertices of their own; two joined parts share vertices where they touch, so that a
    motion of one carries the other along. Cells of parts that touch without being joined may overlap in space.

    Attributes
    ----------
    vertices : (v, 3) float32, Å, xyz relative to the centre of voxel (N//2, N//2, N//2)
    cells : (c, 4) int32, vertex indices, oriented so that every volume is positive
    weights : (c,) float32, relative rigidity (1 = as stiff as the densest cells)
    part : (c,) int32, part of each cell, 0..p-1
    joints : pairs (a, b) of parts: b is joined to a; they form a forest
    box : voxels along one side of the map the mesh was made for
    pixel_size : Å per voxel of that map
    voxel_cell : (N, N, N) int32 [z, y, x], cell that carries each voxel of the mask, -1 outside the mask
    centre : (3,) float64, Å xyz, where voxel (N//2, N//2, N//2) lies in the space of the consensus' file; None where it
        is not known
    free : (v,) float32 0..1, how far each vertex may move: 0 stands still; None: all are free
    labels : (p,) numbers of the parts in the segmentation that they come from; none where they come from no such
    """

    vertices: np.ndarray
    cells: np.ndarray
    weights: np.ndarray
    part: np.ndarray
    joints: tuple[tuple[int, int], ...]
    box: int
    pixel_size: float
    voxel_cell: np.ndarray
    centre: np.ndarray | None = None
    free: np.ndarray | None = None
    labels: tuple[int, ...] = ()

    @property
    def parts(self) -> int:
        """Number of parts."""
        return int(self.part.max()) + 1 if len(self.part) else 0

    @property
    def part_names(self) -> tuple[int, ...]:
        """What a person calls the parts ``(p,)``: their labels; 1, 2, … where they have none."""
        return self.labels or tuple(range(1, self.parts + 1))

    @property
    def mask(self) -> np.ndarray:
        """(N, N, N) bool [z, y, x], the voxels that some cell carries."""
        return self.voxel_cell >= 0

    def volumes(self) -> np.ndarray:
        """(c,) float64 signed volume of each cell, Å^3."""
        return signed_volumes(self.vertices, self.cells)

    def centroids(self) -> np.ndarray:
        """(c, 3) float64 centroid of each cell, Å."""
        return self.vertices[self.cells].astype(np.float64).mean(axis=1)


def signed_volumes(vertices: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """(c,) float64 signed volumes of tetrahedra ``cells`` (c, 4) over ``vertices`` (v, 3)."""
    corner = np.asarray(vertices, np.float64)[cells]
    return np.linalg.det(corner[:, 1:] - corner[:, :1]) / 6.0


def positively_oriented(vertices: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """``cells`` (c, 4) over ``vertices`` (v, 3), the last two swapped in every cell of negative volume."""
    cells = np.array(cells, copy=True)
    negative = signed_volumes(vertices, cells) < 0
    cells[negative] = cells[negative][:, [0, 1, 3, 2]]
    return cells

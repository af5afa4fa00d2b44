"""The tetrahedral mesh: build it in a mask, cut and fuse its parts, weigh its rigidity, locate points in it."""

from __future__ import annotations

from .build import build_mesh
from .locate import locate
from .shape import barycentric_matrices, edge_inverse, vertex_parts
from .storage import load_mesh, save_mesh
from .tetmesh import TetMesh
from .voxels import voxel_cells, voxel_points

__all__ = [
    "TetMesh",
    "barycentric_matrices",
    "build_mesh",
    "edge_inverse",
    "load_mesh",
    "locate",
    "save_mesh",
    "vertex_parts",
    "voxel_cells",
    "voxel_points",
]

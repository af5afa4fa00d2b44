"""How good a mesh is: numbers for a person and for quality.json."""

from __future__ import annotations

import numpy as np

from .locate import TOLERANCE, barycentric
from .shape import barycentric_matrices, edges, vertex_parts
from .tetmesh import TetMesh
from .voxels import voxel_points


def radius_ratio(mesh: TetMesh) -> np.ndarray:
    """(c,) shape of each cell: 3 x inradius / circumradius, 1 for a regular tetrahedron, 0 for a flat one."""
    corner = mesh.vertices[mesh.cells].astype(np.float64)
    a, b, c = (corner[:, k] - corner[:, 0] for k in (1, 2, 3))
    bc, ca, ab = np.cross(b, c), np.cross(c, a), np.cross(a, b)
    six_volumes = np.abs(np.einsum("ij,ij->i", a, bc))
    normal = (a**2).sum(1)[:, None] * bc + (b**2).sum(1)[:, None] * ca + (c**2).sum(1)[:, None] * ab
    circumradius = np.linalg.norm(normal, axis=1) / np.maximum(2 * six_volumes, 1e-30)
    faces = sum(np.linalg.norm(face, axis=1) for face in (bc, ca, ab, np.cross(b - a, c - a)))
    return 3 * (six_volumes / np.maximum(faces, 1e-30)) / np.maximum(circumradius, 1e-30)


def orphan_voxels(mesh: TetMesh) -> int:
    """Voxels of the mask that lie outside the cell that carries them."""
    mask = mesh.mask
    coordinates = barycentric(barycentric_matrices(mesh), mesh.voxel_cell[mask], voxel_points(mask, mesh.pixel_size))
    return int((coordinates.min(axis=1) < -10 * TOLERANCE).sum())


def connected_components(mesh: TetMesh) -> int:
    """Pieces of the mesh that share no vertex with one another."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components as components

    first, second = edges(mesh).T
    count = len(mesh.vertices)
    component = components(coo_matrix((np.ones(len(first)), (first, second)), shape=(count, count)), directed=False)[1]
    return len(np.unique(component[mesh.cells.ravel()]))


def shared_vertices(mesh: TetMesh, first: int, second: int) -> int:
    """Vertices that two parts share."""
    member = vertex_parts(mesh) > 0
    return int((member[:, first] & member[:, second]).sum())


def mesh_quality(mesh: TetMesh, labels: tuple[int, ...] | None = None) -> dict:
    """Plain numbers that describe a mesh; volumes in Å^3, lengths in Å.

    ``labels`` are the names that the parts had in the user's segmentation, for the report (default 0..p-1).
    """
    labels = tuple(range(mesh.parts)) if labels is None else labels
    volumes, shape = mesh.volumes(), radius_ratio(mesh)
    carried = np.bincount(mesh.voxel_cell[mesh.mask], minlength=len(mesh.cells))
    sides = mesh.vertices[edges(mesh)]
    return {
        "box": mesh.box,
        "pixel_size": mesh.pixel_size,
        "vertices": len(mesh.vertices),
        "cells": len(mesh.cells),
        "edge_length": _spread(np.linalg.norm(sides[:, 0] - sides[:, 1], axis=1)),
        "cell_volume": _spread(volumes),
        "mesh_volume": float(volumes.sum()),
        "mask_volume": float(mesh.mask.sum() * mesh.pixel_size**3),
        "radius_ratio": _spread(shape),
        "inverted_cells": int((volumes <= 0).sum()),
        "mask_voxels": int(mesh.mask.sum()),
        "orphan_voxels": orphan_voxels(mesh),
        "voxels_per_cell": float(carried.mean()),
        "empty_cells": int((carried == 0).sum()),
        "connected_components": connected_components(mesh),
        "weights": _spread(mesh.weights),
        "parts": [_part(mesh, number, label, volumes) for number, label in enumerate(labels)],
        "joints": [
            {"from": int(labels[a]), "to": int(labels[b]), "shared_vertices": shared_vertices(mesh, a, b)}
            for a, b in mesh.joints
        ],
    }


def _part(mesh: TetMesh, number: int, label: int, volumes: np.ndarray) -> dict:
    of_part = mesh.part == number
    return {
        "part": number,
        "label": int(label),
        "cells": int(of_part.sum()),
        "volume": float(volumes[of_part].sum()),
        "voxels": int((mesh.part[mesh.voxel_cell[mesh.mask]] == number).sum()),
        "mean_weight": float(mesh.weights[of_part].mean()) if of_part.any() else 0.0,
    }


def _spread(values: np.ndarray) -> dict[str, float]:
    return {"min": float(values.min()), "median": float(np.median(values)), "max": float(values.max())}

"""Linear geometry of the cells that the engine works with."""

from __future__ import annotations

import numpy as np

from .tetmesh import TetMesh


def barycentric_matrices(mesh: TetMesh) -> np.ndarray:
    """(c, 4, 4) float64 matrices B: the barycentric coordinates of a point are ``B @ [x, y, z, 1]`` (Å).

    A displacement d (4, k) at a cell's vertices is therefore the affine map ``d.T @ B`` of the points in that cell.
    """
    corner = mesh.vertices[mesh.cells].astype(np.float64)
    homogeneous = np.concatenate([corner, np.ones((*corner.shape[:2], 1))], axis=2)
    return np.linalg.inv(homogeneous.transpose(0, 2, 1))


def edge_inverse(mesh: TetMesh) -> np.ndarray:
    """(c, 3, 3) float64 inverse of Dm = [v1-v0, v2-v0, v3-v0] (columns), so that F = Ds @ edge_inverse."""
    corner = mesh.vertices[mesh.cells].astype(np.float64)
    return np.linalg.inv((corner[:, 1:] - corner[:, :1]).transpose(0, 2, 1))


def vertex_parts(mesh: TetMesh) -> np.ndarray:
    """(v, p) float64 membership of each vertex in each part; rows sum to 1.

    A vertex that joined parts share belongs to each of them equally.
    """
    member = np.zeros((len(mesh.vertices), mesh.parts))
    member[mesh.cells.ravel(), np.repeat(mesh.part, 4)] = 1.0
    return member / np.maximum(member.sum(axis=1, keepdims=True), 1.0)


def edges(mesh: TetMesh) -> np.ndarray:
    """(6c, 2) int32 vertex pairs of the six edges of every cell, repeated where cells share them."""
    pairs = ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3))
    return np.concatenate([mesh.cells[:, pair] for pair in pairs])


def unique_edges(mesh: TetMesh) -> np.ndarray:
    """(e, 2) int32 vertex pairs of all edges, each once, the lower vertex first."""
    return np.unique(np.sort(edges(mesh), axis=1), axis=0).astype(np.int32)


def outer_edges(mesh: TetMesh) -> np.ndarray:
    """(e, 2) int32 vertex pairs of the edges of faces that belong to one cell alone, each once."""
    faces = np.sort(np.concatenate([np.delete(mesh.cells, corner, axis=1) for corner in range(4)]), axis=1)
    face, count = np.unique(faces, axis=0, return_counts=True)
    outer = face[count == 1]
    return np.unique(np.concatenate([outer[:, :2], outer[:, 1:], outer[:, ::2]]), axis=0).astype(np.int32)


def vertex_mean(mesh: TetMesh, values: np.ndarray) -> np.ndarray:
    """(v,) mean over the cells about each vertex of values (c,)."""
    corners, count = mesh.cells.ravel(), len(mesh.vertices)
    total = np.bincount(corners, np.repeat(values, 4), count)
    return total / np.maximum(np.bincount(corners, minlength=count), 1)

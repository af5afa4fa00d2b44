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


def smooth_vertex_parts(mesh: TetMesh, rounds: int) -> np.ndarray:
    """(v, p) float64 membership that fades across joints: ``vertex_parts`` averaged ``rounds`` times over edges.

    Rows still sum to 1. Each round blends a vertex half and half with the mean of its neighbours.
    """
    from scipy.sparse import coo_matrix, diags

    first, second = np.unique(np.sort(edges(mesh), axis=1), axis=0).T
    count = len(mesh.vertices)
    graph = coo_matrix((np.ones(len(first)), (first, second)), shape=(count, count)).tocsr()
    graph = graph + graph.T
    mean = diags(1.0 / np.maximum(np.asarray(graph.sum(axis=1)).ravel(), 1.0)) @ graph
    member = vertex_parts(mesh)
    for _ in range(rounds):
        member = 0.5 * member + 0.5 * (mean @ member)
    return member / member.sum(axis=1, keepdims=True)


def edges(mesh: TetMesh) -> np.ndarray:
    """(6c, 2) int32 vertex pairs of the six edges of every cell, repeated where cells share them."""
    pairs = ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3))
    return np.concatenate([mesh.cells[:, pair] for pair in pairs])

"""Soft modes of the mesh: the displacements that the rigidity prior charges least.

A network that moves every vertex by itself learns a finer mesh more slowly, since one motion is then spread over more
outputs. In the basis of the mesh's elastic modes, each scaled by its softness, the same few numbers describe the same
motion on any mesh, and hinge bending comes first.
"""

from __future__ import annotations

import numpy as np

from ..mesh.shape import edge_inverse
from ..mesh.tetmesh import TetMesh

RIGID_MOTIONS = 6


def strain_operator(mesh: TetMesh):
    """Sparse ``(6 c, 3 v)`` matrix S: ‖S u‖² is the linearised rigidity energy Σ w ‖sym ∇u‖², weights summing to 1.

    ``u`` is the displacement ``(3 v,)``, xyz of vertex 0 first. For small u, ‖F − R‖ is the norm of the symmetric part of F − 1.
    """
    from scipy.sparse import coo_matrix

    inverse = edge_inverse(mesh)
    slope = np.concatenate([-inverse.sum(axis=1, keepdims=True), inverse], axis=1)  # (c, 4, 3): gradient of each weight
    scale = np.sqrt(rigidity_weights(mesh))
    rows, columns, values = [], [], []
    # rows of S: xx, yy, zz, and √2 times xy, yz, zx, so that squares add up to the Frobenius norm
    terms = [(0, ((0, 0),)), (1, ((1, 1),)), (2, ((2, 2),)), (3, ((0, 1), (1, 0))), (4, ((1, 2), (2, 1))), (5, ((2, 0), (0, 2)))]
    for row, pairs in terms:
        factor = 1.0 if row < 3 else np.sqrt(0.5)
        for component, axis in pairs:
            rows.append(np.repeat(np.arange(len(mesh.cells)) * 6 + row, 4))
            columns.append((mesh.cells * 3 + component).ravel())
            values.append((slope[:, :, axis] * (factor * scale)[:, None]).ravel())
    shape = (6 * len(mesh.cells), 3 * len(mesh.vertices))
    return coo_matrix((np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=shape).tocsr()


def rigidity_weights(mesh: TetMesh) -> np.ndarray:
    """``(c,)`` rigidity weight times volume of each cell, summing to 1."""
    weights = mesh.weights * np.abs(mesh.volumes())
    return weights / weights.sum()


def rigid_motions(vertices: np.ndarray) -> np.ndarray:
    """``(3 v, 6)`` translations along and infinitesimal rotations about the three axes."""
    count = len(vertices)
    motions = np.zeros((count, 3, RIGID_MOTIONS))
    for axis in range(3):
        motions[:, axis, axis] = 1
        unit = np.zeros(3)
        unit[axis] = 1
        motions[:, :, 3 + axis] = np.cross(unit, vertices)
    return motions.reshape(3 * count, RIGID_MOTIONS)


def soft_modes(mesh: TetMesh, mass: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The ``count`` softest displacements that are no rigid motion of the whole.

    Parameters
    ----------
    mass : ``(v,)`` density carried by each vertex, ≥ 0; displacements are measured by their root mean square over it.
    count : how many; fewer come back when the mesh has fewer.

    Returns
    -------
    modes ``(3 v, m)`` in Å for a unit coefficient, of unit root mean square displacement, orthogonal under ``mass``; and
    stiffness ``(m,)``, the rigidity energy of each at unit coefficient (1 / Å²), ascending.
    """
    from scipy.linalg import eigh
    from scipy.sparse import diags, identity
    from scipy.sparse.linalg import eigsh

    strain = strain_operator(mesh)
    # empty regions must still have some inertia, or they would flutter at no cost
    mass = mass / mass.sum()
    inertia = np.repeat(0.9 * mass + 0.1 / len(mass), 3)
    stiffness = (strain.T @ strain).tocsc()
    size = stiffness.shape[0]
    count = min(count, size - RIGID_MOTIONS)
    scaling = diags(1 / np.sqrt(inertia))
    scaled = (scaling @ stiffness @ scaling).tocsc()
    if count + RIGID_MOTIONS > size // 3 or size < 600:
        values, vectors = eigh(scaled.toarray(), subset_by_index=(0, min(size, count + 2 * RIGID_MOTIONS) - 1))
    else:
        softness = 1e-6 * scaled.diagonal().mean()
        start = np.random.default_rng(0).standard_normal(size)
        values, vectors = eigsh(scaled + softness * identity(size, format="csc"), k=count + 2 * RIGID_MOTIONS, sigma=0, v0=start)
        values = values - softness
    rigid, _ = np.linalg.qr(np.sqrt(inertia)[:, None] * rigid_motions(mesh.vertices.astype(np.float64)))
    return _without(vectors, np.maximum(values, 0), rigid, inertia, count)


def _without(
    vectors: np.ndarray, values: np.ndarray, rigid: np.ndarray, inertia: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvectors with the rigid motions of the whole projected out, back in Å, softest first.

    The null space holds six motions for each connected piece of the mesh; what remains of it beyond the six of the whole are
    pieces moving against each other, found by a singular value decomposition.
    """
    null = values < 1e-7 * values.max()
    left = vectors[:, null] - rigid @ (rigid.T @ vectors[:, null])
    u, size, _ = np.linalg.svd(left, full_matrices=False)
    loose = u[:, size > 0.5]
    elastic = np.flatnonzero(~null)[: count - loose.shape[1]]
    modes = np.concatenate([loose, vectors[:, elastic]], axis=1)[:, :count] / np.sqrt(inertia)[:, None]
    signs = np.sign(modes[np.abs(modes).argmax(axis=0), np.arange(modes.shape[1])])
    return modes * signs, np.concatenate([np.zeros(loose.shape[1]), values[elastic]])[:count]

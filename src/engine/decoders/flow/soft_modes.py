"""Soft modes of the mesh: the displacements that the rigidity prior charges least.

A network that moves every vertex by itself learns a finer mesh more slowly, since one motion is then spread over more
outputs. In the basis of the mesh's elastic modes, each scaled by its softness, the same few numbers describe the same
motion on any mesh, and hinge bending comes first.
"""

from __future__ import annotations

import numpy as np

from ....mesh.shape import edge_inverse
from ....mesh.tetmesh import TetMesh

RIGID_MOTIONS = 6
NULL = 1e-7  # of the greatest stiffness: less is none


def strain_operator(mesh: TetMesh):
    """Sparse ``(6 c, 3 v)`` matrix S: ‖S u‖² is the linearised rigidity energy Σ w ‖sym ∇u‖², weights summing to 1.

    ``u`` is the displacement ``(3 v,)``, xyz of vertex 0 first. For small u, ‖F − R‖ is the norm of the symmetric
    part of F − 1.
    """
    from scipy.sparse import coo_matrix

    inverse = edge_inverse(mesh)
    slope = np.concatenate([-inverse.sum(axis=1, keepdims=True), inverse], axis=1)  # (c, 4, 3): gradient of each weight
    scale = np.sqrt(rigidity_weights(mesh))
    rows, columns, values = [], [], []
    # rows of S: xx, yy, zz, and √2 times xy, yz, zx, so that squares add up to the Frobenius norm
    terms = [
        (0, ((0, 0),)),
        (1, ((1, 1),)),
        (2, ((2, 2),)),
        (3, ((0, 1), (1, 0))),
        (4, ((1, 2), (2, 1))),
        (5, ((2, 0), (0, 2))),
    ]
    for row, pairs in terms:
        factor = 1.0 if row < 3 else np.sqrt(0.5)
        for component, axis in pairs:
            rows.append(np.repeat(np.arange(len(mesh.cells)) * 6 + row, 4))
            columns.append((mesh.cells * 3 + component).ravel())
            values.append((slope[:, :, axis] * (factor * scale)[:, None]).ravel())
    shape = (6 * len(mesh.cells), 3 * len(mesh.vertices))
    return coo_matrix((np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=shape).tocsr()


def rigidity_weights(mesh: TetMesh) -> np.ndarray:
    """``(c,)`` rigidity weight times volume of each cell, summing to 1; 0 where no vertex of a cell may move."""
    weights = mesh.weights * np.abs(mesh.volumes())
    if mesh.free is not None:
        weights = weights * (mesh.free[mesh.cells] > 0).any(axis=1)
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
    """The six rigid motions of the whole, then the ``count`` softest displacements that are none.

    The rigid motions belong to the basis although they cost nothing: poses are fixed, and a domain that swings
    while the rest stands still is a soft mode plus a rigid motion. Of a mesh some of whose vertices stand still, the
    others of the displacements are zero there.

    Parameters
    ----------
    mass : ``(v,)`` density carried by each vertex, ≥ 0; displacements are measured by their root mean square over it.
    count : how many; fewer come back when the mesh has fewer.

    Returns
    -------
    modes ``(3 v, 6 + m)`` in Å for a unit coefficient, of unit root mean square displacement, orthogonal under
    ``mass``; and stiffness ``(6 + m,)``, the rigidity energy of each at unit coefficient (1 / Å²), ascending.
    """
    inertia = vertex_inertia(mass)
    if mesh.free is not None:
        return _held_modes(mesh, mesh.free > 0, mass, inertia, count)
    vectors, values = _softest(mesh, inertia, min(count, 3 * len(mass) - 2 * RIGID_MOTIONS) + RIGID_MOTIONS)
    rigid, _ = np.linalg.qr(np.sqrt(inertia)[:, None] * rigid_motions(mesh.vertices.astype(np.float64)))
    loose, elastic = _without_rigid(vectors, values, rigid)
    modes = np.concatenate([rigid, loose, vectors[:, elastic]], axis=1)[:, : count + RIGID_MOTIONS]
    stiffness = np.concatenate([np.zeros(RIGID_MOTIONS + loose.shape[1]), values[elastic]])[: count + RIGID_MOTIONS]
    modes /= np.sqrt(inertia)[:, None]
    return _signed(modes), stiffness


def vertex_inertia(mass: np.ndarray) -> np.ndarray:
    """``(3 v,)`` share of each coordinate: empty regions must still have some, or they would flutter at no cost."""
    return np.repeat(0.9 * mass / mass.sum() + 0.1 / len(mass), 3)


def _signed(modes: np.ndarray) -> np.ndarray:
    """Modes whose greatest number is positive: an eigenvector's sign is an accident of the solver."""
    return modes * np.sign(modes[np.abs(modes).argmax(axis=0), np.arange(modes.shape[1])])


def _held_modes(
    mesh: TetMesh, free: np.ndarray, mass: np.ndarray, inertia: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """`soft_modes` of a mesh of whose vertices only some are ``free`` ``(v,)``, over which displacements are measured.

    Next to what stands still the softest displacements fade out by themselves. A piece that nothing holds has its own
    rigid motions among them, of no stiffness.
    """
    own, columns = vertex_inertia(np.maximum(mass[free], 1e-9 * mass.max())), np.flatnonzero(np.repeat(free, 3))
    vectors, values = _softest(mesh, own, min(count, len(columns)), columns)
    softest = np.zeros((len(inertia), vectors.shape[1]))
    softest[columns] = vectors / np.sqrt(own)[:, None]
    root = np.sqrt(inertia)[:, None]
    rigid = np.linalg.qr(root * rigid_motions(mesh.vertices.astype(np.float64)))[0] / root
    values = np.where(values < NULL * values.max(), 0, values)
    return _signed(np.concatenate([rigid, softest], axis=1)), np.concatenate([np.zeros(RIGID_MOTIONS), values])


def _softest(
    mesh: TetMesh, inertia: np.ndarray, count: int, columns: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Lowest eigenvectors ``(3 v, count)`` and values of stiffness over inertia, in coordinates scaled by √inertia.

    ``columns`` are the coordinates that are free, which ``inertia`` is of and vectors are given in; None: all.
    """
    from scipy.linalg import eigh
    from scipy.sparse import diags, identity
    from scipy.sparse.linalg import eigsh

    strain = strain_operator(mesh) if columns is None else strain_operator(mesh)[:, columns]
    scaling = diags(1 / np.sqrt(inertia))
    stiffness = (scaling @ (strain.T @ strain) @ scaling).tocsc()
    size = stiffness.shape[0]
    if count > size // 3 or size < 600:
        values, vectors = eigh(stiffness.toarray(), subset_by_index=(0, min(size, count) - 1))
        return vectors, np.maximum(values, 0)
    softness = 1e-6 * stiffness.diagonal().mean()
    start = np.random.default_rng(0).standard_normal(size)
    values, vectors = eigsh(stiffness + softness * identity(size, format="csc"), k=count, sigma=0, v0=start)
    order = np.argsort(values)
    return vectors[:, order], np.maximum(values[order] - softness, 0)


def _without_rigid(vectors: np.ndarray, values: np.ndarray, rigid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The null space beyond the rigid motions of the whole, and which eigenvectors are elastic.

    The null space holds six motions for each connected piece of the mesh; what remains of it are pieces moving
    against each other, found by a singular value decomposition.
    """
    null = values < NULL * values.max()
    left = vectors[:, null] - rigid @ (rigid.T @ vectors[:, null])
    u, size, _ = np.linalg.svd(left, full_matrices=False)
    return u[:, size > 0.5], np.flatnonzero(~null)

"""The rigid motions of a mesh's parts: six for the whole, then six for each part relative to the one it is joined to.

The numbers of a flow are coefficients of the mesh's modes. Those of bodies are coefficients of rigid motions, whose
displacements to first order are the modes here: all that is found linearly of a flow (first guess, poses) is found of
bodies alike. The motions of a part are ordered and scaled by what they strain the mesh at its joint, as soft modes are:
turning about the joint comes before leaving it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ....mesh.tetmesh import TetMesh
from ..flow.flow_network import MotionBasis, jointed_motion_basis
from ..flow.soft_modes import RIGID_MOTIONS, rigid_motions, strain_operator, vertex_inertia


def body_motion_basis(mesh: TetMesh, mass: np.ndarray) -> MotionBasis:
    """Bodies of a mesh whose vertices carry ``mass`` ``(v,)``: one tree, its root standing for the whole.

    A part that is joined to none hangs on the root, and turns about its own centre.
    """
    basis = jointed_motion_basis(mesh, mass, np.zeros((3 * len(mesh.vertices), 0)))
    root = int(basis.order[0])
    parent = np.where((basis.parent < 0) & (np.arange(len(basis.parent)) != root), root, basis.parent)
    pivot = basis.pivot.copy()
    pivot[root] = mass @ basis.vertices / mass.sum()
    basis = replace(basis, parent=parent, pivot=pivot)
    groups = [_motions(basis, mass, np.ones(len(mass)), root)]
    groups += [_motions(basis, mass, carried(basis, part), int(part)) for part in basis.order[1:]]
    strain = strain_operator(mesh)
    charged = [_by_strain(strain, group) for group in groups[1:]]
    energies = np.concatenate([energy for _, energy in charged]) if charged else np.ones(1)
    least = energies[energies > 1e-9 * energies.max()].min(initial=energies.max())
    scaled = [modes * np.sqrt(least / np.maximum(energy, least)) for modes, energy in charged]
    return replace(basis, modes=np.concatenate([groups[0], *scaled], axis=1))


def carried(basis: MotionBasis, part: int) -> np.ndarray:
    """How far each vertex ``(v,)`` moves with a part: as far as it belongs to it, or to parts that hang on it."""
    below = np.zeros(len(basis.parent), bool)
    for other in basis.order:  # parents come first
        below[other] = other == part or (basis.parent[other] >= 0 and below[basis.parent[other]])
    return basis.membership[:, below].sum(axis=1)


def _motions(basis: MotionBasis, mass: np.ndarray, share: np.ndarray, part: int) -> np.ndarray:
    """Rigid motions ``(3 v, 6)`` of a share of the vertices about a pivot, orthogonal under mass, of unit r.m.s."""
    motions = np.repeat(share, 3)[:, None] * rigid_motions(basis.vertices - basis.pivot[part])
    upper = np.linalg.qr(np.sqrt(vertex_inertia(mass))[:, None] * motions)[1]
    return motions @ np.linalg.inv(upper)


def _by_strain(strain, motions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The motions of a part ``(3 v, 6)`` turned so that each strains the mesh by itself, the softest first; energies
    ``(6,)``.
    """
    strained = np.asarray(strain @ motions)
    energy, turn = np.linalg.eigh(strained.T @ strained)
    return motions @ turn, np.maximum(energy, 0)


def generators(basis: MotionBasis) -> np.ndarray:
    """``(g, 6, 6)``: slide (3, Å) and spin (3, radians) of each group of six modes for unit coefficients.

    Group 0 is the whole, the others are parts in the basis' order: u(x) = share (slide + spin × (x − pivot)).
    """
    shares = [np.ones(len(basis.vertices)), *(carried(basis, int(part)) for part in basis.order[1:])]
    parts = []
    for number, (part, share) in enumerate(zip(basis.order, shares, strict=True)):
        motions = np.repeat(share, 3)[:, None] * rigid_motions(basis.vertices - basis.pivot[part])
        modes = basis.modes[:, RIGID_MOTIONS * number : RIGID_MOTIONS * (number + 1)]
        parts.append(np.linalg.lstsq(motions, modes, rcond=None)[0])
    return np.stack(parts)

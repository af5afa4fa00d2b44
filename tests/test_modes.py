"""Soft modes: rigid motions for nothing, then bending where the body is thin, then everything else."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from chimerax.flexrec.engine.decoders.flow.rigidity import rigidity_energy
from chimerax.flexrec.engine.decoders.flow.soft_modes import (
    RIGID_MOTIONS,
    rigid_motions,
    rigidity_weights,
    soft_modes,
    strain_operator,
)
from chimerax.flexrec.mesh import build_mesh
from chimerax.flexrec.mesh.shape import edge_inverse
from mesh_shapes import ball, dumbbell

PIXEL = 3.0


@pytest.fixture(scope="module")
def bell():
    """A dumbbell's mesh, the mass at its vertices (the lobes', none on the neck) and its ten softest elastic modes."""
    mesh = build_mesh(dumbbell(40, 7, 10, 2.5), PIXEL, 12)
    mass = (np.abs(mesh.vertices[:, 0]) > 5 * PIXEL).astype(float)
    return mesh, mass, *soft_modes(mesh, mass, 10)


def left_over(displacement: np.ndarray, vertices: np.ndarray) -> float:
    """Share of a displacement ``(n, 3)`` that no rigid motion of the points explains."""
    basis = rigid_motions(vertices)
    fit = basis @ np.linalg.lstsq(basis, displacement.reshape(-1), rcond=None)[0]
    return float(np.linalg.norm(displacement.reshape(-1) - fit) / np.linalg.norm(displacement))


def test_the_first_six_are_the_rigid_motions_and_cost_nothing(bell):
    mesh, _, modes, stiffness = bell
    vertices = mesh.vertices.astype(float)
    assert modes.shape == (3 * len(vertices), RIGID_MOTIONS + 10)
    assert (stiffness[:6] == 0).all() and stiffness[6] > 1e-7 and (np.diff(stiffness) >= 0).all()
    for column in modes[:, :6].T:
        assert left_over(column.reshape(-1, 3), vertices) < 1e-6
    assert np.linalg.matrix_rank(modes[:, :6]) == 6
    for column in modes[:, 6:].T:
        assert left_over(column.reshape(-1, 3), vertices) > 0.1


def test_modes_are_orthogonal_and_of_one_angstrom_under_the_mass(bell):
    _, mass, modes, _ = bell
    inertia = np.repeat(0.9 * mass / mass.sum() + 0.1 / len(mass), 3)
    assert np.abs(modes.T @ (inertia[:, None] * modes) - np.eye(modes.shape[1])).max() < 1e-6


def test_stiffness_is_the_rigidity_energy(bell):
    mesh, _, modes, stiffness = bell
    energy = (np.asarray(strain_operator(mesh) @ modes) ** 2).sum(axis=0)
    assert np.allclose(energy[6:], stiffness[6:], rtol=1e-3) and energy[:6].max() < 1e-9
    rest = torch.from_numpy(mesh.vertices).double()
    step = 0.05
    moved = rest + step * torch.from_numpy(modes[:, 6:].T.reshape(10, -1, 3))
    cells, weights = torch.from_numpy(mesh.cells).long(), torch.from_numpy(rigidity_weights(mesh)).double()
    true = rigidity_energy(moved, cells, torch.from_numpy(edge_inverse(mesh)).double(), weights)
    assert np.allclose(true.numpy() / step**2, stiffness[6:], rtol=0.05)


def test_a_dumbbell_bends_at_its_neck(bell):
    mesh, _, modes, stiffness = bell
    vertices = mesh.vertices.astype(float)
    strain = np.asarray(strain_operator(mesh) @ modes) ** 2
    centre = vertices[mesh.cells].mean(axis=1)
    neck = np.repeat(np.abs(centre[:, 0]) < 6 * PIXEL, 6)
    for column in range(6, 9):  # two bends and the twist
        displacement = modes[:, column].reshape(-1, 3)
        assert strain[neck, column].sum() > 0.7 * strain[:, column].sum()
        for lobe in (vertices[:, 0] < -6 * PIXEL, vertices[:, 0] > 6 * PIXEL):
            assert left_over(displacement[lobe], vertices[lobe]) < 0.15
    assert stiffness[6] < 0.2 * stiffness[15]


def test_pieces_that_do_not_touch_move_against_each_other_for_nothing():
    mesh = build_mesh(ball(40, 6, (-11, 0, 0)) | ball(40, 6, (11, 0, 0)), PIXEL, 12)
    vertices = mesh.vertices.astype(float)
    modes, stiffness = soft_modes(mesh, np.ones(len(vertices)), 10)
    assert (stiffness[:12] == 0).all() and stiffness[12] > 1e-6
    left = vertices[:, 0] < 0
    for column in modes[:, 6:12].T:
        displacement = column.reshape(-1, 3)
        assert left_over(displacement, vertices) > 0.5
        assert max(left_over(displacement[side], vertices[side]) for side in (left, ~left)) < 1e-3


def test_dense_and_sparse_solutions_agree():
    mesh = build_mesh(dumbbell(32, 6, 8, 3), PIXEL, 9)
    mass = np.ones(len(mesh.vertices))
    assert 600 <= 3 * len(mass)
    few, all_of_them = soft_modes(mesh, mass, 12)[1], soft_modes(mesh, mass, len(mass) + 5)[1]
    assert len(all_of_them) == len(mass) + 5 + RIGID_MOTIONS
    assert np.allclose(few, all_of_them[: len(few)], rtol=1e-3)


def test_more_modes_than_the_mesh_has_gives_all_there_are():
    mesh = build_mesh(ball(16, 5), PIXEL, 4)
    modes, stiffness = soft_modes(mesh, np.ones(len(mesh.vertices)), 10_000)
    assert modes.shape[1] == len(stiffness) <= 3 * len(mesh.vertices)
    assert np.linalg.matrix_rank(modes) == modes.shape[1] > 2 * len(mesh.vertices)


def test_modes_do_not_depend_on_the_run(bell):
    mesh, mass, modes, _ = bell
    assert np.array_equal(soft_modes(mesh, mass, 10)[0], modes)

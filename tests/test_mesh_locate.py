import numpy as np
import pytest
from chimerax.flexrec.mesh import TetMesh, barycentric_matrices, build_mesh, locate, voxel_cells, voxel_points, voxels
from chimerax.flexrec.mesh.locate import barycentric
from chimerax.flexrec.mesh.tetmesh import positively_oriented
from mesh_shapes import ball
from scipy.spatial import Delaunay


def graded_mesh(seed=0):
    """A Delaunay mesh whose cells differ a thousandfold in volume."""
    rng = np.random.default_rng(seed)
    points = np.concatenate([rng.uniform(-30, 30, (60, 3)), rng.normal(0, 1.5, (300, 3)) + [8, 5, -3]])
    cells = Delaunay(points).simplices
    vertices = points.astype(np.float32)
    cells = positively_oriented(vertices, cells).astype(np.int32)
    count = len(cells)
    nowhere = np.full((4, 4, 4), -1, np.int32)
    return TetMesh(vertices, cells, np.ones(count, np.float32), np.zeros(count, np.int32), (), 4, 1.0, nowhere)


def least_extrapolating(mesh, points):
    matrix = barycentric_matrices(mesh)
    return np.array(
        [barycentric(matrix, np.arange(len(mesh.cells)), point[None]).min(axis=1).max() for point in points]
    )


@pytest.mark.parametrize("part", [None, 0])
def test_points_inside_are_found_in_a_badly_graded_mesh(part):
    mesh = graded_mesh()
    points = np.random.default_rng(5).uniform(-25, 25, (1500, 3))
    points = np.concatenate([points, np.random.default_rng(6).normal(0, 2, (500, 3)) + [8, 5, -3]])
    inside = least_extrapolating(mesh, points) >= 0
    cell, bary = locate(mesh, points, None if part is None else np.zeros(len(points), int))
    assert inside.sum() > 1000
    assert (bary[inside].min(axis=1) > -1e-4).all()
    assert np.allclose(np.einsum("mk,mkx->mx", bary, mesh.vertices[mesh.cells[cell]]), points, atol=1e-6)


def test_points_outside_are_extrapolated_from_the_surface():
    mesh = build_mesh(ball(32, 10), 3.0, 12)
    direction = np.random.default_rng(3).normal(size=(200, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    cell, bary = locate(mesh, 45 * direction)
    assert np.allclose(bary.sum(axis=1), 1)
    centroid = mesh.centroids()[cell]
    assert (np.linalg.norm(centroid, axis=1) > 20).all()
    assert (np.einsum("mx,mx->m", centroid, direction) > 20).all()
    gradient = np.array([[1, 0.1, 0], [0, 1, -0.2], [0.3, 0, 1]])
    moved = (mesh.vertices @ gradient.T)[mesh.cells[cell]]
    assert np.allclose(np.einsum("mk,mkx->mx", bary, moved), 45 * direction @ gradient.T, atol=1e-4)


def test_no_points_and_one_cell():
    mesh = graded_mesh()
    cell, bary = locate(mesh, np.zeros((0, 3)))
    assert len(cell) == 0 and bary.shape == (0, 4)
    one = TetMesh(mesh.vertices, mesh.cells[:1], mesh.weights[:1], mesh.part[:1], (), 4, 1.0, mesh.voxel_cell)
    cell, bary = locate(one, [[100.0, 0, 0]])
    assert cell[0] == 0 and np.isclose(bary.sum(), 1)


@pytest.mark.parametrize("box, pixel_size", [(64, 1.5), (27, 3.7), (32, 3.0), (80, 1.5)])
def test_voxels_of_another_box_lie_in_their_cells(box, pixel_size):
    mesh = build_mesh(ball(32, 10), 3.0, 12)
    mask = ball(box, 27.5 / pixel_size)
    cells = voxel_cells(mesh, mask, pixel_size)
    assert ((cells >= 0) == mask).all()
    bary = barycentric(barycentric_matrices(mesh), cells[mask], voxel_points(mask, pixel_size))
    assert bary.min() > -2e-5


def test_a_mask_wider_than_the_mesh_is_carried_by_its_surface():
    mesh = build_mesh(ball(32, 8), 3.0, 12)
    wide = ball(32, 14).astype(np.float32)
    cells = voxel_cells(mesh, wide, 3.0)
    assert (cells[wide > 0] >= 0).all() and (cells[wide == 0] == -1).all()


@pytest.mark.parametrize("joints", [(), ((0, 1),)])
def test_compiled_and_plain_loops_agree(joints, monkeypatch):
    pytest.importorskip("numba")
    labels = (np.arange(32)[None, None] >= 14) * np.ones((32, 32, 32), int)
    mesh = build_mesh(ball(32, 10), 3.0, 12, labels, joints)
    mask = ball(50, 16)
    compiled = voxel_cells(mesh, mask, 1.9)
    monkeypatch.setattr(voxels, "_compiled_fill", lambda: None)
    assert (voxel_cells(mesh, mask, 1.9) == compiled).all()

import numpy as np
import pytest
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.mesh import barycentric_matrices, build_mesh, edge_inverse, voxel_points
from chimerax.flexrec.mesh.lattice import cell_corners, cell_keys
from chimerax.flexrec.mesh.locate import barycentric
from chimerax.flexrec.mesh.quality import connected_components, mesh_quality, orphan_voxels, radius_ratio
from chimerax.flexrec.mesh.shape import edges
from mesh_shapes import ball


def random_mask(seed, box=20):
    return np.random.default_rng(seed).random((box,) * 3) > 0.7


def test_lattice_names_the_tetrahedron_that_holds_a_point():
    points = np.random.default_rng(1).uniform(-40, 40, (20000, 3))
    keys = cell_keys(points, 7.0)
    corners = cell_corners(keys) * 3.5
    edge = np.linalg.inv(np.concatenate([corners, np.ones((len(corners), 4, 1))], axis=2).transpose(0, 2, 1))
    inside = np.einsum("nij,nj->ni", edge, np.concatenate([points, np.ones((len(points), 1))], axis=1))
    assert inside.min() > -1e-9
    volume = np.abs(np.linalg.det(corners[:, 1:] - corners[:, :1])) / 6
    assert np.allclose(volume, 7.0**3 / 12)


def test_a_cube_holds_half_of_each_of_24_lattice_tetrahedra():
    points = np.random.default_rng(2).uniform(0, 1, (60000, 3))
    count = np.unique(cell_keys(points, 1.0), return_counts=True)[1]
    assert len(count) == 24
    assert count.min() > 0.9 * 60000 / 24 and count.max() < 1.1 * 60000 / 24


@pytest.mark.parametrize("box, pixel_size, coarseness", [(32, 4.0, 10), (32, 4.0, 20), (33, 1.3, 12), (40, 2.0, 40)])
def test_every_voxel_of_a_ball_lies_in_the_cell_that_carries_it(box, pixel_size, coarseness):
    mask = ball(box, 0.35 * box)
    mesh = build_mesh(mask, pixel_size, coarseness)
    assert (mesh.mask == mask).all()
    bary = barycentric(barycentric_matrices(mesh), mesh.voxel_cell[mask], voxel_points(mask, pixel_size))
    assert np.allclose(bary.sum(axis=1), 1)
    assert bary.min() > -1e-5
    assert (mesh.volumes() > 0).all()
    assert orphan_voxels(mesh) == 0
    assert connected_components(mesh) == 1


def test_a_mesh_has_the_volume_of_its_mask_and_a_shell_of_half_cells():
    mask = ball(64, 22)
    mask_volume = mask.sum() * 8.0
    volume = [build_mesh(mask, 2.0, coarseness).volumes().sum() / mask_volume for coarseness in (12, 24, 48)]
    assert volume[0] > volume[1] > volume[2] > 1
    assert volume[2] < 1.15


def test_cells_are_all_of_the_best_shape_and_as_coarse_as_asked():
    mesh = build_mesh(ball(32, 11), 4.0, 10)
    sides = mesh.vertices[edges(mesh)]
    length = np.linalg.norm(sides[:, 0] - sides[:, 1], axis=1)
    assert np.isclose(length.max(), 32 * 4 / 10, rtol=1e-4)
    assert np.isclose(length.min(), 32 * 4 / 10 * np.sqrt(3) / 2, rtol=1e-4)
    assert np.isclose(radius_ratio(mesh).min(), 0.9487, atol=1e-3)


def test_radius_ratio_knows_the_regular_and_the_flat_tetrahedron():
    from dataclasses import replace

    mesh = build_mesh(ball(16, 3), 1.0, 4)
    regular = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]], np.float32)
    flat = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0.3, 0.3, 1e-4]], np.float32)
    for corners, expected in ((regular, 1.0), (flat, 0.0)):
        one = replace(mesh, vertices=corners, cells=np.array([[0, 1, 2, 3]], np.int32))
        assert np.isclose(radius_ratio(one)[0], expected, atol=1e-3)


@pytest.mark.parametrize("seed", range(3))
def test_scattered_voxels_are_carried_too(seed):
    mask = random_mask(seed)
    mesh = build_mesh(mask, 3.0, 6)
    assert (mesh.mask == mask).all()
    assert orphan_voxels(mesh) == 0
    assert len(np.unique(np.sort(mesh.cells, axis=1), axis=0)) == len(mesh.cells)


def test_vertices_of_one_part_are_all_used_and_all_apart():
    mesh = build_mesh(ball(32, 10), 3.0, 12)
    assert (np.unique(mesh.cells) == np.arange(len(mesh.vertices))).all()
    assert len(np.unique(mesh.vertices.round(3), axis=0)) == len(mesh.vertices)


def test_barycentric_matrices_are_linear_and_exact_at_vertices():
    mesh = build_mesh(ball(24, 8), 2.5, 8)
    matrix = barycentric_matrices(mesh)
    corner = np.concatenate([mesh.vertices[mesh.cells], np.ones((len(mesh.cells), 4, 1))], axis=2)
    at_vertices = np.einsum("cij,ckj->cki", matrix, corner)
    assert np.allclose(at_vertices, np.eye(4), atol=1e-9)


def test_edge_inverse_recovers_an_affine_deformation():
    mesh = build_mesh(ball(24, 8), 2.5, 8)
    gradient = np.array([[1.1, 0.2, 0.0], [-0.1, 0.9, 0.3], [0.05, 0.0, 1.2]])
    moved = mesh.vertices.astype(float) @ gradient.T + [3.0, -2.0, 1.0]
    corner = moved[mesh.cells]
    side = (corner[:, 1:] - corner[:, :1]).transpose(0, 2, 1)
    assert np.allclose(side @ edge_inverse(mesh), gradient, atol=1e-9)


def test_an_empty_mask_is_refused():
    with pytest.raises(InputError, match="mask is empty"):
        build_mesh(np.zeros((16, 16, 16), bool), 2.0)


def test_quality_states_what_a_mesh_is():
    mask = ball(32, 10)
    quality = mesh_quality(build_mesh(mask, 3.0, 12))
    assert quality["mask_voxels"] == mask.sum() and quality["orphan_voxels"] == 0 and quality["inverted_cells"] == 0
    assert quality["cell_volume"]["min"] == pytest.approx((32 * 3 / 12) ** 3 / 12, rel=1e-3)
    assert quality["mesh_volume"] > quality["mask_volume"] == mask.sum() * 27
    assert quality["parts"][0]["voxels"] == mask.sum() and quality["joints"] == []


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_no_cells_hang_by_a_vertex_or_an_edge(seed):
    """A small group of cells that shares no face with the rest goes, and its voxels to others."""
    from chimerax.flexrec.mesh.build import _dangling, _fuse
    from chimerax.flexrec.mesh.lattice import cell_corners, cell_keys

    noise = np.random.default_rng(seed).standard_normal((24, 24, 24))
    z, y, x = np.indices(noise.shape) - 12
    mask = x**2 + y**2 + z**2 < (7 + 2.5 * noise) ** 2
    every = np.unique(cell_keys(voxel_points(mask, 2.0), 48 / 12))
    assert _dangling(_fuse(cell_corners(every), np.zeros(len(every), int), ())[1]).any()
    mesh = build_mesh(mask, 2.0, coarseness=12)
    assert not _dangling(mesh.cells).any()
    assert (mesh.voxel_cell[mask] >= 0).all()
    assert mesh.cells.max() == len(mesh.vertices) - 1

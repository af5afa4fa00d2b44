import numpy as np
import pytest
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.mesh import build_mesh, vertex_parts, voxel_cells, voxel_points
from chimerax.flexrec.mesh.domains import find_domains
from chimerax.flexrec.mesh.joints import check_tree, contact_faces, contact_joints, parse_joints
from chimerax.flexrec.mesh.named_parts import check_joints_hold, join_parts
from chimerax.flexrec.mesh.quality import connected_components, orphan_voxels, shared_vertices
from mesh_shapes import ball, blurred, dumbbell, voxel_grid

BOX = 40


def three_sectors():
    """A ball cut like a cake into parts 0, 1, 2, each touching both others."""
    x, y, _ = voxel_grid(BOX)
    return np.floor((np.arctan2(y, x) + np.pi) / (2 * np.pi / 3)).astype(int).clip(0, 2)


def mesh_of(labels, joints, mask=None, coarseness=14):
    return build_mesh(ball(BOX, 14) if mask is None else mask, 2.0, coarseness, labels, joints)


def test_joined_halves_share_exactly_the_vertices_of_their_border():
    halves = (voxel_grid(BOX)[0] >= 0).astype(int)
    fused, plain = mesh_of(halves, ((0, 1),)), mesh_of(None, ())
    assert len(fused.vertices) == len(plain.vertices) and len(fused.cells) == len(plain.cells)
    shared = (vertex_parts(fused) > 0).all(axis=1)
    assert 10 < shared.sum() < 0.2 * len(fused.vertices)
    assert np.abs(fused.vertices[shared, 0]).max() < 1.5 * 80 / 14
    assert connected_components(fused) == 1


def test_halves_that_touch_unjoined_share_nothing_and_keep_their_voxels():
    halves = (voxel_grid(BOX)[0] >= 0).astype(int)
    mesh = mesh_of(halves, ())
    assert shared_vertices(mesh, 0, 1) == 0
    assert connected_components(mesh) == 2
    assert orphan_voxels(mesh) == 0
    assert (mesh.part[mesh.voxel_cell[mesh.mask]] == halves[mesh.mask]).all()


def test_in_a_chain_of_sectors_the_ends_meet_only_where_the_middle_does():
    mesh = mesh_of(three_sectors(), ((0, 1), (1, 2)))
    member = vertex_parts(mesh) > 0
    ends = member[:, 0] & member[:, 2]
    assert member[ends, 1].all()
    assert shared_vertices(mesh, 0, 1) > 3 * ends.sum() and shared_vertices(mesh, 1, 2) > 3 * ends.sum()
    points = mesh.vertices.round(3)
    at = {tuple(point): set() for point in points}
    for point, row in zip(points, member):
        at[tuple(point)].add(tuple(np.flatnonzero(row)))
    assert any(groups >= {(0,), (2,)} for groups in at.values())  # the seam between 0 and 2 is cut open


def test_a_part_smaller_than_a_cell_is_refused():
    labels = ball(BOX, 1.5, (1, 1, 1)).astype(int)
    with pytest.raises(InputError, match="too few to fill a cell"):
        mesh_of(labels, ((0, 1),), coarseness=5)


def test_opening_an_unjoined_seam_moves_the_voxels_of_each_side_apart():
    halves = (voxel_grid(BOX)[0] >= 0).astype(int)
    mesh = mesh_of(halves, ())
    moved = mesh.vertices + np.where(vertex_parts(mesh)[:, 1:] > 0.5, [5.0, 0, 0], 0)
    from chimerax.flexrec.mesh import barycentric_matrices
    from chimerax.flexrec.mesh.locate import barycentric

    cell = mesh.voxel_cell[mesh.mask]
    bary = barycentric(barycentric_matrices(mesh), cell, voxel_points(mesh.mask, 2.0))
    shift = np.einsum("mk,mkx->mx", bary, (moved - mesh.vertices)[mesh.cells[cell]])
    assert np.allclose(shift[:, 0], 5.0 * halves[mesh.mask], atol=1e-4)


def test_voxels_of_a_finer_box_follow_the_labels():
    halves = (voxel_grid(BOX)[0] >= 0).astype(int)
    mesh = mesh_of(halves, ())
    mask = ball(2 * BOX, 27)
    cells = voxel_cells(mesh, mask, 1.0)
    x = voxel_grid(2 * BOX)[0][mask]
    clear = np.abs(x + 1) > 1.5  # a coarse voxel's border lies at x = -1 in fine voxels
    assert (mesh.part[cells[mask]][clear] == (x >= 0)[clear]).all()


@pytest.mark.parametrize(
    "text, pairs",
    [("1>2, 2>3", ((1, 2), (2, 3))), (" 0>3 ;3>-4 ", ((0, 3), (3, -4))), ("", ()), ("5>6,", ((5, 6),))],
)
def test_joints_are_read(text, pairs):
    assert parse_joints(text) == pairs


@pytest.mark.parametrize("text", ["1-2", "1>2>3", "a>b", "1>", "1.5>2"])
def test_what_is_no_joint_is_refused(text):
    with pytest.raises(InputError, match="form X>Y"):
        parse_joints(text)


def test_joints_are_put_in_order_outward_from_the_first():
    assert check_tree(((4, 2), (3, 1), (2, 3)), (1, 2, 3, 4)) == ((4, 2), (2, 3), (3, 1))


@pytest.mark.parametrize(
    "pairs, message",
    [
        (((1, 2), (2, 3), (3, 1)), "1 > 2 > 3 > 1|3 > 2 > 1 > 3|3 > 1|cycle"),
        (((1, 2), (2, 3), (3, 3)), "3 > 3 is a cycle"),
        (((1, 2), (2, 1)), "cycle"),
        (((1, 2), (2, 7)), "names part 7"),
        (((1, 2),), "part 3 is not joined"),
    ],
)
def test_joints_that_are_no_tree_are_refused(pairs, message):
    with pytest.raises(InputError, match=message):
        check_tree(pairs, (1, 2, 3))


def test_a_cycle_is_named():
    with pytest.raises(InputError, match="4 > 3 > 2 > 4|2 > 3 > 4 > 2"):
        check_tree(((1, 2), (2, 3), (3, 4), (4, 2)), (1, 2, 3, 4))


def test_joints_along_the_greatest_contact_start_at_the_hub():
    labels = np.full((12, 12, 12), -1)
    labels[:, :, 4:8] = 1  # a slab, 4 thick, with three others on it
    labels[:4, :4, :4], labels[:, :8, 8:], labels[6:, 6:, :4] = 0, 2, 3
    labels[4:6, 4:6, :4] = 0
    contact = contact_faces(labels, 4)
    assert contact[0, 1] == 16 + 4 and contact[1, 2] == 96 and contact[1, 3] == 36 and contact[0, 2] == 0
    assert set(contact_joints(labels, 4)) == {(1, 0), (1, 2), (1, 3)}


def test_joined_parts_must_touch():
    mask = ball(BOX, 5, (-10, 0, 0)) | ball(BOX, 5, (10, 0, 0))
    labels = np.where(mask, (voxel_grid(BOX)[0] > 0).astype(int), -1)
    parts = join_parts(labels, (1, 2), "1>2")
    with pytest.raises(InputError, match="parts 1 and 2 do not touch"):
        check_joints_hold(build_mesh(mask, 2.0, 14, parts.part, parts.joints), parts)
    assert join_parts(labels, (1, 2), "").joints == ()


@pytest.mark.parametrize("count", [0, 2])
def test_a_dumbbell_falls_into_its_two_balls(count):
    mask = dumbbell()
    domain = find_domains(blurred(mask), mask, count)
    x = voxel_grid(48)[0]
    assert domain.max() == 1 and (domain[~mask] == -1).all()
    for side in (x < -4, x > 4):
        values, counts = np.unique(domain[mask & side], return_counts=True)
        assert counts.max() / counts.sum() > 0.97
    assert domain[24, 24, 13] != domain[24, 24, 35]


def test_a_ball_stays_whole_and_separate_balls_do_not():
    assert find_domains(blurred(ball(40, 12)), ball(40, 12)).max() == 0
    two = ball(40, 7, (-10, 0, 0)) | ball(40, 7, (10, 0, 0))
    assert find_domains(blurred(two), two).max() == 1


def test_weak_density_is_where_a_rod_is_cut():
    x, y, z = voxel_grid(48)
    rod = (np.abs(x) < 18) & (y**2 + z**2 < 36)
    density = blurred(rod) * np.where(np.abs(x + 6) < 2, 0.1, 1.0)
    domain = find_domains(density, rod, 2)
    assert domain[24, 24, 24 - 12] != domain[24, 24, 24] == domain[24, 24, 24 + 12]


def test_domains_are_the_same_every_time():
    mask = dumbbell(neck=5)
    assert (find_domains(blurred(mask), mask, 4) == find_domains(blurred(mask), mask, 4)).all()

"""Symmetric molecules: the groups, complexes whose subunits move by themselves, and their images as copies."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from chimerax.flexrec.engine.decoders.flow.first_guess import hold_out
from chimerax.flexrec.engine.decoders.flow.flow_network import Flow, build_motion_basis
from chimerax.flexrec.engine.decoders.flow.soft_modes import rigidity_weights, soft_modes
from chimerax.flexrec.engine.decoders.linear.density_components import confined
from chimerax.flexrec.engine.training.pose_corrections import Poses
from chimerax.flexrec.engine.training.resemblance import of_images
from chimerax.flexrec.engine.training.shared_poses import SharedCorrections, on_the_axes
from chimerax.flexrec.engine.training.trainer import split_halves
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.explore.export import save_particles
from chimerax.flexrec.jobs.job_folder import JobRun
from chimerax.flexrec.jobs.prep.prep_parameters import PREP
from chimerax.flexrec.jobs.simulate.simulate_design import read_assembly, read_molecule
from chimerax.flexrec.jobs.simulate.simulate_parameters import SIMULATE
from chimerax.flexrec.jobs.simulate.simulate_run import run as simulate
from chimerax.flexrec.jobs.train.train_moving import with_what_moves
from chimerax.flexrec.mesh import build_mesh, load_mesh, save_mesh
from chimerax.flexrec.mesh.asymmetric_unit import asymmetric_unit, symmetry_correlation
from chimerax.flexrec.mesh.free_vertices import let_move
from chimerax.flexrec.mesh.map_files import read_map, write_map
from chimerax.flexrec.particles import ImageStack, read_particles, write_star
from chimerax.flexrec.particles.copies import IMAGE, image_numbers
from chimerax.flexrec.particles.memory_stack import held_bytes, load_stack
from chimerax.flexrec.particles.prepared import UNIT, load_prepared
from chimerax.flexrec.particles.rotations import euler_to_matrix, matrix_to_euler
from chimerax.flexrec.particles.selection import make_selection
from chimerax.flexrec.particles.symmetry import COPY, are_expanded, first_direction, operators
from chimerax.flexrec.simulate import load_truth
from chimerax.flexrec.simulate.assembly import APART, GAP
from chimerax.flexrec.simulate.hinges import motions
from mesh_shapes import dumbbell
from scipy.ndimage import map_coordinates
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation
from test_particles_cs import FIELDS

pytestmark = pytest.mark.blank_pictures()

SMALL = {"symmetry": "C3", "box": 40, "pixel_size": 12.0, "particles": 60, "resolution": 14.0, "hinges": "fab1: ±20",
         "threads": 1, "snr": 0.0, "shift": 0.0}  # fmt: skip


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    """The folder of sixty images of three antibodies about an axis, without noise, and its truth."""
    folder = tmp_path_factory.mktemp("simulate")
    simulate(SIMULATE.build(SMALL), JobRun(folder, 5))
    return folder, load_truth(folder)


# ---------------------------------------------------------------------------- groups


@pytest.mark.parametrize(
    ("symbol", "order"), [("C1", 1), ("c7", 7), ("D2", 4), ("D5", 10), ("T", 12), ("O", 24), ("I", 60), ("I1", 60)]
)
def test_operators_are_a_group_of_rotations(symbol, order):
    group = operators(symbol)
    assert len(group) == order and np.allclose(group[0], np.eye(3))
    assert np.allclose(group @ group.swapaxes(1, 2), np.eye(3)) and np.allclose(np.linalg.det(group), 1)
    products = (group[:, None] @ group[None]).reshape(-1, 1, 9)
    assert np.abs(products - group.reshape(1, -1, 9)).max(axis=2).min(axis=1).max() < 1e-5
    direction = first_direction(group)
    assert order == 1 or np.degrees(np.arccos(np.clip(group[1:] @ direction @ direction, -1, 1))).min() > 20


def test_axes_are_those_of_relion():
    angles = (np.array([12.0]), np.array([70.0]), np.array([-40.0]))
    # relion_particle_symmetry_expand of C4 adds quarter turns to rot; the two-fold of D2 is x
    by_hand = [euler_to_matrix(angles[0] + 90 * turn, *angles[1:])[0] for turn in range(4)]
    expanded = euler_to_matrix(*angles)[0] @ operators("C4")
    assert all(np.abs(expanded - one).max((1, 2)).min() < 1e-9 for one in by_hand)
    assert np.abs(operators("D4") - np.diag([1.0, -1, -1])).max((1, 2)).min() < 1e-9
    # an icosahedron of RELION's I (I2) has its vertices in the planes of the axes, one at (1, 0, golden ratio)
    vertex = np.array([1, 0, (1 + 5**0.5) / 2])
    assert np.isclose(np.linalg.norm(operators("I") @ vertex - vertex, axis=1), 0, atol=1e-3).sum() == 5


def test_no_group_is_refused():
    with pytest.raises(InputError, match="no point group"):
        operators("C0")


# ---------------------------------------------------------------------------- simulate


def test_a_complex_at_rest_is_symmetric(simulated):
    _, truth = simulated
    rest = truth.moving.points_at(np.zeros(3))
    tree = cKDTree(rest)
    for operator in operators("C3"):
        assert tree.query(rest @ operator.T)[0].max() < 1e-3
    own = [hinge.moving for hinge in truth.hinges]
    assert rest[own[0]].mean(axis=0)[0] > 0 and not (own[0] & own[1]).any()
    density = truth.map_at(np.zeros(3))
    along = np.arange(40) - 20
    z, y, x = np.meshgrid(along, along, along, indexing="ij")
    turned = np.stack([x, y, z], -1) @ operators("C3")[1].T
    other = map_coordinates(density, turned[..., ::-1].transpose(3, 0, 1, 2) + 20, order=3)
    assert np.corrcoef(density.ravel(), other.ravel())[0, 1] > 0.98


@pytest.mark.parametrize("symbol", ["C3", "D2"])
def test_subunits_touch_and_do_not_overlap(symbol):
    made = read_assembly(SIMULATE.build(SMALL | {"symmetry": symbol}))
    first, *others = np.split(made.molecule.position, made.subunits)
    least = min(cKDTree(first).query(other)[0].min() for other in others)
    assert GAP - 2 < least < GAP + 4
    assert len(set(made.molecule.chain)) == made.subunits * len(set(read_molecule(SIMULATE.build({})).chain))
    assert all(hinge.moving.sum() == made.hinges[0].moving.sum() for hinge in made.hinges)
    moving = made.hinges[0].moving[: len(first)]
    for angle in (-20, 0, 20):  # what moves keeps its distance in all of its states
        motion = motions(made.hinges[:1], np.array([[float(angle)]]), 1)[0]
        there = first[moving] @ motion[:, :3].T + motion[:, 3]
        assert min(cKDTree(other).query(there)[0].min() for other in others) > APART - 2


def test_every_subunit_has_an_angle_of_its_own(simulated, tmp_path):
    _, truth = simulated
    assert truth.angles.shape == (60, 3) and truth.record["symmetry"] == "C3"
    assert np.abs(np.corrcoef(truth.angles.T) - np.eye(3)).max() < 0.4
    simulate(SIMULATE.build(SMALL | {"states": 4, "particles": 30}), JobRun(tmp_path, 5))
    few = load_truth(tmp_path)
    assert len(np.unique(few.angles)) == 4 and few.state.shape == (30, 3)
    assert (few.state[:, 0] != few.state[:, 1]).any()


def test_copy_g_sees_subunit_g_in_the_first_place(simulated):
    _, truth = simulated
    copies = truth.expanded()
    assert copies.angles.shape == (180, 1) and np.array_equal(copies.angles[:3, 0], truth.angles[0])
    rest = np.zeros(3)
    for row in (0, 7):
        for g in range(3):
            # the subunit that turns in image `row`, seen from its copy, is the one in the first place
            state = rest.copy()
            state[g] = truth.angles[row, g]
            seen = truth.moving.points_at(state) @ truth.rotation[row].T
            copy = 3 * row + g
            shown = copies.moving.points_at(copies.angles[copy]) @ copies.rotation[copy].T
            assert cKDTree(seen).query(shown)[0].max() < 1e-3


def test_dihedral_complexes_and_too_many_hinges(tmp_path):
    simulate(SIMULATE.build(SMALL | {"symmetry": "D2", "box": 48, "particles": 4}), JobRun(tmp_path, 1))
    rest = load_truth(tmp_path).moving.points_at(np.zeros(4))
    assert cKDTree(rest).query(rest * [1, -1, -1])[0].max() < 1e-3
    with pytest.raises(InputError, match="more than 62 hinges"):
        simulate(SIMULATE.build(SMALL | {"symmetry": "I", "hinges": "fab1: ±9; fab2: ±9"}), JobRun(tmp_path, 1))


# ---------------------------------------------------------------------------- prep


def prep(folder, source, **values):
    """A prep job's folder, its prepared particles and what it said."""
    folder.mkdir(exist_ok=True)
    PREP.function()(PREP.build({"particles": source, "whiten": False, "workers": 1} | values), JobRun(folder))
    return load_prepared(folder), json.loads((folder / "prep.json").read_text())


@pytest.fixture(scope="module")
def prepared(simulated, tmp_path_factory):
    folder, _ = simulated
    return prep(tmp_path_factory.mktemp("prep"), folder, symmetry="C3", consensus=folder / "consensus.mrc")


def test_every_particle_is_taken_once_for_each_subunit(simulated, prepared):
    folder, truth = simulated
    (made, record), plain = prepared, read_particles(folder / "particles.star")
    p = made.particles
    assert (len(p), record["count"], record["images"], record["symmetry"]) == (180, 180, 60, "C3")
    assert np.array_equal(p.index, np.repeat(np.arange(60), 3))
    assert (made.folder / "particles.mrcs").stat().st_size == 1024 + 60 * 40 * 40 * 4
    # as relion_particle_symmetry_expand has it: rot and two thirds of a turn more
    rot, tilt, psi = matrix_to_euler(plain.rotation)
    for turn in range(3):
        by_hand = euler_to_matrix(rot + 120 * turn, tilt, psi)
        there = [np.abs(p.rotation[copy::3] - by_hand).max((1, 2)) < 1e-4 for copy in range(3)]
        assert np.array_equal(np.sum(there, axis=0), np.ones(60))
    np.testing.assert_allclose(p.rotation, truth.expanded().rotation, atol=1e-6)
    assert np.array_equal(p.columns[IMAGE], np.repeat(np.arange(60), 3))
    assert np.array_equal(p.columns[COPY], np.tile(np.arange(3), 60))


def test_copies_share_a_half_a_held_out_set_and_a_decision(prepared):
    p = prepared[0].particles
    image = np.repeat(np.arange(60), 3)
    first, second = split_halves(p, 0)
    assert not set(image[first]) & set(image[second]) and len(first) + len(second) == 180
    apart = hold_out(SimpleNamespace(image=image_numbers(p)), np.arange(180))
    assert apart.sum() == 36 and np.array_equal(apart[::3], apart[1::3]) and np.array_equal(apart[::3], apart[2::3])
    found = np.random.default_rng(0).normal(size=(180, 2))
    each, number = of_images(found, image_numbers(p))
    assert len(each) == 60 and np.array_equal(number, image)
    assert np.allclose(each, found.reshape(60, 3, 2).mean(axis=1))
    alone, number = of_images(found, np.arange(180))
    assert alone is found and np.array_equal(number, np.arange(180))


def test_the_asymmetric_unit_is_one_subunit(prepared):
    unit, pixel_size = read_map(prepared[0].folder / UNIT)
    made = read_assembly(SIMULATE.build(SMALL))
    index = np.rint(made.molecule.position / pixel_size + len(unit) // 2).astype(int)
    inside = unit[tuple(index[:, ::-1].T)]
    own, *others = np.split(inside, 3)
    assert own.mean() > 0.8 and max(other.mean() for other in others) < 0.15  # of atoms, in voxels of 12 Å
    assert inside[made.hinges[0].moving].mean() > 0.97
    assert max(inside[hinge.moving].mean() for hinge in made.hinges[1:]) < 0.01


@pytest.mark.parametrize("program", ["relion", "cryosparc"])
def test_particles_that_are_expanded_already_stay_so(simulated, tmp_path, program):
    folder, _ = simulated
    plain = read_particles(folder / "particles.star")
    rows = np.tile(np.arange(60), 3)  # all copies by the first operator come first
    turned = plain.rotation[rows] @ operators("C3")[np.repeat(np.arange(3), 60)]
    if program == "relion":
        source = tmp_path / "expanded.star"
        write_star(source, replace(plain.take(rows), rotation=turned, half=np.tile([1, 2], 90).astype(np.int8)))
    else:
        source = save_cs(tmp_path, plain.take(rows), turned, rows)
    made, record = prep(tmp_path / "job", source, symmetry="C3", consensus=folder / "consensus.mrc")
    assert len(made.particles) == 180 and COPY not in made.particles.columns
    assert any("not expanded again" in note for note in record["warnings"])
    assert (made.folder / UNIT).is_file()
    image = image_numbers(made.particles)
    assert np.array_equal(image, rows)
    first, second = split_halves(made.particles, 0)
    assert not set(image[first]) & set(image[second]) and min(len(first), len(second)) > 30


def save_cs(folder, particles, rotation, rows):
    """Particles as cryoSPARC's symmetry expansion writes them: new uids, and the old ones as their source."""
    fields = [("blob/path", "S300") if field[0] == "blob/path" else field for field in FIELDS]
    fields += [("sym_expand/src_uid", "u8"), ("sym_expand/idx", "u4")]
    data = np.zeros(len(rows), fields)
    data["uid"], data["sym_expand/src_uid"], data["blob/idx"] = np.arange(len(rows)) + 10**9, rows + 7, particles.index
    data["blob/path"], data["blob/shape"] = str(particles.stacks[0]).encode(), 40
    data["blob/psize_A"], data["blob/sign"], data["alignments3D/psize_A"] = 12.0, 1, 12.0
    data["ctf/accel_kv"], data["ctf/cs_mm"], data["ctf/amp_contrast"] = 300, 2.7, 0.1
    data["ctf/df1_A"], data["ctf/df2_A"] = particles.defocus[:, :2].T
    data["ctf/df_angle_rad"], data["alignments3D/split"] = np.radians(particles.defocus[:, 2]), np.arange(len(rows)) % 2
    data["alignments3D/shift"] = particles.shift / 12.0
    data["alignments3D/pose"] = Rotation.from_matrix(rotation.swapaxes(1, 2)).as_rotvec()
    with open(folder / "expanded.cs", "wb") as file:
        np.save(file, data)
    return folder / "expanded.cs"


def test_a_consensus_without_the_symmetry_is_refused(simulated, tmp_path):
    folder, _ = simulated
    with pytest.raises(InputError, match="has no symmetry D2"):
        prep(tmp_path, folder, symmetry="D2", consensus=folder / "consensus.mrc")


def test_without_symmetry_nothing_is_copied(simulated, tmp_path):
    made, record = prep(tmp_path, simulated[0])
    assert len(made.particles) == 60 and not (tmp_path / UNIT).exists()
    assert IMAGE not in made.particles.columns and "symmetry" not in record


def test_a_selection_of_copies_is_written_with_their_poses(simulated, prepared, tmp_path):
    folder, made = simulated[0], prepared[0].particles
    source = read_particles(folder / "particles.star")
    trained = SimpleNamespace(
        particles=made, source=source.source, recorded_source=source.source, source_particles=source,
        latents=np.zeros((180, 1)), identity="",
        source_rows=lambda rows: np.asarray(made.columns["flexrecSourceRow"])[rows],
        model=SimpleNamespace(origin=None),
    )  # fmt: skip
    chosen = make_selection("some", np.array([1, 3, 5]), 180)
    save_particles(trained, chosen, tmp_path / "some.star")
    written = read_particles(tmp_path / "some.star")
    assert written.index.tolist() == [0, 1, 1] and np.asarray(written.columns[COPY]).tolist() == [1, 0, 2]
    np.testing.assert_allclose(written.rotation, made.rotation[[1, 3, 5]], atol=1e-6)
    save_particles(trained, chosen, tmp_path / "some.txt")
    assert (tmp_path / "some.txt").read_text().split() == ["0", "1"]
    with pytest.raises(InputError, match="written as .star alone"):
        save_particles(trained, chosen, tmp_path / "some.cs")


# ---------------------------------------------------------------------------- what moves


def test_a_cut_goes_where_the_density_is_least_and_not_between_planes():
    """Three commas, the tail of each reaching over the next: a wedge would cut the tails off."""
    box, pixel_size, group = 48, 5.0, operators("C3")
    turn = np.radians(np.arange(0, 75, 5.0))
    radius = np.linspace(9, 17, len(turn))
    spine = np.stack([radius * np.cos(turn), radius * np.sin(turn), np.zeros(len(turn))], 1)
    along = np.arange(box) - box // 2
    z, y, x = np.meshgrid(along, along, along, indexing="ij")
    places = np.stack([x, y, z], -1).astype(float)

    def comma(operator):
        apart = ((places[..., None, :] - spine @ operator.T) ** 2).sum(-1).min(-1)
        return np.exp(-apart / 8)

    each = np.stack([comma(operator) for operator in group])
    unit = asymmetric_unit(each.sum(0).astype(np.float32), pixel_size, group)
    mine = [float((unit * one).sum() / one.sum()) for one in each]
    assert sorted(mine)[-1] > 0.85 and sorted(mine)[-2] < 0.02
    assert symmetry_correlation(each.sum(0).astype(np.float32), group, pixel_size) > 0.95
    assert symmetry_correlation(each[0].astype(np.float32), group, pixel_size) < 0.5


@pytest.fixture(scope="module")
def held():
    """A dumbbell of which one lobe and some of the neck may move."""
    mesh = build_mesh(dumbbell(40, 7, 10, 2.5), 3.0, 12)
    along = np.arange(40) - 20
    mask = np.broadcast_to((along > -2).astype(np.float32), (40, 40, 40))
    return let_move(mesh, mask, 3.0)


def test_what_lies_outside_the_mask_stands_still(held):
    x = held.vertices[:, 0]
    assert (held.free[x < -15] == 0).all() and (held.free[x > 9] == 1).all() and 0.2 < (held.free > 0).mean() < 0.8
    mass = np.ones(len(x))
    modes, stiffness = soft_modes(held, mass, 10)
    assert modes.shape == (3 * len(x), 16) and (stiffness[6:] > 0).all() and (np.diff(stiffness[6:]) >= 0).all()
    moved = modes[:, 6:].reshape(len(x), 3, 10)
    assert (moved[held.free == 0] == 0).all() and np.abs(moved[held.free == 1]).max() > 0.5
    assert (modes[:, :6] == soft_modes(replace(held, free=None), mass, 10)[0][:, :6]).all()
    weights = rigidity_weights(held)
    still = (held.free[held.cells] == 0).all(axis=1)
    assert still.any() and (weights[still] == 0).all() and np.isclose(weights.sum(), 1)


def test_parts_beyond_the_mask_stay_with_what_stands_still(held):
    parts = (held.centroids()[:, 0] > 0).astype(np.int32)
    basis = build_motion_basis(replace(held, part=parts, joints=((0, 1),)), np.ones(len(held.vertices)), 6)
    assert np.allclose(basis.membership.sum(axis=1), 1)
    assert (basis.membership[held.free == 0] == [1, 0]).all()
    flow = Flow(basis, 1)
    with torch.no_grad():
        flow.linear.weight[6:] = 0.3
        moved = (flow(torch.ones(1, 1))[0] - flow.vertices).norm(dim=1).numpy()
    assert moved[held.free == 0].max() < 1e-4 and moved[held.free == 1].min() > 0.5


def test_a_held_mesh_comes_back_as_it_was_saved(held, tmp_path):
    save_mesh(tmp_path / "mesh.npz", held)
    assert np.array_equal(load_mesh(tmp_path / "mesh.npz").free, held.free)
    save_mesh(tmp_path / "mesh.npz", replace(held, free=held.free[:-1]))
    with pytest.raises(InputError, match="freedoms"):
        load_mesh(tmp_path / "mesh.npz")


def test_a_mask_of_nothing_or_no_mask_is_refused(held, prepared, tmp_path):
    made = prepared[0]
    for values, message in ((np.zeros((40,) * 3), "nothing of the mesh"), (np.full((40,) * 3, 7.0), "no mask")):
        write_map(tmp_path / "mask.mrc", values, 12.0)
        with pytest.raises(InputError, match=message):
            with_what_moves(held, tmp_path / "mask.mrc", made)
    assert with_what_moves(replace(held, free=None), None, made).free is not None
    assert with_what_moves(held, None, replace(made, folder=tmp_path)) is held


def test_components_stay_where_there_is_freedom():
    volumes, freedom = torch.ones(3, 4, 4, 4), torch.zeros(4, 4, 4)
    freedom[0] = 1
    inside = confined(volumes, torch.ones(4, 4, 4), freedom)
    assert inside[0].sum() == 64 and inside[1:].sum() == 32
    assert confined(volumes, torch.ones(4, 4, 4), None).sum() == 192


def test_images_are_held_in_memory_once(prepared):
    p = prepared[0].particles
    kept, rows = load_stack(p), np.array([5, 4, 177, 0, 3])
    assert len(kept) == 180 and kept.images.nbytes == held_bytes(p) == 60 * 40 * 40 * 4
    assert np.array_equal(kept.read(rows), ImageStack(p).read(rows))


def test_copies_of_an_image_share_what_they_say_of_its_pose_on_average():
    own = torch.arange(30.0).reshape(6, 5)
    shared = SharedCorrections.among(np.array([7, 2, 7, 2, 7, 9]), own)
    wanted = torch.stack([own[[0, 2, 4]].mean(0), own[[1, 3]].mean(0), own[5]])[[0, 1, 0, 1, 0, 2]]
    assert torch.allclose(shared.together(torch.ones(6)), wanted)


@pytest.mark.parametrize("pull", [0.4, 1.0])
def test_what_the_motions_of_other_subunits_look_like_is_taken_from_the_pose(pull):
    rng = np.random.default_rng(0)
    images, copies = 500, 3
    error = rng.normal(0, 1, (images, 1, 5))  # of the image's pose
    from_motion = rng.normal(0, 1, (images, copies, 5))
    own = error - pull * (from_motion.sum(axis=1, keepdims=True) - from_motion) + rng.normal(0, 0.2, from_motion.shape)
    shared = SharedCorrections.among(np.repeat(np.arange(images), copies), torch.zeros(images * copies, 5))
    shared.take(torch.arange(images * copies), *(torch.tensor(v).float().reshape(-1, 5) for v in (own, from_motion)))
    left = shared.together(torch.ones(images * copies)).numpy().reshape(images, copies, 5) - error
    assert left.std() < 0.17 and (own.mean(axis=1, keepdims=True) - error).std() > 3 * left.std()


def test_a_correction_moves_all_copies_of_an_image_alike():
    group, rng = operators("C3"), np.random.default_rng(0)
    correction, centre = torch.tensor(rng.normal(size=(1, 5))).repeat(3, 1), torch.tensor([0.0, 0, 4]).double()
    poses = Poses(correction, torch.ones(2), centre, 30.0)
    views = torch.from_numpy(Rotation.random(rng=1).as_matrix() @ group)
    points = torch.tensor(rng.normal(0, 50, (20, 3)))
    turned, offset = poses.view(views, poses.correction)
    places = torch.stack([(turned[copy] @ torch.from_numpy(operator).T @ points.T)[:2].T + offset[copy]
                          for copy, operator in enumerate(group)])  # fmt: skip
    assert torch.allclose(places, places[:1].expand_as(places))


def test_the_centre_of_turns_lies_on_the_axes():
    group = operators("C3")
    views = torch.from_numpy(Rotation.random(rng=1).as_matrix() @ group).float()
    image = torch.tensor([5, 5, 5])
    assert torch.allclose(on_the_axes(torch.tensor([3.0, -2, 7]), views, image), torch.tensor([0.0, 0, 7]), atol=1e-5)


def test_expanded_particles_are_told_from_images_that_are_there_twice():
    turns = Rotation.random(50, rng=2).as_matrix()
    image = np.repeat(np.arange(50), 3)
    expanded = (turns[:, None] @ operators("C3")).reshape(-1, 3, 3)
    assert are_expanded(expanded, image)
    assert not are_expanded(expanded[::3], image[::3])
    assert not are_expanded(turns.repeat(3, axis=0), image)
    assert not are_expanded(Rotation.random(150, rng=3).as_matrix(), image)

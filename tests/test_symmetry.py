"""Symmetric molecules: the groups, complexes whose subunits move by themselves, and their images as copies."""

from __future__ import annotations

import numpy as np
import pytest
from chimerax.flexrec.engine.simulate import load_truth
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.jobs.folder import JobRun
from chimerax.flexrec.jobs.simulate import SIMULATE
from chimerax.flexrec.jobs.simulate_run import run as simulate
from chimerax.flexrec.particles.rotations import euler_to_matrix
from chimerax.flexrec.particles.symmetry import first_direction, operators
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

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


def test_a_complex_at_rest_is_symmetric_and_its_subunits_touch_without_overlap(simulated):
    _, truth = simulated
    rest = truth.moving.points_at(np.zeros(3))
    tree = cKDTree(rest)
    for operator in operators("C3"):
        assert tree.query(rest @ operator.T)[0].max() < 1e-3
    azimuth = np.degrees(np.arctan2(rest[:, 1], rest[:, 0]))
    own = [hinge.moving for hinge in truth.hinges]
    assert abs(azimuth[own[0]].mean()) < 60 and not (own[0] & own[1]).any()
    density = truth.map_at(np.zeros(3))
    from scipy.ndimage import map_coordinates

    along = np.arange(40) - 20
    z, y, x = np.meshgrid(along, along, along, indexing="ij")
    turned = np.stack([x, y, z], -1) @ operators("C3")[1].T
    other = map_coordinates(density, turned[..., ::-1].transpose(3, 0, 1, 2) + 20, order=3)
    assert np.corrcoef(density.ravel(), other.ravel())[0, 1] > 0.98


def test_every_subunit_has_an_angle_of_its_own(simulated):
    folder, truth = simulated
    assert truth.angles.shape == (60, 3) and truth.record["symmetry"] == "C3"
    assert np.abs(np.corrcoef(truth.angles.T) - np.eye(3)).max() < 0.4
    again = SIMULATE.build(SMALL | {"states": 4})
    simulate(again, JobRun(folder.parent, 5)) if not (folder.parent / "truth.npz").exists() else None
    states = load_truth(folder.parent)
    assert len(np.unique(states.angles)) == 4 and states.state.shape == (60, 3)


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


def random_pose(seed: int) -> np.ndarray:
    return Rotation.random(random_state=seed).as_matrix()

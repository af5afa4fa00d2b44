"""Paths through latent space, and the ångströms that they are measured in."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.explore.anchors import point_text, read_anchors, read_point
from chimerax.flexrec.explore.make_path import make_path
from chimerax.flexrec.explore.metric import Motion
from chimerax.flexrec.explore.named_states import keep_state, kept_states
from chimerax.flexrec.explore.path import LatentPath, at_constant_speed, load_path, save_path
from chimerax.flexrec.explore.path_graph import graph_path
from chimerax.flexrec.explore.path_lines import component_path, path_from_file, straight_path
from chimerax.flexrec.explore.principal_components import components_of, latent_components
from chimerax.flexrec.explore.trained_model import open_trained
from chimerax.flexrec.models import open_model
from chimerax.flexrec.models.points_file import read_points
from chimerax.flexrec.models.support import Support
from explored_project import COUNT, make_project
from trained_models import make_sliding, make_trained, white


@pytest.mark.parametrize("text, points", [
    ("z2,z1\n0.5,0\n1,-1\n", [[0, 0.5], [-1, 1]]),  # each column where its heading puts it
    (",z1,z2\n0,0.5,0\n1,1,-1\n", [[0.5, 0], [1, -1]]),  # as pandas writes it
    ("\ufeff0.5,0\n1,-1\n", [[0.5, 0], [1, -1]]),  # a spreadsheet's mark is no heading
    ("x y\n0.5 0\n\n1 -1\n", [[0.5, 0], [1, -1]]),
    ("0.5, 0,\n1, -1,\n", [[0.5, 0], [1, -1]]),
])  # fmt: skip
def test_points_of_a_table_are_read_by_its_heading(tmp_path, text, points):
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    assert read_points(tmp_path / "a.csv", 2).tolist() == points


@pytest.mark.parametrize("text, sentence", [
    ("pc1,pc2\n0,0\n", "its heading has pc1, pc2, and z1, z2 are needed"),
    ("o.5,0\n1,1\n", "'o.5'"),  # a slip of the pen is no heading
    ("0,,1\n1,,1\n", "line 1 has a gap"),
    ("0,1\n1\n", "line 2 has 1 numbers"),
])  # fmt: skip
def test_points_of_a_table_are_never_guessed(tmp_path, text, sentence):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(InputError, match=sentence):
        read_points(tmp_path / "a.csv", 2)


def test_an_outline_is_of_the_axes_that_its_heading_names(tmp_path):
    (tmp_path / "a.csv").write_text("pc2,pc1\n1,2\n")
    assert read_points(tmp_path / "a.csv", 2, ("pc1", "pc2")).tolist() == [[2, 1]]


def test_complex_numbers_are_no_points(tmp_path):
    np.save(tmp_path / "a.npy", np.ones((2, 2), complex))
    with pytest.raises(InputError, match="complex"):
        read_points(tmp_path / "a.npy", 2)


@pytest.fixture(scope="module")
def bent(tmp_path_factory):
    """A model whose motion is not linear in its latents."""
    return open_model(make_trained(tmp_path_factory.mktemp("bent") / "train", motion=0.4)[0])


@pytest.fixture(scope="module")
def sliding(tmp_path_factory):
    """A model that slides by 3 Å for each unit of z1 and by 0.5 Å for each of z2."""
    return open_model(make_sliding(tmp_path_factory.mktemp("slide") / "train", (3.0, 0.5), white(300, 2)))


@pytest.fixture(scope="module")
def horseshoe():
    """Latents (6000, 2) on three quarters of a circle of radius 2, and the angles (radians)."""
    rng = np.random.default_rng(0)
    angle = rng.uniform(0, 1.5 * np.pi, 6000)
    radius = 2 + 0.1 * rng.normal(size=6000)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).astype(np.float32), angle


def test_motion_is_measured_in_angstroms(sliding):
    motion = Motion.of(sliding)
    assert motion.steps([[0, 0], [1, 0], [1, 2]]) == pytest.approx([3, 1], rel=1e-4)
    assert np.allclose(motion.tensor([[0.3, 0.1], [2, -1]]), np.diag([9, 0.25]), atol=0.01)
    assert motion.displacement([[1, 0], [0, 1], [1, 2]]) == pytest.approx([3, 0.5, np.sqrt(10)], rel=1e-3)


def test_the_metric_is_what_small_steps_measure(bent):
    motion, step = Motion.of(bent), np.array([0.03, -0.02])
    z = bent.latents[:20]
    far = np.array([motion.steps([a - step, a + step])[0] for a in z])
    assert np.sqrt(np.einsum("k,mkl,l->m", 2 * step, motion.tensor(z), 2 * step)) == pytest.approx(far, rel=0.02)


def test_few_coordinates_keep_the_distances(bent):
    motion, z = Motion.of(bent), bent.latents[:60]
    few = motion.coordinates(z)
    assert few.shape[1] < 30
    assert np.linalg.norm(np.diff(few, axis=0), axis=1) == pytest.approx(motion.steps(z), rel=0.02)


def test_a_straight_path_goes_from_end_to_end_at_one_speed():
    path = straight_path([[0, 0, 0], [3, 0, 0], [3, 1, 0]], frames=9)
    assert path.z.shape == (9, 3) and path.z.dtype == np.float32
    assert np.allclose(path.z[[0, -1]], [[0, 0, 0], [3, 1, 0]])
    assert np.allclose(path.z[6], [3, 0, 0])  # three quarters of the way
    assert np.linalg.norm(np.diff(path.z, axis=0), axis=1) == pytest.approx(np.full(8, 0.5), rel=1e-4)
    assert path.length() == pytest.approx(4) and np.allclose(path.point(0.5), [2, 0, 0])
    assert np.allclose(path.point(7), path.z[-1])


def test_speed_is_constant_in_angstroms_where_it_is_asked(bent, sliding):
    motion = Motion.of(bent)
    ends = [[-2.5, -1.5], [2.5, 2]]
    by_z, by_motion = straight_path(ends, 15), straight_path(ends, 15, motion)
    assert np.ptp(motion.steps(by_z.z)) > 0.1 * motion.steps(by_z.z).mean()
    assert np.ptp(motion.steps(by_motion.z)) < 0.01 * motion.steps(by_motion.z).mean()
    assert np.allclose(by_motion.z[[0, -1]], ends)
    slide = straight_path([[0, 0], [1, 0], [1, 6]], 7, Motion.of(sliding))  # 3 Å and 3 Å
    assert np.allclose(slide.z[3], [1, 0], atol=1e-3)
    assert slide.length(Motion.of(sliding)) == pytest.approx(6, rel=1e-3)


def test_paths_that_lead_nowhere_are_refused(sliding):
    with pytest.raises(InputError, match="no length"):
        straight_path([[1, 2], [1, 2]])
    with pytest.raises(InputError, match="two points"):
        straight_path([[1, 2]])
    for frames in (1, 10**9):
        with pytest.raises(InputError, match="two to 10000 frames"):
            at_constant_speed([[0, 0], [1, 1]], frames)


def test_a_component_is_walked_between_percentiles_through_a_point():
    z = (np.random.default_rng(0).normal(size=(4000, 3)) * [4, 2, 1]).astype(np.float32)
    components = latent_components(z)
    path = component_path("pc1", components, z, frames=11, percentiles=(10, 90))
    along = components.coordinates(path.z)
    assert along[[0, -1], 0] == pytest.approx(np.percentile(components.coordinates(z)[:, 0], (10, 90)), abs=1e-3)
    assert np.allclose(along[:, 1:], components.coordinates(np.median(z, axis=0))[1:], atol=1e-5)
    through = component_path("z2", components, z, through=np.array([1.0, 0, -2.0]))
    assert np.allclose(through.z[:, [0, 2]], [1, -2]) and through.kind == "component"
    with pytest.raises(InputError, match="percentiles"):
        component_path("pc1", components, z, percentiles=(90, 10))
    with pytest.raises(InputError, match="one of z1 to z3"):
        component_path("pc4", components, z)


def test_a_path_along_an_axis_leaves_out_particles_without_latents(tmp_path):
    latents = np.random.default_rng(0).normal(size=(COUNT, 2))
    latents[7] = np.nan
    path = make_path(open_trained(make_project(tmp_path / "project", latents=latents)), axis="z1", frames=5)
    assert np.allclose(path.z[[0, -1], 0], np.nanpercentile(latents[:, 0], (5, 95)), atol=1e-4)
    assert np.allclose(path.z[:, 1], np.nanmedian(latents[:, 1]), atol=1e-4)


def test_the_first_component_of_a_motion_moves_farthest(sliding):
    components, motion = components_of(sliding), Motion.of(sliding)
    lengths = [component_path(axis, components, sliding.latents).length(motion) for axis in ("pc1", "pc2")]
    assert components.size == pytest.approx([3, 0.5], rel=0.02)
    assert lengths[0] == pytest.approx(3 * 2 * 1.645, rel=0.1) and lengths[1] < lengths[0] / 4


def test_a_path_through_the_graph_stays_among_particles(horseshoe):
    z, angle = horseshoe
    ends = np.array([[2.0, 0.0], [0.0, -2.0]])
    path = graph_path(ends, z, frames=40)
    assert np.allclose(path.z[[0, -1]], ends)
    walked = np.unwrap(np.arctan2(path.z[:, 1], path.z[:, 0]))
    assert walked[-1] == pytest.approx(1.5 * np.pi, abs=0.05) and (np.diff(walked) > 0).all()
    support = Support.of(z)
    assert not support.outside(path.z).any() and support.outside(straight_path(ends, 40).z).mean() > 0.5
    radius = np.linalg.norm(path.z, axis=1)
    assert radius.min() > 1.6 and path.length() == pytest.approx(1.5 * np.pi * radius.mean(), rel=0.02)  # no zigzag
    assert np.ptp(np.linalg.norm(np.diff(path.z, axis=0), axis=1)) < 0.01
    assert np.array_equal(path.z, graph_path(ends, z, frames=40).z)


def test_a_path_through_the_graph_visits_the_anchors_in_order(horseshoe):
    ends = np.array([[2.0, 0.0], [0.0, -2.0], [-2.0, 0.0]])
    path = graph_path(ends, horseshoe[0], frames=60)
    walked = np.unwrap(np.arctan2(path.z[:, 1], path.z[:, 0]))
    assert walked.max() == pytest.approx(1.5 * np.pi, abs=0.1)
    assert walked[-1] == pytest.approx(np.pi, abs=0.05)


def test_a_geodesic_avoids_what_moves_the_molecule_far(tmp_path):
    # a ring whose upper half is the shorter way in latent units, and the lower half, flat and wide, in ångströms
    angle = np.random.default_rng(1).uniform(0, 2 * np.pi, 3000)
    up, down = np.maximum(np.sin(angle), 0), np.minimum(np.sin(angle), 0)
    ring = np.stack([np.cos(angle) * (1 - 2 * down), up + 0.5 * down], axis=1)
    model = open_model(make_sliding(tmp_path / "train", (0.1, 4.0), ring))
    ends, motion = np.array([[1.0, 0.0], [-1.0, 0.0]]), Motion.of(model)
    by_z, by_motion = graph_path(ends, model.latents, 30), graph_path(ends, model.latents, 30, motion)
    assert by_z.z[15, 1] > 0.9 and by_motion.z[15, 1] < -0.45
    assert by_z.length() < by_motion.length() and by_z.length(motion) > 1.5 * by_motion.length(motion)


def test_islands_are_not_joined():
    rng = np.random.default_rng(0)
    islands = np.concatenate([rng.normal(size=(500, 2)) * 0.1, rng.normal(size=(500, 2)) * 0.1 + 50])
    with pytest.raises(InputError, match="islands"):
        graph_path([[0, 0], [50, 50]], islands)


def test_paths_are_saved_and_read_again(tmp_path):
    path = LatentPath(np.array([[0.123456, 1], [2, -3]], np.float32), "über pc1", "component")
    save_path(tmp_path / "p.json", path, 12.5, "Å")
    again = load_path(tmp_path / "p.json", 2)
    assert np.allclose(again.z, path.z, atol=1e-6) and (again.name, again.kind) == ("über pc1", "component")
    assert len(again) == 2 and [p.name for p in tmp_path.iterdir()] == ["p.json"]
    np.save(tmp_path / "p.npy", path.z)
    assert np.allclose(path_from_file(tmp_path / "p.npy", 2, frames=3).z[1], path.z.mean(axis=0), atol=1e-5)
    assert np.array_equal(path_from_file(tmp_path / "p.npy", 2).z, path.z)
    with pytest.raises(InputError, match=r"\(points, 3\) is needed"):
        load_path(tmp_path / "p.json", 3)
    with pytest.raises(InputError, match="ends so"):
        save_path(tmp_path, path)
    with pytest.raises(InputError, match="no folder"):
        save_path(tmp_path / "none" / "p.json", path)


def test_points_come_back_exactly_from_words_and_files(tmp_path):
    trained = open_trained(make_project(tmp_path / "project"))
    rng = np.random.default_rng(3)
    z = (rng.uniform(-4, 4, (200, 2)) * 10.0 ** rng.integers(-6, 1, (200, 2))).astype(np.float32)
    assert point_text(np.array([0.1, -0.25])) == "0.1,-0.25"
    assert np.array_equal([read_point(point_text(point), trained) for point in z], z)
    save_path(tmp_path / "p.json", LatentPath(z, "p", "file"))
    assert np.array_equal(load_path(tmp_path / "p.json", 2).z, z)


def test_points_of_a_file_are_even_in_angstroms_only_as_so_many_frames(tmp_path):
    trained = open_trained(make_project(tmp_path / "project"))
    (tmp_path / "a.csv").write_text("0,0\n0.1,0\n1,0\n")
    with pytest.raises(InputError, match="ask for a number of frames too"):
        make_path(trained, points=tmp_path / "a.csv", in_angstroms=True)
    path = make_path(trained, points=tmp_path / "a.csv", in_angstroms=True, frames=5)
    assert len(path) == 5 and len(make_path(trained, points=tmp_path / "a.csv")) == 3


KEEP = """
import sys
from chimerax.flexrec.explore.named_states import keep_state, kept_states
from chimerax.flexrec.explore.trained_model import open_trained
trained = open_trained(sys.argv[1])
for number in range(8):
    keep_state(trained, f"{sys.argv[2]} {number}", (number / 8, 0.0))
"""


def test_states_kept_by_several_processes_at_once_are_all_there(tmp_path):
    trained = open_trained(make_project(tmp_path / "project"))
    words = [sys.executable, "-c", KEEP, str(trained.folder)]
    others = [subprocess.Popen([*words, name]) for name in ("first", "second")]
    with ThreadPoolExecutor(2) as pool:  # threads of one process share the system's locks
        list(pool.map(lambda number: keep_state(trained, f"own {number}", (0.0, number / 8)), range(8)))
    assert [other.wait(60) for other in others] == [0, 0]
    names = {state.name for state in kept_states(trained)}
    assert {f"{who} {number}" for who in ("first", "second", "own") for number in range(8)} <= names


def test_points_are_named_by_kept_states_too(tmp_path):
    trained = open_trained(make_project(tmp_path / "project"))
    keep_state(trained, "open", (1.0, 0.5))
    keep_state(trained, "state 1", (-1.0, 0.25))
    found = read_anchors("open,0.5,-0.5,p7;state 1", trained)
    assert np.allclose(found, [(1, 0.5), (0.5, -0.5), trained.latents[7], (-1, 0.25)])
    assert np.allclose(read_point("state 1", trained), (-1, 0.25)) and np.allclose(read_point("0,1", trained), (0, 1))
    path = make_path(trained, through="state 1;open", frames=3)
    assert np.allclose(path.z[[0, -1]], [(-1, 0.25), (1, 0.5)])
    assert np.allclose(make_path(trained, axis="z1", at="open").z[:, 1], 0.5)
    wrong = {"closed": "kept state \\(open, state 1\\)", "open,open": "is 2 points", "1,2,3": "3 numbers",
             "nan,1": "finite"}  # fmt: skip
    for text, said in wrong.items():
        with pytest.raises(InputError, match=said):
            read_point(text, trained)
    for name in ("p12", "C3", "7", "1.5", "2e3"):
        with pytest.raises(InputError, match="already means"):
            keep_state(trained, name, (0.0, 0.0))

"""The numbers behind the tests of trainings, on latents and images whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from chimerax.flexrec.engine.decoders.flow.mesh_deformation import mesh_deformation
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.explore.latent_spread import latent_spread
from chimerax.flexrec.explore.latents_by_pass import MOST_PASSES, LatentsByPass, convergence
from chimerax.flexrec.explore.state_agreement import matched_directions
from chimerax.flexrec.explore.unfit_particles import unfit
from chimerax.flexrec.figures.moves_figure import draw_moves
from chimerax.flexrec.jobs.diagnose.border_test import judge as judge_border
from chimerax.flexrec.jobs.diagnose.diagnose_parameters import DIAGNOSE
from chimerax.flexrec.jobs.diagnose.diagnose_run import run as run_tests
from chimerax.flexrec.jobs.diagnose.dimensions_test import judge as judge_dimensions
from chimerax.flexrec.jobs.diagnose.encoder_trainings import Trained, judge_sizes, judge_twins
from chimerax.flexrec.jobs.diagnose.epochs_test import judge as judge_epochs
from chimerax.flexrec.jobs.diagnose.half_models import HeldOutGains
from chimerax.flexrec.jobs.diagnose.junk_test import particles_among
from chimerax.flexrec.jobs.diagnose.motion_test import judge as judge_motion
from chimerax.flexrec.jobs.diagnose.moved_latents import Moves, median_of_spread, moves_summary
from chimerax.flexrec.jobs.diagnose.moved_latents import judge as judge_moves
from chimerax.flexrec.jobs.diagnose.strain_test import Plausibility
from chimerax.flexrec.jobs.diagnose.strain_test import judge as judge_strain
from chimerax.flexrec.jobs.job_folder import JobRun
from chimerax.flexrec.mesh.tetmesh import TetMesh
from reported_jobs import make_training

COUNT = 4000
RNG = np.random.default_rng(0)


def precision(count: int, *variance: float) -> np.ndarray:
    return np.repeat(np.diag(1 / np.array(variance))[None], count, axis=0)


def test_images_tell_of_each_axis_what_posteriors_leave():
    truth = RNG.normal(size=(COUNT, 2)) * np.sqrt([0.9, 0.3])
    z = truth + RNG.normal(size=(COUNT, 2)) * np.sqrt([0.1, 0.7])
    turn = np.array([[0.8, -0.6], [0.6, 0.8]])  # the axes are found again however the latents are turned
    turned = np.einsum("ij,njk,lk->nil", turn, precision(COUNT, 0.1, 0.7), turn)
    found = latent_spread(z @ turn.T, turned)
    assert found.determined == pytest.approx([0.9, 0.3], abs=0.05) and found.effective == pytest.approx(1.2, abs=0.08)
    assert np.cov(found.places.T) == pytest.approx(np.eye(2), abs=0.01)
    assert abs(np.corrcoef(found.places[:, 0], z[:, 0])[0, 1]) > 0.99
    assert abs(found.skewness).max() < 0.15 and abs(found.kurtosis).max() < 0.25 and found.distance.max() < 0.03


def test_latents_that_images_tell_nothing_of_have_collapsed():
    z = RNG.normal(size=(COUNT, 1))
    found = latent_spread(z, precision(COUNT, 0.95))
    assert found.wide == 1 and judge_border(found)[0] == "bad" and "collapsed" in judge_border(found)[1]
    one_unused = latent_spread(RNG.normal(size=(COUNT, 2)), precision(COUNT, 0.05, 0.95))
    assert judge_border(one_unused)[0] == "doubtful" and "fewer dimensions" in judge_border(one_unused)[1]


@pytest.mark.parametrize(
    "shape, level", [("normal", "good"), ("uniform", "good"), ("border", "bad"), ("two", "doubtful")]
)
def test_a_pile_at_the_border_is_told_from_a_motion(shape, level):
    normal = RNG.normal(size=COUNT)
    z = {
        "normal": normal,
        "uniform": RNG.uniform(-1, 1, COUNT),
        "border": np.minimum(normal, 0.8) + 0.02 * RNG.normal(size=COUNT),  # a fifth of all pushed against one place
        "two": np.where(RNG.random(COUNT) < 0.5, -1, 1) + 0.08 * RNG.normal(size=COUNT),
    }[shape]
    found = latent_spread(z[:, None], precision(COUNT, 0.02 * z.var()))
    assert judge_border(found)[0] == level
    assert (found.pile.max() > 2) == (level != "good")


def kept(*passes: np.ndarray) -> LatentsByPass:
    made = LatentsByPass.none_yet(*passes[0].shape)
    for number, z in enumerate(passes, 1):
        made = made.with_pass(number, z, len(passes))
    return made


def test_a_v_in_early_passes_is_seen_and_forgiven_where_it_opens():
    truth = RNG.uniform(-1.7, 1.7, (COUNT, 1))
    found = convergence(kept(np.abs(truth), truth + 0.3 * RNG.normal(size=truth.shape), truth, truth))
    assert found.bend[0] > 0.8 and found.bend[1:].max() < 0.05 and found.last_step > 0.999 and found.arch == 0
    level, sentence = judge_epochs(kept(np.abs(truth), truth, truth), convergence(kept(np.abs(truth), truth, truth)))
    assert level == "good" and "a V in pass 1" in sentence


def test_one_motion_that_fills_two_dimensions_is_bad():
    motion = RNG.uniform(-1, 1, COUNT)
    bent = np.stack([motion, motion**2 + 0.05 * RNG.normal(size=COUNT)], axis=1)
    found = convergence(kept(bent, bent))
    assert found.arch > 0.9 and judge_epochs(kept(bent, bent), found)[0] == "bad"


def test_latents_that_have_become_all_the_same_are_called_collapsed():
    truth = RNG.normal(size=(COUNT, 1))
    alike = kept(truth, np.full_like(truth, 0.05))
    assert judge_epochs(alike, convergence(alike)) == (
        "bad", "Latents have collapsed: all particles end with the same ones, for the images tell no states apart."
    )  # fmt: skip


def test_latents_that_still_move_are_doubtful_and_those_that_change_bad():
    truth = RNG.normal(size=(COUNT, 1))
    for noise, level in ((0.5, "doubtful"), (2.0, "bad")):
        made = kept(truth, truth + noise * RNG.normal(size=truth.shape))
        assert judge_epochs(made, convergence(made))[0] == level


def test_what_is_kept_of_passes_is_bounded_and_drops_what_a_resumed_training_does_again():
    z = RNG.normal(size=(9000, 12))
    made = LatentsByPass.none_yet(9000, 12)
    for number in range(1, 1001):
        made = made.with_pass(number, z, 1000)
    assert len(made.passes) <= MOST_PASSES + 1 and made.z.nbytes <= 5.1e6 and made.z.dtype == np.float16
    assert list(made.passes[:3]) == [1, 2, 3] and made.passes[-1] == 1000
    again = made.with_pass(3, 2 * z, 1000)
    assert list(again.passes) == [1, 2, 3] and np.allclose(again.z[2], 2 * z[again.rows, :8], rtol=1e-3)


def sorted_out(scale: np.ndarray, excess: np.ndarray) -> np.ndarray:
    return unfit(scale, excess, particles_among(scale, excess, np.arange(len(scale))))


def test_images_that_fit_no_state_are_found_and_a_cloud_of_particles_is_not():
    scale, excess = RNG.normal(1, 0.08, COUNT), RNG.normal(0, 1, COUNT)
    assert sorted_out(scale, excess).sum() <= 1
    scale[:200], excess[200:300] = RNG.normal(0, 0.08, 200), 12.0
    found = sorted_out(scale, excess)
    assert found[:300].all() and found[300:].sum() <= 1


def test_junk_that_training_kept_is_found_where_wrong_poses_spread_the_scales():
    junk = np.arange(COUNT) < COUNT // 5
    scale = np.where(junk, RNG.normal(0, 0.18, COUNT), RNG.normal(1.3, 0.24, COUNT))  # as a spoilt training has them
    found = sorted_out(scale, RNG.normal(-1, 1.3, COUNT))
    assert found[junk].mean() > 0.98 and found[~junk].mean() < 0.01


def test_particles_that_are_weaker_than_others_are_no_junk():
    scale = np.where(np.arange(COUNT) < 0.3 * COUNT, 0.75, 1.0) + RNG.normal(0, 0.04, COUNT)
    assert sorted_out(scale, RNG.normal(0, 1, COUNT)).mean() < 0.005


def cube() -> TetMesh:
    """Five cells in a cube of 10 Å."""
    vertices = 10.0 * np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], np.float32)
    cells = np.array([[0, 1, 2, 4], [3, 2, 1, 7], [5, 4, 7, 1], [6, 7, 4, 2], [1, 2, 4, 7]], np.int32)
    voxel_cell = np.full((4, 4, 4), -1, np.int32)
    return TetMesh(vertices, cells, np.ones(5, np.float32), np.zeros(5, np.int32), (), 4, 5.0, voxel_cell)


def test_strain_is_of_what_stretches_and_not_of_what_turns():
    mesh = cube()
    quarter = np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]], np.float32)
    stretched = mesh.vertices * np.array([1.3, 1, 1], np.float32)
    states = np.stack([mesh.vertices @ quarter.T + 5, stretched, -mesh.vertices])
    found = mesh_deformation(mesh, states)
    assert found.strain[0] < 1e-3 and found.strain[1] == pytest.approx(0.3 / 3**0.5, rel=1e-3)
    assert found.folded == pytest.approx([0, 0, 1]) and found.volume[1] == pytest.approx(0.3, rel=1e-3)


def plausibility(strain: float, folded: float = 0.0, far: float = 20.0, stretched: float = 0.03) -> Plausibility:
    many, cells, mean = np.ones(50), np.ones(5), np.zeros((8, 3))
    return Plausibility(strain * many, stretched, folded * many, 0 * many, far * many, 150.0, cells, mean)


@pytest.mark.parametrize(
    "state, level",
    [((0.03,), "good"), ((0.24, 0.009, 80), "doubtful"), ((0.44,), "bad"), ((0.03, 0.1), "bad"),
     ((0.03, 0, 200), "bad"), ((0.44, 0, 20, 0.005), "doubtful")],
)  # fmt: skip
def test_a_motion_is_plausible_by_what_it_does_to_the_mesh(state, level):
    assert judge_strain(plausibility(*state))[0] == level


def test_a_motion_must_explain_more_than_a_network_may_learn_of_noise():
    assert judge_motion(5.4, 0.6, 1, False)[0] == "good" and judge_motion(0.45, 0.1, 1, False)[0] == "doubtful"
    level, sentence = judge_motion(0.13, 0.03, 1, True)
    assert level == "bad" and "--poses refine" in sentence and "--poses" not in judge_motion(0.1, 0.03, 1, False)[1]


def test_directions_are_matched_whatever_the_latents_are_turned_and_scaled():
    first = RNG.normal(size=(COUNT, 2))
    second = first @ np.array([[0.1, 2.0], [-3.0, 0.2]]) + 5
    correlation, ranks = matched_directions(first, second)
    assert correlation == pytest.approx([1, 1]) and ranks == pytest.approx([1, 1])
    half = np.stack([first[:, 0], RNG.normal(size=COUNT)], axis=1)
    correlation, _ = matched_directions(first, half)
    assert correlation[0] > 0.999 and correlation[1] < 0.06


@pytest.mark.filterwarnings("error")
def test_latents_that_are_all_one_are_drawn_without_a_warning(tmp_path):
    alike = np.full((10, 1), 0.3)
    draw_moves(tmp_path / "shift.png", alike, alike, np.zeros(10), "one pixel aside", "They stay.")
    assert (tmp_path / "shift.png").stat().st_size > 1000


def test_a_step_of_gain_is_compared_image_by_image():
    gain = RNG.normal(10, 8, 500)
    arrays = (np.ones(500), np.arange(500), np.arange(500))
    less, more = HeldOutGains(gain, *arrays), HeldOutGains(gain + RNG.normal(1, 0.5, 500), *arrays)
    mean, error = more.mean(less=less)
    assert mean == pytest.approx(1, abs=0.1) and error == pytest.approx(0.5 / 500**0.5, rel=0.15)
    assert more.mean()[1] > 10 * error  # which images' own spread would have hidden
    copies = HeldOutGains(np.repeat(gain, 2), np.ones(1000), np.arange(1000), np.repeat(np.arange(500), 2))
    assert copies.mean() == pytest.approx(less.mean())


@pytest.mark.parametrize(
    "steps, level, words",
    [
        ([(30, 1), (0.1, 0.2)], "good", "support the 1 latent dimension"),
        ([(30, 1), (4, 0.2)], "doubtful", "--latent-dims 2"),
        ([(30, 1), (0.1, 0.2), (0.0, 0.2)], "bad", "--latent-dims 1"),
        ([(0.2, 0.2), (0.1, 0.2)], "bad", "No latent dimension"),
    ],
)
def test_dimensions_are_judged_by_what_each_adds(steps, level, words):
    assert judge_dimensions(steps)[0] == level and words in judge_dimensions(steps)[1]


def trained(loss: float) -> Trained:
    return Trained("", loss, np.array([loss]), np.zeros((3, 1)))


def test_an_encoder_that_trains_as_well_on_wrong_images_is_bad():
    assert judge_twins([trained(100), trained(100.1), trained(103)], 1)[0] == "bad"
    assert judge_twins([trained(100), trained(104), trained(104)], 1)[0] == "good"


def test_a_larger_encoder_that_does_better_makes_a_small_one_doubtful():
    assert judge_sizes([trained(100), trained(101), trained(99)], 1)[0] == "doubtful"
    assert judge_sizes([trained(100), trained(100), trained(99.9)], 1)[0] == "good"


def test_a_page_says_of_which_kind_of_mean_its_numbers_are():
    """One image of five moves far: half of them move by 0.1, their root mean square is larger."""
    before = np.array([-1.0, -0.5, 0, 0.5, 1])[:, None] * np.sqrt(2)  # of unit variance
    found = Moves(before, before + np.array([0.1, 0.1, 0.1, 0.1, 2])[:, None], np.full(5, 0.1))
    assert median_of_spread(found) == pytest.approx(0.1)
    numbers, rows = moves_summary(found)
    assert numbers["median_of_spread"] == pytest.approx(0.1) and numbers["of_spread"] == pytest.approx([np.sqrt(0.808)])
    assert ("move over the spread of all particles, r.m.s. over the images, by dimension", "0.90") in rows
    assert "0.10 of the spread of all (half of 5 images move less)" in judge_moves(found, "turned")[1]


def test_a_training_that_has_no_particles_is_refused_in_a_sentence(tmp_path):
    folder = make_training(tmp_path)
    with np.load(folder / "latents.npz") as file:
        arrays = dict(file)
    np.savez(folder / "latents.npz", **arrays, probability=np.zeros(len(arrays["z"]), np.float32))
    (tmp_path / "002-diagnose").mkdir()
    with pytest.raises(InputError, match="001-train takes none of its images for a particle of this molecule"):
        run_tests(DIAGNOSE.build({"model": folder, "test": ("strain", "border")}), JobRun(tmp_path / "002-diagnose"))

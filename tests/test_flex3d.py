"""A folder of cryoSPARC's 3D Flex, written from what is known of its files, and read back."""

from __future__ import annotations

import numpy as np
import pytest
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.explore.trained_model import open_trained
from chimerax.flexrec.mesh.map_files import write_map
from chimerax.flexrec.models import open_model
from chimerax.flexrec.models.opening import program_of
from flex3d_writer import NAME, write_flex3d, write_trajectory
from trained_models import make_linear
from variability_writer import coordinates, save

ALONG = np.linspace(-1, 1, 5, dtype=np.float32)[:, None] * [[1.2, 0.4]]


@pytest.fixture(scope="module")
def linear(tmp_path_factory):
    return open_model(make_linear(tmp_path_factory.mktemp("project") / "003-train"))


@pytest.fixture
def job(linear, tmp_path):
    return write_flex3d(tmp_path / "J20", linear)


def test_latents_and_the_canonical_map_open_and_what_is_closed_is_said(linear, job):
    trained = open_trained(job)
    model = trained.model
    np.testing.assert_array_equal(model.latents, linear.latents)
    for z in ([0, 0], [1.3, -0.4]):
        np.testing.assert_array_equal(model.decode(z), linear.volume)  # it does not move, and says so
    assert "does not move here" in model.progress and model.moving is None
    assert any("which is not read" in said and "freezeLatents" in said for said in model.origin.notes)
    assert program_of(job).format == "3dflex" and model.kind == "3D Flex"
    np.testing.assert_array_equal(trained.particles.index, np.arange(len(linear.latents)))


def test_the_newest_latents_count_and_a_file_can_be_named(linear, job):
    uid = np.load(job / f"{NAME}_latents_010.cs")["uid"]
    save(job / f"{NAME}_latents_011.cs", coordinates(uid, 2 * linear.latents))
    np.testing.assert_array_equal(open_model(job).latents, 2 * linear.latents)
    np.testing.assert_array_equal(open_model(job / f"{NAME}_latents_010.cs").latents, linear.latents)


def test_frames_whose_points_are_known_are_the_maps(linear, job):
    write_trajectory(job / f"{NAME}_series_000", linear, ALONG)
    model = open_model(job)
    for point in ALONG:
        assert np.abs(model.decode(point) - linear.decode(point)).max() < 1e-5
    assert "radial" in model.progress and len(model.origin.states) == 5
    assert not any("No file says" in said for said in model.origin.notes)


def test_frames_without_points_are_said_and_open_as_maps(linear, job):
    series = write_trajectory(job / f"{NAME}_series_000", linear, ALONG, points=False)
    model = open_model(job)
    assert any("No file says at which latents the frames of J20_series_000" in said for said in model.origin.notes)
    assert len(model.points) == 1
    alone = open_model(series)
    assert alone.kind == "map series" and np.abs(alone.decode([3]) - linear.decode(ALONG[3])).max() < 1e-5


def test_the_map_of_the_reconstruction_is_preferred_to_halves_and_rigid_ones(linear, job):
    for name, factor in (("flex_map", 3), ("flex_map_half_A", 5), ("noflex_map", 7)):
        write_map(job / f"J21_{name}.mrc", factor * linear.volume, linear.pixel_size)
    np.testing.assert_allclose(open_model(job).volume, 3 * linear.volume)


def _second(job):
    table = np.load(job / f"{NAME}_latents_010.cs")
    save(job / "J30_latents_001.cs", table)


@pytest.mark.parametrize("damage, sentence", [
    (lambda job: (job / f"{NAME}_map.mrc").unlink(), "no map"),
    (lambda job: (job / f"{NAME}_latents_010.cs").write_bytes(b"none"), "not a readable cryoSPARC"),
    (lambda job: save(job / f"{NAME}_latents_010.cs", np.array([{}], object)), "could run code"),
    (lambda job: save(job / f"{NAME}_latents_010.cs", np.zeros(9, [("uid", "<u8")])), "no reaction coordinates|lacks"),
    (_second, "latents of 2 jobs"),
])  # fmt: skip
def test_what_is_amiss_is_one_sentence(job, damage, sentence):
    damage(job)
    with pytest.raises(InputError, match=sentence) as refused:
        open_model(job)
    assert "\n" not in str(refused.value) and str(job) in str(refused.value)


def test_points_of_another_training_are_refused(linear, job):
    series = write_trajectory(job / f"{NAME}_series_000", linear, ALONG)
    save(series / "trajectory.cs", coordinates(np.arange(5, dtype=np.uint64), ALONG[:, :1]))
    with pytest.raises(InputError, match="another training"):
        open_model(job)


def test_what_macos_leaves_beside_files_is_not_taken_for_a_job(linear, job):
    for file in [file for file in job.rglob("*") if file.is_file()]:
        file.with_name(f"._{file.name}").write_bytes(b"\0\5\x16\7\0\2\0\0Mac OS X")
    np.testing.assert_array_equal(open_model(job).latents, linear.latents)

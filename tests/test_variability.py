"""A job of cryoSPARC's 3D Variability, written from a linear model of FlexRec's and read back."""

from __future__ import annotations

import mrcfile
import numpy as np
import pytest
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.explore.particle_columns import column
from chimerax.flexrec.explore.particle_images import available_images
from chimerax.flexrec.explore.trained_model import open_trained
from chimerax.flexrec.jobs.find_model import trained_folder
from chimerax.flexrec.mesh.map_files import write_map
from chimerax.flexrec.models import open_model
from chimerax.flexrec.models.opening import program_of
from trained_models import make_linear
from variability_writer import NAME, save, table_of, write_variability


@pytest.fixture(scope="module")
def linear(tmp_path_factory):
    return open_model(make_linear(tmp_path_factory.mktemp("project") / "003-train"))


@pytest.fixture
def job(linear, tmp_path):
    return write_variability(tmp_path / "J11", linear)


def test_maps_and_latents_come_back(linear, job):
    model = open_model(job)
    np.testing.assert_array_equal(model.latents, linear.latents)
    for z in ([0, 0], [1.5, -0.7], linear.latents[3]):
        np.testing.assert_array_equal(model.decode(z), linear.decode(z))
    assert np.abs(linear.decode([1.5, -0.7]) - linear.volume).max() > 1e-3 * linear.volume.max()
    assert model.pixel_size == pytest.approx(linear.pixel_size) and model.kind == "3D Variability"
    assert model.precision is None and model.epoch is None and model.moving is None
    assert program_of(job).name == "3D Variability" and trained_folder(job / f"{NAME}_particles.cs") == job
    np.testing.assert_array_equal(open_model(job / f"{NAME}_particles.cs").latents, linear.latents)


def test_a_mode_is_of_the_component_that_it_names(linear, job):
    table = table_of(job)
    table["components_mode_0/component"], table["components_mode_1/component"] = 1, 0
    save(job / f"{NAME}_particles.cs", table)
    np.testing.assert_allclose(open_model(job).decode([0.3, 2.0]), linear.decode([2.0, 0.3]), rtol=1e-5, atol=1e-6)


def test_modes_that_all_name_one_component_are_of_their_own(linear, job):
    table = table_of(job)
    table["components_mode_1/component"] = 0
    save(job / f"{NAME}_particles.cs", table)
    np.testing.assert_array_equal(open_model(job).decode([0.3, 2.0]), linear.decode([0.3, 2.0]))


def test_particles_are_joined_by_uid(linear, job):
    trained = open_trained(job)
    np.testing.assert_array_equal(trained.particles.index, np.arange(len(linear.latents)))
    assert trained.particles.contrast == -1 and trained.particles.optics.voltage.tolist() == [300.0]
    assert np.isfinite(trained.particles.rotation).all()
    raw = next(available_images(trained, np.array([4])))
    np.testing.assert_allclose(raw.read(np.array([4])), -mrcfile.read(job / "images.mrc")[[4]])
    np.testing.assert_array_equal(column(trained, "components_mode_1/value").values, linear.latents[:, 1])
    assert trained.model.origin.notes == ()


def test_without_the_passthrough_the_maps_open_and_the_particles_are_a_sentence(linear, tmp_path):
    trained = open_trained(write_variability(tmp_path / "J12", linear, passthrough=False))
    np.testing.assert_array_equal(trained.model.decode([1, 1]), linear.decode([1, 1]))
    assert trained.model.origin.notes[0].endswith("passthrough_particles.cs is not beside it.")
    with pytest.raises(InputError, match="no images"):
        trained.particles  # noqa: B018


def test_a_passthrough_without_uid_is_not_said_to_be_missing(job):
    passed = next(job.glob("*passthrough*"))
    table = np.load(passed)
    save(passed, table[[name for name in table.dtype.names if name != "uid"]])
    note = open_model(job).origin.notes[0]
    assert "names no images" in note and f"told by {passed.name}: export both with uid" in note


def _without(*names):
    def change(job):
        table = table_of(job)
        kept = [name for name in table.dtype.names if not name.startswith(names)]
        save(job / f"{NAME}_particles.cs", table[kept])

    return change


def _with(name, values):
    def change(job):
        table = table_of(job)
        table[name] = values(len(table))
        save(job / f"{NAME}_particles.cs", table)

    return change


def _counted_from_1(job):
    for mode in (0, 1):
        _with(f"components_mode_{mode}/component", lambda count, mode=mode: mode + 1)(job)


def _second_job(job):
    for kind in ("component_0.mrc", "particles.cs"):
        (job / f"J2_{kind}").write_bytes((job / f"{NAME}_{kind}").read_bytes())


@pytest.mark.parametrize("damage, sentence", [
    (lambda job: (job / f"{NAME}_map.mrc").unlink(), "_map.mrc: is missing"),
    (lambda job: (job / f"{NAME}_component_1.mrc").unlink(), "_component_1.mrc: is missing"),
    (lambda job: write_map(job / f"{NAME}_component_1.mrc", np.ones((8, 8, 8)), 1.0), "of different jobs"),
    (lambda job: (job / f"{NAME}_particles.cs").write_bytes(b"no table"), "not a readable cryoSPARC"),
    (lambda job: save(job / f"{NAME}_particles.cs", np.array([{"a": 1}], object)), "could run code"),
    (_without("components_mode"), "no reaction coordinates"),
    (_with("components_mode_0/value", lambda count: np.nan), "are numbers"),
    (_with("components_mode_0/component", np.arange), "differs between particles"),
    (_with("components_mode_0/component", lambda count: 7), "_component_7.mrc: is missing"),
    (_counted_from_1, "of the components 1, 2, and there are maps of 0, 1; .*add 1 to .* copy .*_component_2.mrc too"),
    (_with("uid", lambda count: 10**9 + np.arange(count)), "lacks particles"),
    (_second_job, "files of 2 jobs"),
])  # fmt: skip
def test_what_is_amiss_is_one_sentence(job, damage, sentence):
    damage(job)
    with pytest.raises(InputError, match=sentence) as refused:
        open_model(job)
    assert "\n" not in str(refused.value) and str(job) in str(refused.value)


def test_folders_of_other_jobs_are_not_taken_for_one(linear, job):
    (job / f"{NAME}_particles.cs").unlink()
    assert program_of(job) is None


def test_what_macos_leaves_beside_files_is_not_taken_for_a_job(linear, job):
    for file in list(job.iterdir()):
        (job / f"._{file.name}").write_bytes(b"\0\5\x16\7\0\2\0\0Mac OS X")
    np.testing.assert_array_equal(open_model(job).latents, linear.latents)

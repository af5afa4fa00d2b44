"""A linear model on disk: opened, decoded, refused where it is broken, asked, explored and generated from."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from chimerax.flexrec.cli import program
from chimerax.flexrec.decoder_process.answers import ModelAnswers
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.explore.choose_particles import chosen_near
from chimerax.flexrec.explore.cluster_file import make_clusters
from chimerax.flexrec.explore.compare_trainings import compare
from chimerax.flexrec.explore.landscape import energy_landscape
from chimerax.flexrec.explore.make_path import describe_path, make_path
from chimerax.flexrec.explore.particle_columns import column, column_names
from chimerax.flexrec.explore.plot_axes import make_view
from chimerax.flexrec.explore.trained_model import open_trained
from chimerax.flexrec.jobs.generate.generate_parameters import GENERATE
from chimerax.flexrec.jobs.generate.generate_run import run
from chimerax.flexrec.jobs.job_folder import JobRun
from chimerax.flexrec.mesh.map_files import read_map, write_map
from chimerax.flexrec.models import open_model
from chimerax.flexrec.particles.resample import resample_box
from explored_project import COUNT, make_project
from trained_models import BOX, PIXEL, make_linear, make_trained, refuses_claims, refuses_half

pytestmark = pytest.mark.blank_pictures()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_linear(tmp_path_factory.mktemp("project") / "003-train")


@pytest.fixture
def broken(folder, tmp_path):
    return shutil.copytree(folder, tmp_path / "train")


def maps(folder) -> np.ndarray:
    return np.stack([read_map(folder / name)[0] for name in ("map.mrc", "component_1.mrc", "component_2.mrc")])


def test_a_map_is_the_sum_of_the_mean_and_its_components(folder):
    model = open_model(folder)
    assert (model.kind, model.moving, model.latent_dims, model.box) == ("linear", None, 2, BOX)
    assert (model.epoch, model.epochs, model.latents.shape, model.precision.shape) == (3, 10, (300, 2), (300, 2, 2))
    assert model.pixel_size == pytest.approx(PIXEL) and not hasattr(model, "displace")
    mean, first, second = maps(folder)
    wanted = mean + (np.float32(0.5) * first + np.float32(-2) * second)
    assert model.decode([0.5, -2]).dtype == np.float32 and np.array_equal(model.decode([0.5, -2]), wanted)
    assert np.array_equal(model.decode([0, 0]), mean)
    with pytest.raises(InputError, match="z has 3 numbers"):
        model.decode([1, 2, 3])


def test_a_coarser_model_decodes_the_cropped_map(folder):
    model = open_model(folder)
    coarse = model.coarser(16)
    assert coarse.pixel_size == pytest.approx(2 * PIXEL)
    assert np.allclose(coarse.decode([1, 0.5]), resample_box(model.decode([1, 0.5]), 16), atol=1e-5)


def test_neither_torch_nor_numba_is_needed(folder):
    code = f"""
import sys
from chimerax.flexrec.models import open_model
open_model({str(folder)!r}).decode([1, 0])
print(*{{"torch", "numba"}} & set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr


@pytest.mark.parametrize("change, complaint", [
    ({"version": 2}, "has version 2"),
    ({"latent_dims": 3}, "latents.npz: has no fitting z"),
    ({"latent_dims": -1}, "nothing usable about latent_dims"),
    ({"stage_box": 64}, "map.mrc: has 32 voxels on a side where model.json says 64"),
])  # fmt: skip
def test_a_model_that_says_something_else_is_refused(broken, change, complaint):
    refuses_claims(broken, change, complaint)


@pytest.mark.parametrize("name", ["map.mrc", "component_2.mrc", "latents.npz"])
def test_half_a_model_is_refused(broken, name):
    refuses_half(broken, name)


def test_files_that_do_not_fit_are_refused(broken):
    write_map(broken / "component_2.mrc", np.full((BOX,) * 3, np.nan, np.float32), PIXEL)
    with pytest.raises(InputError, match="component_2.mrc"):
        open_model(broken)
    write_map(broken / "component_2.mrc", np.ones((16,) * 3, np.float32), PIXEL)
    with pytest.raises(InputError, match="component_2.mrc: has 16 voxels"):
        open_model(broken)
    z = np.zeros((300, 2), np.float32)
    for arrays, complaint in (
        ({"z": z, "precision": np.zeros((299, 2, 2), np.float32)}, "300 points and 299"),
        ({"z": np.full((300, 2), "a"), "precision": np.zeros((300, 2, 2))}, "no fitting z"),
        ({"z": np.array([[{}, {}]]), "precision": np.zeros((1, 2, 2))}, "cannot be read"),
        ({"z": z + [[np.nan, 0]], "precision": np.zeros((300, 2, 2))}, "no particle's latents are numbers"),
    ):
        np.savez(broken / "latents.npz", **arrays)
        with pytest.raises(InputError, match=complaint):
            open_model(broken)


# ----- the engine process -----


@pytest.fixture
def answers(folder):
    answers = ModelAnswers("numpy")
    answers.answer("open", {"model": "m", "path": str(folder)}, None)
    return answers


def test_the_engine_process_says_that_it_is_linear_and_decodes(folder, answers):
    facts, _ = answers.answer("open", {"model": "m", "path": str(folder)}, None)
    assert facts["kind"] == "linear" and facts["vertices"] == facts["cells"] == facts["parts"] == 0
    model = open_model(folder)
    fields, volume = answers.answer("decode", {"model": "m", "z": [1, -1]}, None)
    assert np.array_equal(volume, model.decode([1, -1])) and fields["pixel_size"] == pytest.approx(PIXEL)
    fields, volume = answers.answer("decode", {"model": "m", "z": [1, -1], "box": 16}, None)
    assert volume.shape == (16,) * 3 and fields["pixel_size"] == pytest.approx(2 * PIXEL)
    fields, _ = answers.answer("support", {"model": "m", "z": [[0, 0], [30, 30]]}, None)
    assert fields["outside"] == [False, True]


@pytest.mark.parametrize("ask, fields, array", [
    ("vertices", {"z": [0, 0]}, None),
    ("displace", {"z": [0, 0], "anchor": "atoms"}, None),
    ("displace", {"z": [0, 0]}, np.zeros((1, 3), np.float32)),
    ("tie", {}, np.zeros((1, 3), np.float32)),
    ("anchor", {"anchor": "atoms"}, np.zeros((1, 3), np.float32)),
])  # fmt: skip
def test_the_engine_process_says_that_nothing_moves(answers, ask, fields, array):
    with pytest.raises(InputError, match="a linear model moves nothing"):
        answers.answer(ask, {"model": "m", **fields}, array)


def test_a_flow_and_a_linear_model_may_follow_one_another_under_one_name(folder, tmp_path, answers):
    flow, _ = make_trained(tmp_path / "flow")
    assert answers.answer("open", {"model": "m", "path": str(flow)}, None)[0]["kind"] == "flow"
    answers.answer("anchor", {"model": "m", "anchor": "atoms"}, np.zeros((1, 3), np.float32))
    facts, _ = answers.answer("open", {"model": "m", "path": str(folder)}, None)
    assert facts["kind"] == "linear" and facts["anchors"] == []
    assert answers.answer("open", {"model": "m", "path": str(flow)}, None)[0]["anchors"] == []


# ----- generate and explore -----


def test_generate_writes_what_the_model_decodes(folder, tmp_path):
    def maps_of(**values):
        job = JobRun(tmp_path)
        run(GENERATE.build({"model": folder, **values}), job)
        return [read_map(path)[0] for path in sorted(tmp_path.glob("map_*.mrc"))]

    model = open_model(folder)
    assert np.array_equal(maps_of(at=(1.0, -0.5))[0], model.decode([1, -0.5]))
    assert len(maps_of(grid=3)) == 9 and len(maps_of(along=("z1", "pc2"), frames=3)) == 6
    assert "the map changes by" in (tmp_path / "log.txt").read_text()
    assert len(maps_of(frames=2)) == 4  # pc1 and pc2
    (tmp_path / "points.csv").write_text("0.5,1\n")
    assert np.array_equal(maps_of(path=tmp_path / "points.csv")[0], model.decode([0.5, 1]))
    with pytest.raises(InputError, match="keep_outside: means nothing to a linear model"):
        maps_of(keep_outside=True)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A project's flow model, and a linear one of the same particles and latents."""
    flow = make_project(tmp_path_factory.mktemp("projects") / "p")
    linear = make_linear(flow.parent / "004-train", 2, open_model(flow).latents)
    for name in ("job.json", "status.json"):
        shutil.copy(flow / name, linear / name)
    return open_trained(flow), open_trained(linear)


def test_latents_are_explored_in_latent_units(trained):
    flow, linear = trained
    assert linear.motion is None and linear.components.unit == ""
    path = make_path(linear, axis="pc1", frames=5)
    assert "latent units" in describe_path(linear, path)
    assert np.ptp(np.diff(path.z[:, 0])) < 1e-5
    assert len(make_clusters(linear, 3).size) == 3
    view = make_view(("z1", "z2"), linear.components)
    assert energy_landscape(linear, view, bins=16).minima
    assert "amplitude" not in column_names(linear) and "amplitude" in column_names(flow)
    assert column(linear, "uncertainty_in_z").values == pytest.approx(np.full(COUNT, 2**0.5 / 3), rel=1e-3)
    found = compare(flow, linear)
    assert found.correlation == pytest.approx([1, 1]) and found.motion is None


def test_angstroms_of_motion_are_refused_in_a_sentence(trained):
    _, linear = trained
    for ask in (
        lambda: make_path(linear, axis="pc1", in_angstroms=True),
        lambda: make_clusters(linear, 3, in_angstroms=True),
        lambda: chosen_near(linear, np.zeros(2), count=3, in_angstroms=True),
        lambda: column(linear, "amplitude"),
    ):
        with pytest.raises(InputError, match="004-train: a linear model moves nothing"):
            ask()


def test_the_terminal_walks_and_compares_without_angstroms(trained, tmp_path, monkeypatch, capfd):
    flow, linear = trained
    monkeypatch.chdir(flow.project)
    assert program.main(["path", "4", "--axis", "z1", "--frames", "5", "--output", str(tmp_path / "z1.json")]) == 0
    assert json.loads((tmp_path / "z1.json").read_text())["unit"] == ""
    assert program.main(["compare", "4", "3"]) == 0
    out = capfd.readouterr().out
    assert "canonical correlations 1.00 1.00" in out and "motion" not in out
    assert program.main(["path", "4", "--axis", "z1", "--in-angstroms"]) != 0
    assert "a linear model moves nothing" in capfd.readouterr().err

"""What a reconstruction says of how many particles it is made of, and of a model that is not what it was."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.jobs.job_folder import JobRun
from chimerax.flexrec.jobs.prep.prep_parameters import PREP
from chimerax.flexrec.jobs.reconstruct.reconstruct_parameters import RECONSTRUCT
from chimerax.flexrec.jobs.reconstruct.reconstruct_run import run
from chimerax.flexrec.jobs.reconstruct.write_reconstruction import half_doubts
from chimerax.flexrec.jobs.runner import run as run_job
from chimerax.flexrec.jobs.simulate.simulate_parameters import SIMULATE
from chimerax.flexrec.mesh.map_files import read_map
from chimerax.flexrec.particles import read_particles, write_star
from chimerax.flexrec.particles.prepared import load_prepared, particles_identity
from chimerax.flexrec.particles.selection import make_selection, save_selection
from trained_models import make_sliding, white

pytestmark = pytest.mark.blank_pictures()

BOX, PIXEL, COUNT = 16, 16.0, 80


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A project of prepared particles and a training of them that is at its end."""
    project = tmp_path_factory.mktemp("counts") / "project"
    source = run_job(SIMULATE, SIMULATE.build({"particles": COUNT, "box": BOX, "pixel_size": PIXEL, "threads": 1,
                                               "snr": 1.0, "resolution": 30.0}), project)  # fmt: skip
    run_job(PREP, PREP.build({"particles": source, "workers": 1}), project)
    make_sliding(project / "003-train", (1.0,), white(COUNT, 1), prepared="../002-prep", epochs=3)
    return project


@pytest.fixture
def project(made, tmp_path):
    return shutil.copytree(made, tmp_path / "project")


def reconstruct(project, **values):
    """Run the job in 004-reconstruct; what it has recorded, and its log."""
    folder = project / "004-reconstruct"
    folder.mkdir(exist_ok=True)
    given = {"particles": project / "002-prep", "model": project / "003-train", "device": "cpu", "twin": False}
    run(RECONSTRUCT.build(given | values), JobRun(folder))
    return json.loads((folder / "reconstruct.json").read_text()), (folder / "log.txt").read_text()


def change_latents(project, **arrays):
    path = project / "003-train" / "latents.npz"
    with np.load(path) as file:
        kept = dict(file)
    np.savez(path, **kept | arrays)
    return kept["z"]


def test_particles_without_latents_are_not_counted(project):
    z = change_latents(project)
    z[:30] = np.nan
    change_latents(project, z=z, probability=np.r_[np.ones(70, np.float32), np.zeros(10, np.float32)])
    record, log = reconstruct(project)
    assert sum(record["halves"]) == 40 and "40 particles whose latents are no numbers" in log
    assert "half-maps of 20 and 20 particles" in log


def test_images_of_which_none_is_a_particle_are_refused_before_anything_is_solved(project):
    change_latents(project, probability=np.zeros(COUNT, np.float32))
    with pytest.raises(InputError, match="of the 80 particles, 0 and 0 of the halves have latents and a probability"):
        reconstruct(project)
    assert not [*(project / "004-reconstruct").glob("moved.*")]


def test_a_training_that_goes_on_is_told_in_log_and_record(project):
    about = project / "003-train" / "model.json"
    about.write_text(json.dumps(json.loads(about.read_text()) | {"epochs": 9}))
    record, log = reconstruct(project)
    assert record["warnings"][0].startswith("003-train is not finished: its motion is that after epoch 3 of 9.")
    assert f"Warning: {record['warnings'][0]}" in log


def test_parts_have_the_names_of_the_mesh_that_the_training_was_given(project):
    """And not those of the newest mesh, which may have as many."""
    for name, labels in (("000-mesh", (4, 9)), ("005-mesh", (7, 2))):
        (project / name).mkdir()
        parts = {"parts": [{"label": label} for label in labels]}
        (project / name / "quality.json").write_text(json.dumps(parts))
    train = {"verb": "train", "parameters": {}, "inputs": {"mesh": "000-mesh"}, "seed": 0}
    (project / "003-train" / "job.json").write_text(json.dumps(train))
    record, log = reconstruct(project, mesh=project / "005-mesh")
    assert set(record["part_resolution_0.143"]) == {"4", "9"} and "In part 9: " in log


def test_a_job_whose_model_has_changed_since_begins_anew(project):
    reconstruct(project)
    folder = project / "004-reconstruct"
    first = read_map(folder / "half1.mrc")[0]
    reconstruct(project)
    assert "begins anew" not in (folder / "log.txt").read_text()
    change_latents(project, z=40 * change_latents(project))
    reconstruct(project)
    assert "003-train is another than when the job began: it begins anew." in (folder / "log.txt").read_text()
    assert np.abs(read_map(folder / "half1.mrc")[0] - first).max() > 0.05 * first.max()


def test_refined_poses_come_with_the_halves_that_they_were_refined_in(project):
    """Drawn by the job, as the particle file has none."""
    prepared = load_prepared(project / "002-prep")
    write_star(prepared.folder / "particles.star", replace(prepared.particles, half=np.zeros(COUNT, np.int8)))
    _, log = reconstruct(project, refine_poses=True)
    with np.load(project / "004-reconstruct" / "halves.npz") as file:
        halves = dict(file)
    half = read_particles(project / "004-reconstruct" / "refined.star").half
    assert "drawn at random" in log
    assert (np.flatnonzero(half == 1) == halves["half1"]).all() and (np.flatnonzero(half == 2) == halves["half2"]).all()


def test_a_selection_of_one_half_is_told_to_take_the_other_too(project):
    prepared = load_prepared(project / "002-prep")
    half = prepared.particles.half
    save_selection(project, make_selection("one", half == 1, COUNT, particles_identity(prepared.folder)))
    with pytest.raises(InputError, match="have 40 and 0 particles.*; take particles of both halves"):
        reconstruct(project, selection="one")


def test_particles_at_one_place_of_latent_space_make_a_map(project, tmp_path, monkeypatch):
    """All of them are one class, so that no distance tells them apart."""
    monkeypatch.setattr("chimerax.flexrec.jobs.reconstruct.state_run.FEWEST", COUNT)
    np.savez(tmp_path / "z.npz", z=np.zeros((COUNT, 1)))
    record, _ = reconstruct(project, model=None, latents=tmp_path / "z.npz", at=(0.0,), device="auto", twin=True)
    assert record["points"][0]["effective_particles"] == pytest.approx(COUNT, rel=0.01)
    assert np.isfinite(read_map(project / "004-reconstruct" / "map.mrc")[0]).all()


@pytest.mark.parametrize(
    ("counts", "doubts"),
    (
        ((100, 90), ()),
        ((117, 30), ("Unlike halves",)),
        ((9, 9), ("Only few particles",)),
        ((3, 117), ("Only few particles", "Unlike halves")),
    ),
)
def test_few_and_unlike_halves_are_doubtful(counts, doubts):
    told = [*half_doubts(counts)]
    assert [sentence.split(":")[0] for sentence in told] == [*doubts]
    if "Unlike halves" in doubts:
        assert f"as noisy as those of {4 * counts[0] * counts[1] / sum(counts):.0f} particles" in told[-1]

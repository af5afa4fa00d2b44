"""A folder of RECOVAR's pipeline: maps, embeddings, particles, analyses, and what is said where something is amiss."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import mrcfile
import numpy as np
import pytest
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.explore.anchors import read_point
from chimerax.flexrec.explore.cluster_file import load_clusters
from chimerax.flexrec.explore.embedding import load_embedding
from chimerax.flexrec.explore.named_states import kept_states
from chimerax.flexrec.explore.particle_columns import column
from chimerax.flexrec.explore.particle_images import available_images
from chimerax.flexrec.explore.path_lines import path_from_file
from chimerax.flexrec.explore.trained_model import open_trained
from chimerax.flexrec.models import open_model
from chimerax.flexrec.models.opening import checkpoint_of, program_of
from recovar_files import BOX, COUNT, PIXEL, USED, dump, make_old, write_recovar, write_volume

OWN = Path(__file__).parent / "recovar_maps.py"


@pytest.fixture
def work(tmp_path):
    return write_recovar(tmp_path / "pipeline")


def embedding(work, name, zdim=3):
    return np.load(work / "model" / f"zdim_{zdim}" / f"{name}.npy")[USED]


def change(work, **parameters):
    """Other words in the record of what RECOVAR was asked."""
    record = json.loads((work / "job.json").read_text())
    record["parameters"].update(parameters)
    (work / "job.json").write_text(json.dumps(record))


def test_a_map_is_the_mean_and_eigenvectors_times_the_latents(work):
    model = open_model(checkpoint_of(work, zdim=3))
    read = [mrcfile.read(work / "output" / "volumes" / f"{name}.mrc")
            for name in ("mean", "eigen_pos0000", "eigen_pos0001", "eigen_pos0002")]  # fmt: skip
    wanted = read[0] + 20 * read[1] - 3 * read[2] + 0.5 * read[3]
    np.testing.assert_allclose(model.decode([20, -3, 0.5]), wanted, rtol=1e-5, atol=1e-5)
    assert model.box == BOX and model.pixel_size == pytest.approx(PIXEL)
    np.testing.assert_allclose(model.centre, BOX // 2 * PIXEL)
    assert model.moving is None and model.kind == "RECOVAR" and model.coarser(8).decode([20, -3, 0.5]).shape == (8,) * 3


@pytest.mark.parametrize("zdim", [1, 3])
def test_maps_are_those_of_recovar_itself(work, tmp_path, zdim):
    python = os.environ.get("FLEXREC_RECOVAR_PYTHON")
    if python is None:
        pytest.skip("no RECOVAR (name a Python that has it in FLEXREC_RECOVAR_PYTHON)")
    model = open_model(checkpoint_of(work, zdim=zdim))
    np.save(tmp_path / "points.npy", model.latents[:3])
    words = [python, str(OWN), str(work), str(zdim), str(tmp_path / "points.npy"), str(tmp_path / "maps.npy")]
    subprocess.run(words, check=True, env={**os.environ, "JAX_PLATFORMS": "cpu"})
    for z, wanted in zip(model.latents[:3], np.load(tmp_path / "maps.npy"), strict=True):
        assert np.abs(model.decode(z) - wanted).max() < 1e-5 * np.abs(wanted).max()
        assert np.abs(model.volume - wanted).max() > 0.1 * np.abs(wanted).max()


def test_each_embedding_can_be_opened(work):
    assert open_model(work).latent_dims == 1  # the one that was analysed
    assert checkpoint_of(work, zdim=3) == work / "model" / "zdim_3" / "latent_coords.npy"
    free = open_model(work / "model" / "zdim_3" / "latent_coords_noreg.npy")
    np.testing.assert_array_equal(free.latents, embedding(work, "latent_coords_noreg"))
    np.testing.assert_array_equal(free.precision, embedding(work, "latent_precision_noreg"))
    assert "zdim 3 without regularisation" in free.progress
    assert len({free.checkpoint, open_model(work).checkpoint, open_model(checkpoint_of(work, zdim=3)).checkpoint}) == 3
    assert open_model(work / "model" / "zdim_3").latent_dims == 3
    assert "model/zdim_3/latent_coords_noreg.npy" in open_model(work).origin.notes[0]
    with pytest.raises(InputError, match="has no zdim 7; there are 1, 3"):
        checkpoint_of(work, zdim=7)
    with pytest.raises(InputError, match="its models differ by zdim; leave out epoch"):
        checkpoint_of(work, epoch=3)


def test_particles_are_those_that_have_latents(work):
    trained = open_trained(work)
    assert len(trained.latents) == len(USED) < COUNT
    np.testing.assert_array_equal(trained.particles.index, USED)
    np.testing.assert_array_equal(trained.particles.half, 1 + np.arange(len(USED)) % 2)
    np.testing.assert_array_equal(trained.source_rows(np.array([0, 3])), USED[[0, 3]])
    assert trained.particles.contrast == -1  # as the log says that RECOVAR found it
    raw = next(available_images(trained, np.array([5])))
    np.testing.assert_allclose(raw.read(np.array([5])), -mrcfile.read(work / "particles.mrcs")[USED[[5]]])
    change(work, uninvert_data="true")
    assert open_trained(work).particles.contrast == 1
    np.testing.assert_array_equal(column(trained, "contrast").values, embedding(work, "contrasts", 1))


def test_a_mean_alone_is_told(work):
    shutil.rmtree(work / "model")
    shutil.rmtree(work / "analysis_1")
    with pytest.raises(InputError, match="RECOVAR's mean and no latents"):
        open_model(work)


def test_what_analyze_has_left_is_there(work):
    trained = open_trained(work)
    clusters, states = load_clusters(trained), {state.name: state.z for state in kept_states(trained)}
    nearest = np.argmin(np.abs(trained.latents - np.array([-200.0, 50.0, 400.0])), axis=1)
    np.testing.assert_array_equal(clusters.label, nearest + 1)
    assert states["kmeans1"].tolist() == [50.0] and states["kmeans2"].tolist() == [400.0]
    assert abs(read_point("c3", trained)[0] - 400) == np.abs(trained.latents - 400).min()
    assert load_embedding(trained).points.shape == (len(USED), 2)
    path = path_from_file(trained.model.origin.paths["traj000"], 1)
    np.testing.assert_allclose(path.z[:, 0], [-300, -150, 0, 150, 300])
    (work / "open states").mkdir()
    np.savetxt(work / "open states" / "latent_coords.txt", [[7.0, 8.0, 9.0]])
    other = open_trained(checkpoint_of(work, zdim=3))
    assert [state.name for state in kept_states(other)] == ["open_states_0"]
    assert load_clusters(other) is None and load_embedding(other) is None


def test_tables_that_do_not_fit_are_not_shown(work):
    dump(work / "analysis_1" / "data" / "kmeans_result.pkl", {"centers": np.zeros((3, 2)), "labels": np.zeros(COUNT)})
    (work / "analysis_1" / "plots" / "umap" / "umap_embedding.pkl").write_bytes(b"cos\nsystem\n(S'touch pwned'\ntR.")
    np.save(work / "model" / "zdim_1" / "latent_precision.npy", np.zeros((2, 1, 1), np.float32))
    trained = open_trained(work)
    assert load_clusters(trained) is None and load_embedding(trained) is None and trained.model.precision is None


def test_no_pickled_record_is_opened(work, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save(work / "model" / "zdim_3" / "latent_coords.npy", np.array([{"a": 1}], object))
    with pytest.raises(InputError, match="holds no table of 3 number"):
        open_model(work / "model" / "zdim_3")
    assert open_trained(work).particles is not None and not (tmp_path / "pwned").exists()


def _removed(name):
    return lambda work: (work / name).unlink()


def _saved(values):
    return lambda work: np.save(work / "model" / "zdim_1" / "latent_coords.npy", values)


def _emptied(work):
    for path in (work / "model").glob("zdim_*/*"):
        path.unlink()


@pytest.mark.parametrize("damage, sentence", [
    (_removed("output/volumes/mean.mrc"), "mean.mrc: is missing"),
    (_removed("output/volumes/eigen_pos0000.mrc"), "eigen_pos0000.mrc: is missing"),
    (_emptied, "no latents in model/zdim_N"),
    (_saved(np.zeros((COUNT, 2), np.float32)), "no table of 1 number"),
    (_saved(np.full((COUNT, 1), np.nan, np.float32)), "nothing to show"),
    (_saved(np.array(["a", "b"])), "no table of 1 number"),
    (lambda work: write_volume(work / "output/volumes/eigen_pos0000.mrc", np.ones((8, 8, 8))), "of different runs"),
    (lambda work: (work / "output/volumes/mean.mrc").write_bytes(b"no map"), "mean.mrc"),
])  # fmt: skip
def test_what_is_amiss_is_one_sentence(work, damage, sentence):
    damage(work)
    with pytest.raises(InputError, match=sentence) as refused:
        open_model(work)
    assert "\n" not in str(refused.value) and str(work) in str(refused.value)


@pytest.mark.parametrize("damage, sentence", [
    (_removed("job.json"), "job.json: is not there"),
    (lambda work: (work / "job.json").write_text("[1]"), "job.json: is not there or cannot be read"),
    (lambda work: change(work, tilt_series=True), "tilt series"),
    (lambda work: change(work, particles="/gone/particles.mrcs"), "particles are not at /gone/particles.mrcs"),
    (lambda work: write_volume(work / "particles.mrcs", np.ones((20, BOX, BOX))), "do not belong together"),
])  # fmt: skip
def test_particles_that_cannot_be_told_are_a_sentence_and_the_maps_open(work, damage, sentence):
    damage(work)
    trained = open_trained(work)
    assert trained.model.decode(trained.latents[0]).std() > 0
    with pytest.raises(InputError, match=sentence):
        trained.particles  # noqa: B018


def test_too_few_particles_in_the_file_are_noticed(work):
    with pytest.raises(InputError, match=f"particle in row {USED.max() + 1} of .* has 20"):
        open_model(work).origin.rows(20, None)


def test_other_folders_are_not_taken_for_one(tmp_path):
    (tmp_path / "model" / "zdim_2").mkdir(parents=True)
    (tmp_path / "output" / "volumes").mkdir(parents=True)
    assert program_of(tmp_path) is None


def record(place, command, pipeline, **parameters):
    """As each command of RECOVAR's writes it."""
    about = {"command": command, "parameters": parameters, "provenance": {"pipeline_result_dir": str(pipeline)}}
    (place / "job.json").write_text(json.dumps(about))


def test_an_analysis_is_found_where_the_command_line_writes_it(work):
    (work / "analysis_1").rename(work / "Analyze")
    record(work / "Analyze", "analyze", work, zdim=1, no_z_regularization=False)
    trained = open_trained(work)
    assert trained.model.latent_dims == 1 and load_embedding(trained) is not None
    assert "kmeans1" in {state.name for state in kept_states(trained)}
    record(work / "Analyze", "analyze", work, zdim=1, no_z_regularization=True)
    trained = open_trained(work)
    assert not trained.model.embedding.regularised and load_embedding(trained) is not None


def test_an_analysis_in_a_project_is_found_also_where_that_was_moved(work, tmp_path):
    project = tmp_path / "project"
    for name in ("Pipeline", "Analyze/job_0002", "Analyze/job_0003", "ReconstructState/job_0004"):
        (project / name).mkdir(parents=True)
    (project / "project.json").write_text("{}")
    pipeline = work.rename(project / "Pipeline" / "job_0001")
    (project / "Analyze" / "job_0002").rmdir()
    (pipeline / "analysis_1").rename(project / "Analyze" / "job_0002")
    record(project / "Analyze" / "job_0002", "analyze", "/before/Pipeline/job_0001", zdim=1)
    record(project / "Analyze" / "job_0003", "analyze", "/before/Pipeline/job_0009", zdim=1)  # of another pipeline
    record(project / "ReconstructState" / "job_0004", "compute_state", "/before/Pipeline/job_0001")
    np.savetxt(project / "ReconstructState" / "job_0004" / "latent_coords.txt", [7.0])
    trained = open_trained(pipeline)
    assert trained.model.latent_dims == 1 and load_clusters(trained) is not None
    assert {"kmeans0", "job_0004_0"} <= {state.name for state in kept_states(trained)}
    with pytest.raises(InputError, match=r"open Pipeline/job_0001 in it \(RECOVAR\)"):
        open_model(project)


@pytest.mark.parametrize("version", ["0", "0.2", "last"])
def test_a_folder_of_before_version_1_opens_alike(work, tmp_path, version):
    new = open_trained(shutil.copytree(work, tmp_path / "new"))
    other = open_trained(checkpoint_of(tmp_path / "new", zdim=3))
    free = open_model(tmp_path / "new" / "model" / "zdim_1" / "latent_coords_noreg.npy")
    trained = open_trained(make_old(work, version))
    assert trained.model.latent_dims == 1 and trained.model.file == work / "analysis_1"
    np.testing.assert_array_equal(trained.latents, new.latents)
    np.testing.assert_array_equal(trained.model.precision, new.model.precision)
    np.testing.assert_array_equal(trained.model.decode([7.0]), new.model.decode([7.0]))
    np.testing.assert_array_equal(trained.particles.index, USED)
    np.testing.assert_array_equal(trained.particles.half, new.particles.half)
    assert trained.particles.contrast == 1
    np.testing.assert_array_equal(column(trained, "contrast").values, column(new, "contrast").values)
    np.testing.assert_array_equal(load_clusters(trained).label, load_clusters(new).label)
    np.testing.assert_array_equal(load_embedding(trained).points, load_embedding(new).points)
    assert "kmeans1" in {state.name for state in kept_states(trained)} and "path0" in trained.model.origin.paths
    with pytest.raises(InputError, match="has no zdim 3; there are 1"):
        checkpoint_of(work, zdim=3)
    for name in ("analysis_3", "analysis_1_noreg"):
        (work / name).mkdir()
    np.testing.assert_array_equal(open_model(checkpoint_of(work, zdim=3)).latents, other.latents)
    np.testing.assert_array_equal(open_model(work / "analysis_1_noreg").latents, free.latents)
    again = open_trained(work / "analysis_3")  # as the engine process opens it
    assert again.model.file == work / "analysis_3" == again.folder


def test_of_before_version_1_the_largest_is_opened_where_none_was_analysed(work):
    shutil.rmtree(make_old(work) / "analysis_1")
    model = open_model(work)
    assert model.latent_dims == 3 and "other embeddings open by zdim once" in model.notes[0]
    np.testing.assert_array_equal(open_model(model.file).latents, model.latents)
    (work / "run.log").unlink()
    assert len(open_trained(work).particles) == len(USED)  # as command.txt says
    (work / "command.txt").unlink()
    with pytest.raises(InputError, match="job.json: is not there, nor, of a version before 1.0"):
        open_trained(work).particles  # noqa: B018


@pytest.mark.parametrize("values, sentence", [
    ([1], "no tables of latents by zdim"),
    ({"zs": {}}, "latents of no zdim"),
    ({"zs": {3: "text"}}, "embeddings.pkl: holds no table of 3"),
    ({"zs": {3: np.zeros((9, 3), np.float32)}}, "halfsets.pkl does not say of which"),
    ({"zs": {3: Path("somewhere")}}, "pathlib.* is no array or plain container"),
])  # fmt: skip
def test_a_pickle_of_before_version_1_that_is_amiss_is_one_sentence(work, values, sentence):
    shutil.rmtree(make_old(work) / "analysis_1")
    dump(work / "model" / "embeddings.pkl", values)
    with pytest.raises(InputError, match=sentence) as refused:
        open_model(work)
    assert "\n" not in str(refused.value)

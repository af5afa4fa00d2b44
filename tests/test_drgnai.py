"""The out folder of CryoDRGN-AI by itself, and what abinit of cryoDRGN leaves otherwise than train_vae."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path

import mrcfile
import numpy as np
import pytest
import yaml
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.explore.cluster_file import load_clusters
from chimerax.flexrec.explore.export import save_particles
from chimerax.flexrec.explore.named_states import kept_states
from chimerax.flexrec.explore.trained_model import open_trained
from chimerax.flexrec.models import open_model
from chimerax.flexrec.models.opening import checkpoint_of
from chimerax.flexrec.particles import read_particles
from chimerax.flexrec.particles.pickles import load_arrays_pickle
from chimerax.flexrec.particles.selection import make_selection

HERE = Path(__file__).parent
EXAMPLE = HERE / "drgnai_example"
COUNT, USED, BOX, PIXEL = 160, 120, 32, 4.0


def dump(path, value):
    path.write_bytes(pickle.dumps(value))


def write_images(path, count, box, pixel):
    images = np.random.default_rng(0).normal(size=(count, box, box)).astype(np.float32)
    with mrcfile.new(path, overwrite=True) as file:
        file.set_data(images)
        file.voxel_size = pixel


@pytest.fixture
def work(tmp_path):
    """The example, with images, in the folder of an experiment."""
    folder = shutil.copytree(EXAMPLE, tmp_path / "experiment" / "out")
    write_images(folder / "particles.mrcs", COUNT, BOX, PIXEL)
    return folder


@pytest.fixture
def vae(tmp_path):
    """The example of train_vae, with images."""
    folder = shutil.copytree(HERE / "cryodrgn_example", tmp_path / "vae")
    write_images(folder / "particles.mrcs", 120, 16, 15.0)
    return folder


def change(work, name="drgnai-configs.yaml", table="training", remove=(), **values):
    config = yaml.safe_load((work / name).read_text())
    config[table].update(values)
    for each in remove:
        del config[table][each]
    (work / name).write_text(yaml.dump(config))


@pytest.mark.parametrize("number", [0, 3])
def test_maps_are_those_of_its_own_code(work, number):
    model, place = open_model(work), work / "analysis_6" / "kmeans6"
    true = mrcfile.read(place / f"vol_{number:03d}.mrc")
    wrong = np.abs(model.decode(np.loadtxt(place / "z_values.txt")[number]) - true).max()
    assert wrong < 1e-6 * np.abs(true).max()
    assert np.abs(model.decode(np.loadtxt(place / "z_values.txt")[3 - number]) - true).max() > 1e4 * wrong
    assert (model.box, model.latent_dims, model.epoch) == (BOX, 3, 6) and model.pixel_size == pytest.approx(PIXEL)
    assert model.progress == "decoded by FlexRec from CryoDRGN-AI's weights, epoch 6"
    np.testing.assert_allclose(model.latents, load_arrays_pickle(work / "conf.6.pkl"), rtol=1e-6)


def test_particles_have_the_poses_that_it_has_found(work, tmp_path):
    trained, rows = open_trained(work), load_arrays_pickle(work / "ind.pkl")
    rotation, shift = load_arrays_pickle(work / "pose.6.pkl")
    particles = trained.particles
    assert len(particles) == len(rows) == USED
    np.testing.assert_array_equal(particles.index, rows)
    np.testing.assert_allclose(particles.rotation, rotation, atol=1e-6)
    np.testing.assert_allclose(particles.shift, shift * PIXEL, rtol=1e-5)  # train_vae has parts of the box
    assert particles.contrast == 1 and "pose.6.pkl" in trained.model.notes[0]
    selection = make_selection("some", np.array([3, 50]), USED, trained.identity)
    save_particles(trained, selection, tmp_path / "some.star")
    np.testing.assert_allclose(read_particles(tmp_path / "some.star").rotation, rotation[[3, 50]], atol=1e-6)


def test_what_its_analysis_has_found_is_there(work):
    trained = open_trained(work)
    label = load_arrays_pickle(work / "analysis_6" / "kmeans6" / "labels.pkl")
    np.testing.assert_array_equal(load_clusters(trained).label, label + 1)
    assert [state.name for state in kept_states(trained)] == [f"kmeans{number}" for number in range(6)]
    assert "pc1_4" in trained.model.origin.paths and "CryoDRGN-AI has left beside it" in trained.model.notes[-1]


def test_poses_that_were_given_are_taken_from_where_they_were_given(work):
    rotation, shift = load_arrays_pickle(work / "pose.6.pkl")
    given = np.tile(np.eye(3), (COUNT, 1, 1)), np.full((COUNT, 2), 0.25)
    dump(work / "poses.pkl", given)
    change(work, pose="poses.pkl", use_gt_poses=True)
    np.testing.assert_allclose(open_trained(work).particles.shift, 0.25 * BOX * PIXEL)
    change(work, use_gt_poses=False, refine_gt_poses=True)
    np.testing.assert_allclose(open_trained(work).particles.shift, shift * PIXEL, rtol=1e-5)
    dump(work / "pose.6.pkl", rotation)  # no_trans
    assert not open_trained(work).particles.shift.any()


def test_an_older_folder_and_the_first_so_many_images(work):
    wanted = open_model(work).decode([0, 0, 0])
    values = yaml.safe_load((work / "drgnai-configs.yaml").read_text())
    (work / "drgnai-configs.yaml").unlink()
    (work / "train-configs.yaml").write_text(yaml.dump({**values["training"], "ind": USED}))
    trained = open_trained(work)
    np.testing.assert_allclose(trained.model.decode([0, 0, 0]) * values["data_norm_std"], wanted, atol=1e-5)
    np.testing.assert_array_equal(trained.particles.index, np.arange(USED))


def test_a_file_of_conformations_stands_for_its_epoch(work):
    shutil.copy(work / "weights.6.pkl", work / "weights.5.pkl")
    assert checkpoint_of(work / "conf.6.pkl") == work / "weights.6.pkl"
    assert open_model(work).epoch == 6  # 5 has no conformations
    with pytest.raises(InputError, match=r"latents of this epoch are missing \(conf.5.pkl\)"):
        open_model(work / "weights.5.pkl")


def test_the_experiment_around_it_is_answered_with_it(work):
    (work.parent / "configs.yaml").write_text("particles: a\n")
    with pytest.raises(InputError, match=r"open out in it \(cryoDRGN\)"):
        open_trained(work.parent)


@pytest.mark.parametrize("values, sentence", [
    ({"explicit_volume": True}, "open its reconstruct.N.mrc in ChimeraX"),
    ({"z_dim": 4}, "takes 51 numbers where drgnai-configs.yaml speaks of 52"),
    ({"pe_dim": 9}, "of different trainings"),
    ({"hypervolume_domain": "fourier"}, "of different trainings"),
    ({"z_dim": "many"}, "zdim is 'many'"),
])  # fmt: skip
def test_what_it_cannot_be_is_one_sentence(work, values, sentence):
    change(work, **values)
    with pytest.raises(InputError, match=sentence) as refused:
        open_model(work)
    assert "\n" not in str(refused.value)


def test_pretraining_alone_is_one_sentence(work):
    for name in ("weights", "conf", "pose"):
        (work / f"{name}.6.pkl").rename(work / f"{name}.-1.pkl")
    with pytest.raises(InputError, match="has the pretraining alone .* wait for its first epoch"):
        open_model(work)


def test_a_program_in_a_file_of_its_is_refused(work, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("weights.6.pkl", "conf.6.pkl"):
        kept = (work / name).read_bytes()
        (work / name).write_bytes(b"cos\nsystem\n(S'touch pwned'\ntR.")
        with pytest.raises(InputError, match=r"(posix|os)\.system|os.system"):
            open_model(work)
        (work / name).write_bytes(kept)
    assert not (tmp_path / "pwned").exists()


def test_tilt_series_have_no_images(work):
    change(work, subtomogram_averaging=True)
    assert open_model(work).decode([0, 0, 0]).any()
    with pytest.raises(InputError, match="trained on tilt series"):
        open_trained(work).particles  # noqa: B018


def test_abinit_before_4_1_has_found_poses_in_parts_of_the_box(vae):
    rotation, shift = load_arrays_pickle(vae / "poses.pkl")
    change(vae, "config.yaml", "dataset_args", remove=["poses"])
    assert np.isnan(open_trained(vae).particles.rotation).all()
    assert "are not there (pose.3.pkl)" in " ".join(open_model(vae).notes)
    dump(vae / "pose.3.pkl", (rotation[::-1], shift[::-1]))
    particles = open_trained(vae).particles
    np.testing.assert_allclose(particles.rotation, rotation[::-1], atol=1e-6)
    np.testing.assert_allclose(particles.shift, shift[::-1] * 16 * 15.0, rtol=1e-5)
    assert "those that it has found (pose.3.pkl)" in " ".join(open_model(vae).notes)


def test_abinit_from_4_1_on_has_found_poses_in_pixels_and_its_epoch_0_is_random(work):
    """The same network, by cryoDRGN's names."""
    asked = yaml.safe_load((work / "drgnai-configs.yaml").read_text())
    training = asked.pop("training")
    model = {"zdim": 3, "pe_type": "gaussian", "pe_dim": training["pe_dim"], "domain": "hartley"}
    given = {name: training[name] for name in ("particles", "ctf", "ind", "datadir", "invert_data")}
    config = {**asked, "dataset_args": given, "lattice_args": {"D": BOX + 1, "extent": 0.5}, "model_args": model}
    (work / "drgnai-configs.yaml").unlink()
    (work / "config.yaml").write_text(yaml.dump({**config, "training": training}))
    (work / "conf.6.pkl").rename(work / "z.6.pkl")
    trained = open_trained(work)
    assert "cryoDRGN's weights, epoch 6" in trained.model.progress and "pretraining" not in "".join(trained.model.notes)
    np.testing.assert_allclose(trained.particles.shift, load_arrays_pickle(work / "pose.6.pkl")[1] * PIXEL, rtol=1e-5)
    for name in ("weights", "z", "pose"):
        shutil.copy(work / f"{name}.6.pkl", work / f"{name}.0.pkl")
    assert "whose poses and latents are random" in " ".join(open_model(work / "weights.0.pkl").notes)

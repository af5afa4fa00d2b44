"""A work folder of cryoDRGN: epochs, analyses, particles, and what is said where something is amiss."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path

import mrcfile
import numpy as np
import pytest
import yaml
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.explore.anchors import read_point
from chimerax.flexrec.explore.cluster_file import load_clusters
from chimerax.flexrec.explore.embedding import load_embedding
from chimerax.flexrec.explore.export import save_particles
from chimerax.flexrec.explore.named_states import keep_state, kept_states, remove_state
from chimerax.flexrec.explore.particle_columns import column, column_names
from chimerax.flexrec.explore.particle_images import available_images, use_folder
from chimerax.flexrec.explore.path_lines import path_from_file
from chimerax.flexrec.explore.trained_model import open_trained
from chimerax.flexrec.jobs.find_model import named_model, trained_folder
from chimerax.flexrec.models import open_model
from chimerax.flexrec.models.opening import checkpoint_of, program_of
from chimerax.flexrec.particles import read_particles
from chimerax.flexrec.particles.pickles import load_arrays_pickle
from chimerax.flexrec.particles.selection import make_selection

EXAMPLE = Path(__file__).parent / "cryodrgn_example"
COUNT, BOX = 120, 16
# lists of the list before, ten times each: written out it would fill any memory
BOMB = b"a0: &a0 [x]\n"
BOMB += b"".join(b"a%d: &a%d [%s]\n" % (k, k, b",".join([b"*a%d" % (k - 1)] * 10)) for k in range(1, 20))
BOMB += b"lattice_args: {D: *a19, extent: 0.5}\nmodel_args: {}\ndataset_args: {norm: [0, 1]}\n"


def dump(path, value):
    path.write_bytes(pickle.dumps(value))


@pytest.fixture
def work(tmp_path):
    """The example, with images."""
    folder = shutil.copytree(EXAMPLE, tmp_path / "work")
    images = np.random.default_rng(0).normal(size=(COUNT, BOX, BOX)).astype(np.float32)
    with mrcfile.new(folder / "particles.mrcs") as file:
        file.set_data(images)
        file.voxel_size = 15.0
    return folder


def change(work, **changes):
    """Other values in the config, by table and name."""
    config = yaml.safe_load((work / "config.yaml").read_text())
    for name, value in changes.items():
        table, entry = name.split("__")
        config[table][entry] = value
    (work / "config.yaml").write_text(yaml.dump(config))


def test_the_newest_epoch_is_opened_or_the_one_that_is_named(work):
    newest, older = open_model(work), open_model(work / "weights.2.pkl")
    assert newest.epoch == 3 and older.epoch == 2 and older.file == work / "weights.2.pkl"
    assert newest.progress == "decoded by FlexRec from cryoDRGN's weights, epoch 3"
    np.testing.assert_array_equal(older.latents, load_arrays_pickle(work / "z.2.pkl"))
    assert not np.allclose(older.decode([0, 0]), newest.decode([0, 0]))
    assert checkpoint_of(work, 2) == work / "weights.2.pkl" and checkpoint_of(work) == work
    assert named_model(work / "weights.2.pkl") == work / "weights.2.pkl" and trained_folder(work) == work
    with pytest.raises(InputError, match="has no epoch 7; there are 2, 3"):
        checkpoint_of(work, 7)
    assert newest.precision is None and newest.moving is None


def test_files_without_a_number_are_the_last(work):
    for name in ("weights", "z"):
        (work / f"{name}.3.pkl").rename(work / f"{name}.pkl")
    assert open_model(work).epoch == 3  # as the checkpoint says, and later than 2
    (work / "weights.2.pkl").rename(work / "weights.9.pkl")
    (work / "z.2.pkl").rename(work / "z.9.pkl")
    assert open_model(work).epoch == 9


def test_the_older_config_is_read(work):
    config = yaml.safe_load((work / "config.yaml").read_text())
    for name in ("activation", "tilt_params"):
        del config["model_args"][name]
    config["dataset_args"]["norm"] = tuple(map(np.float64, config["dataset_args"]["norm"]))
    config.pop("time")
    wanted = open_model(work).decode([0.3, 0.1])
    (work / "config.yaml").unlink()
    dump(work / "config.pkl", config)
    np.testing.assert_array_equal(open_model(work).decode([0.3, 0.1]), wanted)


def test_clusters_states_paths_and_columns_that_are_there(work):
    analysis, landscape = work / "analyze.3", work / "landscape.3"
    embedding = np.random.default_rng(1).normal(size=(COUNT, 2)).astype(np.float32)
    dump(analysis / "umap.pkl", embedding)
    label = load_arrays_pickle(analysis / "kmeans20" / "labels.pkl")
    (landscape / "kmeans5").mkdir(parents=True)
    (landscape / "clustering_L2_average_3").mkdir()
    dump(landscape / "kmeans5" / "labels.pkl", np.arange(COUNT) % 5)
    dump(landscape / "clustering_L2_average_3" / "state_labels.pkl", np.array([1, 1, 2, 3, 2]))
    (landscape / "landscape_full").mkdir()
    dump(landscape / "landscape_full" / "vol_pca_all.pkl", np.random.default_rng(2).normal(size=(COUNT, 3)))
    trained = open_trained(work)
    np.testing.assert_array_equal(load_clusters(trained).label, label + 1)
    centres = np.loadtxt(analysis / "kmeans20" / "centers.txt")
    np.testing.assert_array_equal(load_clusters(trained).centre, np.loadtxt(analysis / "kmeans20" / "centers_ind.txt"))
    np.testing.assert_allclose(read_point("c3", trained), centres[2], rtol=1e-5)
    np.testing.assert_allclose(read_point("kmeans3", trained), centres[2], rtol=1e-5)
    np.testing.assert_array_equal(load_embedding(trained).points, embedding)
    assert {"umap1", "cluster", "landscape_L2_average_3", "volpc1", "volpc3", "defocus"} <= set(column_names(trained))
    states = column(trained, "landscape_L2_average_3")
    assert states.categories and states.values[:6].tolist() == [1, 1, 2, 3, 2, 1]
    # as version 4.3 names its folder, and counts its clusters
    (landscape / "clustering_L2_average_3").rename(landscape / "sketch_clustering_average_3")
    dump(landscape / "kmeans5" / "labels.pkl", 1 + np.arange(COUNT) % 5)
    (landscape / "landscape_full" / "full_clustering").mkdir()
    dump(landscape / "landscape_full" / "full_clustering" / "cluster_labels.pkl", np.arange(COUNT, dtype=np.int32))
    again = open_trained(work)
    assert column(again, "landscape_average_3").values[:6].tolist() == [1, 1, 2, 3, 2, 1]
    assert column(again, "landscape_full").values[7] == 7 and column(again, "landscape_full").categories
    path = path_from_file(trained.model.origin.paths["pc1"], 2)
    assert len(path) == len(np.loadtxt(analysis / "pc1" / "z_values.txt")) > 5
    assert "20 states (kmeans1 and so on)" in " ".join(trained.model.origin.notes)


def test_states_of_ones_own_are_kept_beside_them(work):
    trained = open_trained(work)
    keep_state(trained, "open", trained.latents[4])
    assert [state.name for state in kept_states(trained)][:2] == ["open", "kmeans1"]
    remove_state(trained, "open")
    with pytest.raises(InputError, match="cryoDRGN's own files"):
        remove_state(trained, "kmeans1")
    assert len(kept_states(trained)) == 20


def test_what_does_not_fit_the_particles_is_not_shown(work):
    dump(work / "analyze.3" / "umap.pkl", np.zeros((COUNT - 1, 2), np.float32))
    dump(work / "analyze.3" / "kmeans20" / "labels.pkl", np.full(COUNT, 77))
    trained = open_trained(work)
    assert load_embedding(trained) is None and load_clusters(trained) is None


def test_particles_have_their_poses_ctf_and_images(work):
    trained = open_trained(work)
    rotation, shift = load_arrays_pickle(work / "poses.pkl")
    table = load_arrays_pickle(work / "ctf.pkl")
    particles = trained.particles
    np.testing.assert_allclose(particles.rotation, rotation, atol=1e-6)
    np.testing.assert_allclose(particles.shift, shift * BOX * 15.0, rtol=1e-5)
    np.testing.assert_allclose(particles.defocus, table[:, 2:5])
    assert particles.optics.voltage.tolist() == [300.0] and particles.contrast == 1
    raw = next(available_images(trained, np.array([3, 8])))
    np.testing.assert_allclose(raw.read(np.array([8])), mrcfile.read(work / "particles.mrcs")[[8]])


def test_poses_that_training_refined_count(work):
    rotation, shift = load_arrays_pickle(work / "poses.pkl")
    dump(work / "pose.3.pkl", (np.roll(rotation, 1, axis=0), 2 * shift))
    assert np.allclose(open_trained(work).particles.rotation, rotation, atol=1e-6)
    change(work, dataset_args__do_pose_sgd=True)
    particles = open_trained(work).particles
    np.testing.assert_allclose(particles.rotation, np.roll(rotation, 1, axis=0), atol=1e-6)
    np.testing.assert_allclose(particles.shift, 2 * shift * BOX * 15.0, rtol=1e-5)
    assert np.allclose(open_trained(work / "weights.2.pkl").particles.rotation, rotation, atol=1e-6)
    dump(work / "pose.3.pkl", (rotation,))
    np.testing.assert_array_equal(open_trained(work).particles.shift, 0)


def test_some_rows_of_the_file_were_trained_on(work):
    chosen = np.arange(5, COUNT, 2)
    dump(work / "ind.pkl", chosen)
    change(work, dataset_args__ind="ind.pkl")
    with pytest.raises(InputError, match=f"latents of {COUNT} particles, but .* are of {len(chosen)}"):
        open_trained(work).particles  # noqa: B018
    for epoch in (2, 3):
        dump(work / f"z.{epoch}.pkl", load_arrays_pickle(work / f"z.{epoch}.pkl")[chosen])
    trained = open_trained(work)
    np.testing.assert_array_equal(trained.particles.index, chosen)
    np.testing.assert_array_equal(trained.source_rows(np.array([0, 2])), [5, 9])


def test_a_selection_leaves_with_poses_and_ctf(work, tmp_path):
    trained, rows = open_trained(work), np.array([3, 50, 119])
    selection = make_selection("some", rows, COUNT, trained.identity)
    assert save_particles(trained, selection, tmp_path / "some.star") == ""
    written = read_particles(tmp_path / "some.star")
    np.testing.assert_array_equal(written.index, rows)
    np.testing.assert_allclose(written.rotation, trained.particles.rotation[rows], atol=1e-6)
    np.testing.assert_allclose(written.defocus, trained.particles.defocus[rows], rtol=1e-6)
    save_particles(trained, selection, tmp_path / "some.txt")
    assert np.loadtxt(tmp_path / "some.txt").tolist() == [3, 50, 119]


def test_images_that_have_moved_are_found_where_somebody_says(work, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for name in ("particles.mrcs", "poses.pkl", "ctf.pkl"):
        shutil.move(work / name, elsewhere / name)
    change(work, dataset_args__particles="/gone/particles.mrcs", dataset_args__poses="/gone/poses.pkl",
           dataset_args__ctf="/gone/ctf.pkl")  # fmt: skip
    for file in work.glob("analyze.3/*/*.mrc"):
        file.unlink()
    trained = open_trained(work)
    assert trained.model.pixel_size == 1.0 and "1 Å is taken" in trained.model.origin.notes[0]
    assert trained.model.decode([0, 0]).std() > 0 and "defocus" not in column_names(trained)
    with pytest.raises(InputError, match="particles are not at /gone/particles.mrcs"):
        trained.particles  # noqa: B018
    assert list(available_images(trained, np.array([1]))) == []
    assert "120 of 120" in use_folder(trained, elsewhere)
    assert len(trained.particles) == COUNT and next(available_images(trained, np.array([1]))).kind == "raw"
    again = open_model(work)
    assert again.pixel_size == pytest.approx(15.0) and "pixel size" not in " ".join(again.origin.notes)
    (elsewhere / "ctf.pkl").unlink()
    assert open_model(work).pixel_size == pytest.approx(15.0)  # that of the stack


def test_a_training_of_one_map(work):
    change(work, model_args__zdim=0)
    weights = load_arrays_pickle(work / "weights.3.pkl")
    first = "decoder.decoder.main.0.weight"
    import torch

    state = {name.removeprefix("decoder."): torch.tensor(array) for name, array in weights["model_state_dict"].items()
             if name.startswith("decoder.")}  # fmt: skip
    state[first.removeprefix("decoder.")] = state[first.removeprefix("decoder.")][:, :-2]
    for path in work.glob("z.*.pkl"):
        path.unlink()
    torch.save({"epoch": 3, "model_state_dict": state}, work / "weights.3.pkl")
    trained = open_trained(work)
    assert trained.latents.shape == (COUNT, 1) and len(trained.particles) == COUNT
    np.testing.assert_array_equal(trained.model.decode([0.5]), trained.model.decode([-0.5]))
    np.testing.assert_allclose(trained.model.decode([0.0]), open_model(EXAMPLE).decode([0.0, 0.0]), atol=1e-5)
    assert "of one map" in " ".join(trained.model.origin.notes)


def _removed(*names):
    def remove(work):
        for name in names:
            (work / name).unlink()

    return remove


def _overwritten(name, contents):
    return lambda work: (work / name).write_bytes(contents)


def _cut(name):
    return lambda work: (work / name).write_bytes((work / name).read_bytes()[:-1000])


def _changed(**changes):
    return lambda work: change(work, **changes)


@pytest.mark.parametrize("damage, sentence", [
    (_removed("config.yaml"), "no config.yaml"),
    (_removed("z.2.pkl", "z.3.pkl"), "latents .* are missing"),
    (_removed("weights.2.pkl", "weights.3.pkl"), "weights .* are missing"),
    (_overwritten("config.yaml", b"a: [1"), "cannot be read as YAML"),
    (_overwritten("config.yaml", b"!!python/object/apply:os.system ['touch pwned']"), "cannot be read as YAML"),
    (_overwritten("config.yaml", BOMB), "D is a list"),
    (_overwritten("config.yaml", b"just text"), "no config of cryoDRGN's"),
    (_overwritten("config.yaml", b"a: 1"), "no lattice_args"),
    (_overwritten("z.3.pkl", pickle.dumps([1, 2])), "no table of latents"),
    (_overwritten("z.3.pkl", pickle.dumps(np.zeros((COUNT, 3), np.float32))), "3 numbers for each particle"),
    (_overwritten("z.3.pkl", pickle.dumps(np.full((COUNT, 2), np.nan, np.float32))), "nothing to show"),
    (_overwritten("weights.3.pkl", pickle.dumps({"a": 1})), "no model_state_dict"),
    (lambda work: [_cut(f"weights.{epoch}.pkl")(work) for epoch in (2, 3)], "weights.3.pkl: not a readable pickle"),
    (_changed(model_args__zdim=3), "3"),
    (_changed(model_args__pe_type="geom_ft"), "of different trainings"),
    (_changed(model_args__pe_dim=9), "of different trainings"),
    (_changed(model_args__domain="hartley"), "of different trainings"),
    (_changed(model_args__domain="wavelet"), "domain is 'wavelet'"),
    (_changed(model_args__activation="gelu"), "activation is 'gelu'"),
    (_changed(lattice_args__D=16), "D is 16"),
    (_changed(lattice_args__D=10**9), "D is 1000000000"),
    (_changed(lattice_args__extent=-1), "extent is -1"),
    (_changed(dataset_args__norm=[0.0, 0.0]), "norm"),
])  # fmt: skip
def test_what_is_amiss_is_one_sentence(work, tmp_path, monkeypatch, damage, sentence):
    monkeypatch.chdir(tmp_path)
    damage(work)
    with pytest.raises(InputError, match=sentence) as refused:
        open_model(work)
    assert "\n" not in str(refused.value) and str(work) in str(refused.value)
    assert not (tmp_path / "pwned").exists()


def test_an_epoch_that_is_half_copied_is_passed_over(work):
    (work / "z.3.pkl").unlink()
    assert open_model(work).epoch == 2
    with pytest.raises(InputError, match="latents of this epoch are missing"):
        open_model(work / "weights.3.pkl")


def test_other_folders_are_not_taken_for_one(tmp_path):
    (tmp_path / "config.yaml").write_text("a: 1\n")
    (tmp_path / "weights.txt").write_text("1")
    assert program_of(tmp_path) is None


@pytest.mark.parametrize("contents", [b"", b"PK\x03\x04 the first part of an archive", b"\x80\x04\x95 of a pickle"])
def test_a_newest_epoch_that_ends_too_early_is_passed_over_and_said(work, contents):
    shutil.copy(work / "weights.3.pkl", work / "weights.4.pkl")
    (work / "z.4.pkl").write_bytes(contents)
    trained = open_trained(work)
    assert trained.model.epoch == 3 and "the end of z.4.pkl is missing" in trained.model.notes[0]
    with pytest.raises(InputError, match=r"z.4.pkl"):
        open_model(work / "weights.4.pkl")
    shutil.copy(work / "z.3.pkl", work / "z.4.pkl")
    assert open_model(work).epoch == 4 and "missing" not in " ".join(open_model(work).notes)


def test_a_file_of_latents_stands_for_its_epoch(work):
    for name in ("z.2.pkl", "weights.2.pkl"):
        assert open_model(work / name).epoch == 2
        assert open_model(checkpoint_of(work / name)).epoch == 2
    (work / "weights.2.pkl").unlink()
    with pytest.raises(InputError, match=r"z.2.pkl: the weights of this epoch are missing \(weights.2.pkl\)"):
        open_model(work / "z.2.pkl")


def test_a_number_of_images_is_the_first_so_many(work):
    """As abinit writes its --ind."""
    for epoch in (2, 3):
        dump(work / f"z.{epoch}.pkl", load_arrays_pickle(work / f"z.{epoch}.pkl")[:100])
    change(work, dataset_args__ind=100)
    trained = open_trained(work)
    assert trained.source_rows(np.arange(100)).tolist() == list(range(100)) and len(trained.particles) == 100


def test_latents_of_tilt_series_are_not_taken_for_those_of_images(work):
    """An index of as many particles as have latents would otherwise seem to be one of images."""
    for epoch in (2, 3):
        dump(work / f"z.{epoch}.pkl", load_arrays_pickle(work / f"z.{epoch}.pkl")[:30])
    dump(work / "ind.pkl", np.arange(30))
    change(work, model_args__encode_mode="tilt", dataset_args__ind="ind.pkl")
    trained = open_trained(work)
    assert len(trained.latents) == 30 and trained.model.decode([0, 0]).std() > 0
    with pytest.raises(InputError, match="trained on tilt series, whose images FlexRec does not read"):
        trained.particles  # noqa: B018
    with pytest.raises(InputError, match="tilt series"):
        trained.source_rows(np.arange(3))
    change(work, dataset_args__particles_tilt="tilted.mrcs")  # of version 2: one other image of each particle
    assert open_trained(work).source_rows(np.arange(3)).tolist() == [0, 1, 2]


def test_poses_that_were_searched_for_are_said_to_be_of_another_frame(work):
    assert "searched for" not in " ".join(open_model(work).notes)
    config = yaml.safe_load((work / "config.yaml").read_text())
    del config["dataset_args"]["poses"]
    (work / "config.yaml").write_text(yaml.dump(config))
    assert "are of another frame than the maps" in " ".join(open_model(work).notes)


def test_shifts_of_a_file_of_their_own_count(work):
    rotation, shift = load_arrays_pickle(work / "poses.pkl")
    dump(work / "rot.pkl", rotation)
    dump(work / "trans.pkl", shift)
    change(work, dataset_args__poses=["rot.pkl", "trans.pkl"])
    np.testing.assert_allclose(open_trained(work).particles.shift, shift * BOX * 15.0, rtol=1e-5)


def test_shifts_in_pixels_are_a_sentence(work):
    rotation, shift = load_arrays_pickle(work / "poses.pkl")
    dump(work / "poses.pkl", (rotation, shift * BOX + 1))
    with pytest.raises(InputError, match="so they are in pixels"):
        open_trained(work).particles  # noqa: B018


def test_a_folder_in_it_or_around_it_is_answered_with_its_own(work):
    for inner in (work / "analyze.3", work / "analyze.3" / "pc1"):
        with pytest.raises(InputError, match=f"has no model itself; open {work} \\(cryoDRGN\\)"):
            open_model(inner)
    with pytest.raises(InputError, match=r"open work in it \(cryoDRGN\)"):
        trained_folder(work.parent)


def test_the_pixel_size_is_told_by_cryodrgns_maps_where_the_images_are_gone(work):
    change(work, dataset_args__particles="/gone/particles.mrcs", dataset_args__ctf="/gone/ctf.pkl")

    def write(name, box, size):
        with mrcfile.new(work / name, overwrite=True) as file:
            file.set_data(np.zeros((box,) * 3, np.float32))
            file.voxel_size = size

    write("analyze.3/kmeans20/vol_001.mrc", BOX // 2, 7.5)  # --downsample, under the pixel size of the others
    write("analyze.3/pc1/vol_001.mrc", BOX, 1.0)  # which is what analyze writes where it does not know
    assert open_model(work).pixel_size == 1.0
    write("analyze.3/kmeans20/vol_001.mrc", BOX, 7.5)
    model = open_model(work)
    assert model.pixel_size == 7.5 and model.centre[0] == pytest.approx(BOX / 2 * 7.5)
    assert "7.5 Å, is that of analyze.3/kmeans20/vol_001.mrc" in model.notes[0]
    write("analyze.3/pc1/vol_001.mrc", BOX, 3.0)
    assert open_model(work).pixel_size == 1.0


def test_the_path_along_a_single_latent_dimension_is_there(work):
    np.savetxt(work / "analyze.3" / "z_values.txt", np.linspace(-1, 1, 10))
    assert open_model(work).origin.paths["z1"] == work / "analyze.3" / "z_values.txt"

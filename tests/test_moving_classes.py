"""Classes that move: a part that half of the particles lack as two classes, and a swing that both have."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.explore.choose_particles import chosen_where
from chimerax.flexrec.explore.trained_model import open_trained
from chimerax.flexrec.mesh.map_files import read_map
from chimerax.flexrec.models import open_model
from chimerax.flexrec.particles import read_particles
from chimerax.flexrec.particles.resample import resample_box
from chimerax.flexrec.simulate import load_truth
from scipy.stats import spearmanr
from test_train import flexrec, kill_after_a_pass, latents, make_project, process, training, truth
from trained_models import make_moving_classes, refuses_claims, refuses_half

pytestmark = pytest.mark.blank_pictures("composition")

QUICK = ("--decoder", "moving-classes", "--latent-dims", 1, "--modes", 16, "--hidden-units", 16, "--batch-size", 32,
         "--device", "cpu")  # fmt: skip


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """400 particles of 32 pixels, half without the second Fab; 004 has two classes and one motion."""
    made = make_project(tmp_path_factory.mktemp("moving") / "project", "fab1: ±25", 400, 1, "--drop", "fab2: 0.5")
    assert flexrec(made, "train", *QUICK, "--epochs", 3) == 0
    return made


def test_classes_and_motion_are_told_apart(project):
    model, absent = open_model(project / "004-train"), load_truth(project / "001-simulate").absent.reshape(400)
    assert model.kind == "flow of classes" and model.latent_dims == 2 and model.motion_dims == 1
    label = model.columns["class"].values
    told = [(label[absent] == k).mean() + (label[~absent] != k).mean() for k in (1, 2)]
    assert max(told) / 2 > 0.97
    for rows in (absent, ~absent):
        assert abs(spearmanr(model.latents[rows, 0], truth(project)[rows]).statistic) > 0.8
    assert training(project / "004-train", "class_1").shape == (3,)


def test_the_map_of_a_class_moves_as_that_of_the_other(project):
    model = open_model(project / "004-train")
    first, second = model.states.values()
    assert np.array_equal(model.vertices(first), model.vertices(second))
    lost, kept = sorted((model.decode(first), model.decode(second)), key=np.sum)
    made = load_truth(project / "001-simulate").moving
    share = made.weights[made.part == 0].sum() / made.weights.sum()
    assert abs(1 - lost.sum() / kept.sum() - share) < 0.12
    # between two classes the map is mixed
    assert np.allclose(model.decode((first + second) / 2), (model.decode(first) + model.decode(second)) / 2, atol=1e-5)
    swung = first + np.array([1.5, 0], np.float32)
    assert np.abs(model.vertices(swung) - model.vertices(first)).max() > 2
    assert np.linalg.norm(model.decode(swung) - model.decode(first)) > 0.05 * np.linalg.norm(model.decode(first))


def test_another_box_and_another_map(project):
    model = open_model(project / "004-train")
    first, second = model.states.values()
    coarse = model.coarser(16)
    assert np.abs(coarse.decode(first) - resample_box(model.decode(first), 16)).max() < 0.05 * coarse.volume.max()
    one = model.with_map(model.volumes[0], model.pixel_size)
    assert np.allclose(one.decode(second), one.decode(first), atol=1e-6)
    assert np.allclose(one.decode(first), model.decode(first), atol=1e-4 * model.volume.max())


def test_classes_are_columns_that_can_be_selected(project):
    trained = open_trained(project / "004-train")
    label = trained.model.columns["class"].values
    assert np.array_equal(chosen_where(trained, "class = 2"), label == 2)
    written = read_particles(project / "004-train" / "refined.star")
    assert np.array_equal(written.columns["rlnClassNumber"].astype(int), label)
    assert trained.model.notes[0].startswith("2 classes, which move alike, with these shares of the particles: class 1")


def test_maps_are_generated(project):
    assert flexrec(project, "generate", "--model", "004-train", "--along", "z1", "--frames", 2) == 0
    assert len(list(max(project.glob("*-generate")).glob("map_*.mrc"))) == 2


def test_images_are_reconstructed_with_their_motion_undone(project):
    assert flexrec(project, "select", "004-train", "--name", "two", "--where", "class = 2") == 0
    assert flexrec(project, "reconstruct", "--model", "004-train", "--selection", "two", "--device", "cpu") == 0
    volume, model = read_map(max(project.glob("*-reconstruct")) / "map.mrc")[0], open_model(project / "004-train")
    alike = [np.corrcoef(volume.ravel(), one.ravel())[0, 1] for one in model.volumes]
    assert alike[1] > max(0.8, alike[0])


def test_a_part_that_a_class_lacks_comes_and_goes(project):
    model, absent = open_model(project / "004-train"), load_truth(project / "001-simulate").absent.reshape(400)
    assert len(model.fading) == 1
    assert ((model.presence(model.latents)[:, model.fading[0]] > 0.5) == ~absent).mean() > 0.97
    assert flexrec(project, "diagnose", "composition", "--model", project / "004-train", "--device", "cpu") == 0
    result = json.loads((max(project.glob("*-diagnose")) / "composition.json").read_text())
    assert result["level"] == "good" and "the model has that" in result["sentence"]


def test_a_drag_shows_the_nearest_class(tmp_path):
    model = open_model(make_moving_classes(tmp_path / "001-train"))
    for number, point in enumerate(model.states.values()):
        there = model.what_is_there(point + np.array([0.7, 0.2], np.float32))
        assert there == (number,) and np.array_equal(model.at_rest(there), model.volumes[number])


def test_a_killed_training_resumes_to_the_same_numbers(project):
    words = (*QUICK, "--epochs", 2, "--poses", "fixed", "--scales", "keep")
    assert flexrec(project, "train", *words) == 0
    whole = max(project.glob("*-train"))
    killed = project / f"{int(whole.name[:3]) + 1:03d}-train"
    kill_after_a_pass(process(project, *words), killed)
    assert flexrec(project, "resume", killed.name) == 0
    assert np.array_equal(latents(killed), latents(whole))
    assert (killed / "flow.npz").read_bytes() == (whole / "flow.npz").read_bytes()
    for name in ("class_1.mrc", "class_2_half_1.mrc"):
        assert np.array_equal(read_map(killed / name)[0], read_map(whole / name)[0])


def test_a_team_learns_what_one_process_does(project):
    assert flexrec(project, "train", *QUICK[:-2], "--epochs", 3, "--devices", "cpu,cpu") == 0
    one, two = open_model(project / "004-train"), open_model(max(project.glob("*-train")))
    assert np.array_equal(one.columns["class"].values, two.columns["class"].values)
    assert np.linalg.norm(one.volumes - two.volumes) < 0.02 * np.linalg.norm(one.volumes)
    assert spearmanr(one.latents[:, 0], two.latents[:, 0]).statistic > 0.99


def test_what_is_asked_wrongly_is_refused(project, capsys):
    for words, sentence in (
        (("--decoder", "moving-classes", "--classes", 1), "classes is 1, but must be from 2 to 20"),
        ((*QUICK, "--start", "components"), "start: components of the density tell the classes apart"),
        (("--classes", 3), "classes: means nothing to the flow decoder"),
        (("--decoder", "moving-classes", "--halves"), "halves: means nothing to the moving-classes decoder"),
    ):
        assert flexrec(project, "train", *words) != 0
        assert sentence in capsys.readouterr().err


@pytest.mark.parametrize("name", ["class_2.mrc", "flow.npz", "latents.npz"])
def test_half_a_model_is_refused(project, tmp_path, name):
    refuses_half(shutil.copytree(project / "004-train", tmp_path / "train"), name)


def test_a_model_that_says_something_else_is_refused(project, tmp_path):
    folder = shutil.copytree(project / "004-train", tmp_path / "train")
    refuses_claims(folder, {"classes": "many"}, "does not say how many classes")
    refuses_claims(folder, {"classes": 3}, "has no fitting z")
    with pytest.raises(InputError):
        open_model(folder)

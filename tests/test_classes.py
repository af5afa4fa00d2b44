"""Classes: the simplex of their latents, discrete states told apart, resumed, opened, listed and generated from."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from chimerax.flexrec.engine.decoders.classes.class_maps import in_a_row
from chimerax.flexrec.engine.decoders.classes.classes_decoder import ClassesDecoder
from chimerax.flexrec.engine.decoders.classes.simplex import corners, shares_at
from chimerax.flexrec.engine.latents.table import LatentTable
from chimerax.flexrec.engine.latents.variational import VariationalTable
from chimerax.flexrec.engine.training.batches import ParticleImages
from chimerax.flexrec.engine.training.checkpoint import load_resume, save_resume
from chimerax.flexrec.engine.training.schedule import ResolutionLevel, coarse_to_fine
from chimerax.flexrec.engine.training.trainer import Settings, Trainer
from chimerax.flexrec.engine.training.training_loop import Training, run_training
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.explore.choose_particles import chosen_where
from chimerax.flexrec.explore.named_states import kept_states
from chimerax.flexrec.explore.particle_columns import column, column_names
from chimerax.flexrec.explore.trained_model import open_trained
from chimerax.flexrec.jobs.job_folder import JobRun
from chimerax.flexrec.mesh.map_files import read_map, write_map
from chimerax.flexrec.mesh.storage import load_mesh
from chimerax.flexrec.models import open_model
from chimerax.flexrec.particles import read_particles
from chimerax.flexrec.particles.prepared import load_prepared
from chimerax.flexrec.particles.resample import resample_box
from test_train import flexrec, make_project, truth
from trained_models import refuses_claims, refuses_half

pytestmark = pytest.mark.blank_pictures()

COUNT = 240


@pytest.mark.parametrize("classes", [2, 3, 4, 5, 8])
def test_classes_are_the_corners_of_a_white_simplex(classes):
    points = corners(classes).astype(np.float64)
    assert points.shape == (classes, classes - 1)
    assert np.allclose(points.mean(axis=0), 0, atol=1e-6)
    assert np.allclose(points.T @ points / classes, np.eye(classes - 1), atol=1e-6)
    apart = np.linalg.norm(points[:, None] - points, axis=2)[~np.eye(classes, dtype=bool)]
    assert np.allclose(apart, np.sqrt(2 * classes), atol=1e-5)


def test_classes_that_are_alike_are_neighbours_and_the_first_remain_first():
    rng = np.random.default_rng(0)
    start, change = rng.normal(size=(2, 500))
    maps = np.array([start + at * change for at in (0.0, 0.3, 0.2, 1.0)])
    assert in_a_row(maps) == in_a_row(maps[::-1]) == [0, 2, 1, 3]
    # of two classes both ends of the axis are as far: nothing but their order tells which is first
    assert all(in_a_row(rng.normal(size=(2, 500))) == [0, 1] for _ in range(20))


def test_shares_are_those_of_the_nearest_point_of_the_simplex():
    rng = np.random.default_rng(1)
    shares = rng.dirichlet(np.ones(4), 50)
    assert np.allclose(shares_at(shares @ corners(4)), shares, atol=1e-5)
    assert np.allclose(shares_at(corners(4)), np.eye(4), atol=1e-5)
    assert np.allclose(shares_at(3 * corners(4)), np.eye(4), atol=1e-5)
    beyond = rng.normal(size=(40, 3)) * 4
    nearest = shares_at(beyond) @ corners(4)
    # no other point of the simplex is nearer
    others = rng.dirichlet(0.3 * np.ones(4), 5000) @ corners(4)
    assert (np.linalg.norm(nearest - beyond, axis=1) <= np.linalg.norm(others[:, None] - beyond, axis=2).min(0)).all()
    decoder = ClassesDecoder()
    decoder.size = torch.ones(4)
    mixed = decoder._mixture(torch.from_numpy(beyond.astype(np.float32)))
    assert np.allclose(mixed.numpy(), shares_at(beyond), atol=1e-5)


# ----- trained -----


TRAIN = ("train", "--decoder", "classes", "--epochs", 4)


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """Three states of an arm, 25° from one to the next; 004 is a training of three classes."""
    project = make_project(tmp_path_factory.mktemp("classes") / "project", "fab1: ±25", COUNT, 5, "--states", "3")
    assert flexrec(project, *TRAIN, "--device", "cpu") == 0
    return project


def test_states_are_told_apart(project):
    model = open_model(project / "004-train")
    assert (model.kind, model.latent_dims, model.moving) == ("classes", 2, None)
    number, angle = model.shares.argmax(axis=1), truth(project)
    states, true = np.unique(angle.round(3), return_inverse=True)
    assert len(states) == 3
    table = np.histogram2d(number, true, bins=(3, 3))[0]
    assert table.max(axis=1).sum() / COUNT > 0.97
    means = [angle[number == k].mean() for k in range(3)]
    assert np.all(np.diff(means) > 0) or np.all(np.diff(means) < 0)  # numbered along their row
    assert model.shares.mean(axis=0).min() > 0.25


def test_a_map_is_that_of_its_class_at_its_corner_and_mixed_between(project):
    model = open_model(project / "004-train")
    volumes = [read_map(project / "004-train" / f"class_{k + 1}.mrc")[0] for k in range(3)]
    for point, volume in zip(corners(3), volumes, strict=True):
        assert np.allclose(model.decode(point), volume, atol=1e-5)
        assert np.allclose(model.decode(5 * point), volume, atol=1e-5)
    assert np.allclose(model.decode([0, 0]), np.mean(volumes, axis=0), atol=1e-5)
    assert np.linalg.norm(volumes[0] - volumes[2]) > 0.2 * np.linalg.norm(volumes[1])
    coarse = model.coarser(16)
    assert np.allclose(coarse.decode([0.5, 0]), resample_box(model.decode([0.5, 0]), 16), atol=1e-4)
    assert model.precision.shape == (COUNT, 2, 2) and np.linalg.eigvalsh(model.precision).min() > 0


def test_the_class_of_every_particle_is_a_column_a_state_and_in_the_star_file(project):
    trained = open_trained(project / "004-train")
    names = column_names(trained)
    assert {"class", "class_probability"} <= set(names) and len(names) == len(set(names))
    number = column(trained, "class")
    assert number.categories and set(number.values) == {1, 2, 3}
    assert np.array_equal(chosen_where(trained, "class = 2"), number.values == 2)
    assert [state.name for state in kept_states(trained)] == ["class 1", "class 2", "class 3"]
    written = read_particles(project / "004-train" / "refined.star")
    assert np.array_equal(np.asarray(written.columns["rlnClassNumber"]).astype(int), number.values)
    probability = np.asarray(written.columns["flexrecClassProbability"]).astype(float)
    assert np.allclose(probability, column(trained, "class_probability").values, atol=1e-3)
    assert "3 classes with these shares" in trained.model.notes[0]


def test_generate_writes_the_classes(project):
    at = ",".join(map(str, corners(3)[1]))
    assert flexrec(project, "generate", "--model", project / "004-train", f"--at={at}") == 0
    volume = read_map(next(project.glob("*-generate/map_*.mrc")))[0]
    assert np.allclose(volume, read_map(project / "004-train" / "class_2.mrc")[0], atol=1e-4)


def training_of(project) -> tuple[Trainer, Training]:
    prepared = load_prepared(project / "002-prep")
    images = ParticleImages(prepared.particles, prepared.filter)
    levels = coarse_to_fine(32, images.pixel_size, 3, 0.95)
    trainer = Trainer(images, load_mesh(project / "003-mesh" / "mesh.npz"), Settings(), levels, log=lambda line: None)
    return trainer, Training(ClassesDecoder(), LatentTable())


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("unbroken") / "first.safetensors"


@pytest.fixture(scope="module")
def unbroken(project, checkpoint) -> Training:
    """The three passes of `training_of`, with a checkpoint after the first."""
    job = JobRun(checkpoint.parent)
    trainer, training = training_of(project)

    def save(training, stage):
        if training.epoch == 1:
            save_resume(job.output, trainer, training)
            (job.folder / "resume.safetensors").rename(checkpoint)

    training.begin(trainer)
    run_training(trainer, training, save)
    return training


def test_a_variational_table_knows_the_same_of_classes_as_the_table(project, unbroken):
    trainer, varied = training_of(project)
    varied.source = VariationalTable()
    varied.begin(trainer)
    run_training(trainer, varied, lambda training, stage: None)
    assert torch.allclose(unbroken.points.z, varied.points.z, atol=1e-4)
    diagonal = unbroken.points.precision.diagonal(dim1=1, dim2=2)
    assert torch.allclose(varied.points.precision.diagonal(dim1=1, dim2=2), diagonal, rtol=1e-3)


def test_training_goes_on_from_its_checkpoint_to_the_same_numbers(project, unbroken, checkpoint):
    trainer, training = training_of(project)
    load_resume(checkpoint, trainer, training)
    assert training.epoch == 1
    run_training(trainer, training, lambda training, stage: None)
    assert torch.equal(training.points.z, unbroken.points.z)
    assert torch.equal(training.decoder.classes.density, unbroken.decoder.classes.density)


def test_a_team_learns_what_one_process_does(project):
    assert flexrec(project, *TRAIN, "--devices", "cpu,cpu") == 0
    alone, team = project / "004-train", max(project.glob("*-train"))
    one, two = open_model(alone), open_model(team)
    assert np.allclose(one.shares, two.shares, atol=0.02)
    assert np.linalg.norm(one.volumes - two.volumes) < 0.01 * np.linalg.norm(one.volumes)


def test_what_means_nothing_to_classes_is_refused(project, capsys):
    assert flexrec(project, "train", "--decoder", "classes", "--rigidity", 2) != 0
    assert "rigidity: means nothing to the classes decoder" in capsys.readouterr().err
    assert flexrec(project, "train", "--decoder", "classes", "--latent-dims", 0) != 0


@pytest.mark.parametrize("name", ["class_2.mrc", "map.mrc", "latents.npz"])
def test_half_a_model_is_refused(project, tmp_path, name):
    refuses_half(shutil.copytree(project / "004-train", tmp_path / "train"), name)


def test_a_model_that_says_something_else_is_refused(project, tmp_path):
    folder = shutil.copytree(project / "004-train", tmp_path / "train")
    write_map(folder / "class_3.mrc", np.ones((16,) * 3, np.float32), 16.0)
    with pytest.raises(InputError, match="class_3.mrc"):
        open_model(folder)
    refuses_claims(folder, {"latent_dims": 3}, "latents.npz: has no fitting z")


def test_maps_are_carried_to_a_finer_box(project):
    trainer, training = training_of(project)
    load_resume(project / "004-train" / "resume.safetensors", trainer, training)
    before = training.decoder.classes.density
    stage = training.decoder.enter(trainer, ResolutionLevel(24, 1, 0.9), training.points)
    assert stage.box == 24 and training.decoder.classes.density.shape != before.shape
    carried = [stage.cloud.scatter(one).numpy() for one in training.decoder.classes.density]
    fine = open_model(project / "004-train")
    for own, volume in zip(carried, fine.volumes, strict=True):
        wanted = resample_box(volume, 24).ravel()
        assert np.corrcoef(own.ravel(), wanted)[0, 1] > 0.9


def test_the_panel_colours_by_class_and_says_the_shares(project):
    pytest.importorskip("qtpy")
    from chimerax.flexrec.panel.plot.colouring import colouring_of

    colouring = colouring_of(column(open_trained(project / "004-train"), "class"), np.zeros((256, 4)))
    assert [text.split(" ")[0] for text, _ in colouring.groups] == ["1", "2", "3"]
    shares = [float(text.split("(")[1].removesuffix(" %)")) for text, _ in colouring.groups]
    assert sum(shares) == pytest.approx(100, abs=2) and min(shares) > 25

"""Training the linear decoder: it finds what fades and what moves, goes on to the same bytes, alone and as two."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from chimerax.flexrec.engine.decoders.linear.linear_decoder import LinearDecoder, working_box
from chimerax.flexrec.engine.latents.gauss_newton import gauss_newton
from chimerax.flexrec.engine.latents.table import LatentTable
from chimerax.flexrec.engine.training.batches import ParticleImages
from chimerax.flexrec.engine.training.checkpoint import load_resume, save_resume
from chimerax.flexrec.engine.training.schedule import coarse_to_fine
from chimerax.flexrec.engine.training.trainer import Interrupted, Settings, Trainer
from chimerax.flexrec.engine.training.training_loop import Training, run_training
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.jobs.job_folder import JobRun
from chimerax.flexrec.mesh import build_mesh
from chimerax.flexrec.mesh.map_files import read_map
from chimerax.flexrec.mesh.storage import load_mesh
from chimerax.flexrec.models import open_model
from chimerax.flexrec.particles.memory_stack import MemoryStack
from chimerax.flexrec.particles.particles import Optics, Particles
from chimerax.flexrec.particles.prepared import load_prepared
from scipy.spatial.transform import Rotation
from scipy.stats import spearmanr
from test_components import BOX, PLACES, blob, image
from test_team import train as train_as_team
from test_train import flexrec, make_project, truth, unit_spread

pytestmark = pytest.mark.blank_pictures()

TRAIN = ("train", "--decoder", "linear", "--latent-dims", 1, "--epochs", 3, "--batch-size", 32, "--device", "cpu")


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """200 particles at 40 pixels, which training takes through three box sizes, and a linear training, 004-train."""
    project = make_project(tmp_path_factory.mktemp("linear") / "project", "fab1: ±15", 200, 3, box=40)
    assert flexrec(project, *TRAIN, "--seed", 7) == 0
    return project


@pytest.fixture
def project(made, tmp_path) -> Path:
    return shutil.copytree(made, tmp_path / "project")


def trainer_of(project: Path, **others: object) -> Trainer:
    prepared = load_prepared(project / "002-prep")
    return Trainer(
        ParticleImages(prepared.particles, prepared.filter), load_mesh(project / "003-mesh" / "mesh.npz"),
        Settings(latent_dims=1), coarse_to_fine(prepared.box, prepared.pixel_size, 3, 0.95), log=lambda text: None,
        **others,
    )  # fmt: skip


def begun(trainer: Trainer) -> Training:
    training = Training(LinearDecoder(), LatentTable())
    training.begin(trainer)
    return training


def found(training: Training) -> tuple[torch.Tensor, ...]:
    """Volumes, latents and precision."""
    return training.decoder.volumes, *training.decoder.known(training.points, 1)


# ----- what it finds -----


def test_the_latent_is_the_angle_of_the_hinge(made):
    job = made / "004-train"
    model = open_model(job)
    assert model.kind == "linear" and model.latents.shape == (200, 1) and model.epoch == model.epochs == 3
    assert abs(spearmanr(model.latents[:, 0], truth(made)).statistic) > 0.85
    assert unit_spread(job) and abs(model.latents.mean()) < 1e-3
    with np.load(job / "training.npz", allow_pickle=False) as file:
        assert list(file["box"]) == [32, 36, 40] and file["gain"].min() > 1
        assert file["information"][0] > 2 * file["information"][1]
    mean, component = (read_map(job / name)[0] for name in ("map.mrc", "component_1.mrc"))
    assert np.array_equal(model.decode([1.5]), mean + np.float32(1.5) * component)
    mask = load_mesh(made / "003-mesh" / "mesh.npz").voxel_cell >= 0
    assert 0 < np.count_nonzero(component) < 2 * np.count_nonzero(mask)
    assert {"latents.png", "history.png", "maps.png"} <= {path.name for path in job.glob("*.png")}
    assert not (job / "flow.npz").exists() and "the components explain" in (job / "log.txt").read_text()


def test_two_blobs_that_fade_are_two_components():
    rng = np.random.default_rng(1)
    count, pixel_size, level = 500, 6.0, 0.3
    turns, amount = Rotation.random(count, rng=2).as_matrix(), rng.normal(0, (1, 0.5), (count, 2))
    views = [sum((1 + a) * image(place, one) for place, a in zip(PLACES, some)) for one, some in zip(turns, amount)]
    images = np.fft.irfft2(np.array(views), s=(BOX, BOX)) + rng.normal(0, level / BOX, (count, BOX, BOX))
    one, each = np.ones(1), np.zeros(count, np.int64)
    optics = Optics(300 * one, 0 * one, one, pixel_size * one, np.array([BOX]), ("all",))  # contrast 1 everywhere
    particles = Particles((Path("held"),), each, np.arange(count), turns, np.zeros((count, 2)), np.zeros((count, 3)),
                          np.zeros(count), each, each, optics)  # fmt: skip
    whole = blob(PLACES[0]) + blob(PLACES[1])
    trainer = Trainer(
        ParticleImages(particles, stack=MemoryStack(images.astype(np.float32), 1.0)),
        build_mesh(whole > 0.02 * whole.max(), pixel_size, 6), Settings(latent_dims=2),
        coarse_to_fine(BOX, pixel_size, 2, 0.9), log=lambda text: None,
    )  # fmt: skip
    training, saved = begun(trainer), []
    run_training(trainer, training, lambda training, stage: saved.append(training.epoch))
    assert saved == [1, 2] and [line["box"] for line in training.history] == [BOX, BOX]
    for column in (0, 1):
        assert abs(spearmanr(training.points.z[:, column], amount[:, column]).statistic) > 0.9
        volume = training.decoder.volumes[1 + column].numpy()
        likeness = [abs(np.corrcoef(volume.ravel(), blob(place).ravel())[0, 1]) for place in PLACES]
        assert likeness[column] > 0.85 > 0.4 > likeness[1 - column]


def test_the_closed_form_is_what_a_step_with_the_predicted_images_finds(made):
    trainer = trainer_of(made)
    training = begun(trainer)
    decoder, points = training.decoder, training.points
    stage = decoder.enter(trainer, trainer.levels[0], points)
    batch = next(stage.batches(np.arange(20)))
    exact, nothing = decoder.place(stage, batch), torch.zeros(len(batch), points.z.shape[1])
    step = gauss_newton(decoder, stage, batch, nothing, points.prior(batch), longest=1e9)
    assert (step.z - exact.z).abs().max() < 0.01
    assert torch.allclose(step.precision, exact.precision, rtol=0.01, atol=0.1)


# ----- going on, and several processes -----


def test_an_interrupted_training_goes_on_to_the_same_bytes(project, tmp_path):
    unbroken, whole = trainer_of(project), {}
    run_training(unbroken, begun(unbroken), lambda training, stage: whole.update({training.epoch: found(training)}))
    stop = []
    broken = trainer_of(project, stop=lambda: bool(stop))
    job, checkpoint = JobRun(tmp_path), tmp_path / "resume.safetensors"

    def save(training, stage):
        save_resume(job.output, broken, training)
        stop.append(training.epoch)

    with pytest.raises(Interrupted):
        run_training(broken, begun(broken), save)
    for epoch in (1, 2):  # in the middle of the coarse to fine
        again, seen, training = trainer_of(project), {}, Training(LinearDecoder(), LatentTable())
        load_resume(checkpoint, again, training)
        assert training.epoch == epoch

        def keep(training, stage, again=again, seen=seen):
            seen[training.epoch] = found(training)
            if training.epoch == 2:
                save_resume(job.output, again, training)

        run_training(again, training, keep)
        for mine, unbroken_one in zip(seen[3], whole[3], strict=True):
            assert torch.equal(mine, unbroken_one)
    other = trainer_of(project)
    other.settings = Settings(latent_dims=2)
    with pytest.raises(InputError, match="in 1 latent dimensions, not of these 200 in 2"):
        load_resume(checkpoint, other, Training(LinearDecoder(), LatentTable()))
    checkpoint.write_bytes(b"nothing")
    with pytest.raises(InputError, match="no checkpoint"):
        load_resume(checkpoint, other, Training(LinearDecoder(), LatentTable()))


@pytest.mark.skipif(not torch.distributed.is_available(), reason="this torch has no torch.distributed")
def test_two_processes_find_what_one_does(made, tmp_path):
    (alone,) = train_as_team(made, tmp_path, 1, "linear")
    first, second = train_as_team(made, tmp_path, 2, "linear")
    for name in alone:
        assert first[name].tobytes() == second[name].tobytes(), name
        assert np.abs(first[name] - alone[name]).max() < 2e-3 * np.abs(alone[name]).max(), name


# ----- what can be asked -----


def test_a_resolution_sets_the_finest_box(project):
    assert flexrec(project, *TRAIN, "--resolution", 16) == 0
    model = open_model(project / "005-train")
    assert model.box == 34 and model.pixel_size * model.box == pytest.approx(256, rel=1e-4)


def test_the_finest_box_is_what_memory_holds():
    assert working_box(128, 1.0, 2, 0.95, None) == 128
    assert working_box(512, 1.0, 2, 0.95, None) < 256
    assert working_box(512, 1.0, 8, 0.95, None) < working_box(512, 1.0, 2, 0.95, None)
    assert working_box(128, 3.0, 2, 1.0, 12.0) == 64
    assert working_box(128, 3.0, 2, 1.0, 500.0) == 24


def test_what_a_decoder_has_no_use_for_is_refused(project, capsys):
    for words, complaint in (
        (("--decoder", "linear", "--rigidity", 2), "rigidity: means nothing to the linear decoder"),
        (("--decoder", "linear", "--start", "modes"), "start: means nothing to the linear decoder"),
        (("--resolution", 10), "resolution: means nothing to the flow decoder"),
    ):
        assert flexrec(project, "train", *words) != 0
        assert complaint in capsys.readouterr().err

"""The grid: a decoder and a latent source that FlexRec does not have run through it, and no file of its is changed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import toy_model  # registers its reader
from chimerax.flexrec.decoder_process import Engine
from chimerax.flexrec.decoder_process.answers import ModelAnswers
from chimerax.flexrec.engine.training.batches import ParticleImages
from chimerax.flexrec.engine.training.checkpoint import load_resume
from chimerax.flexrec.engine.training.schedule import coarse_to_fine
from chimerax.flexrec.engine.training.trainer import Settings, Trainer
from chimerax.flexrec.engine.training.training_loop import Training, run_training
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.explore.ensemble import drawn_states
from chimerax.flexrec.explore.particle_columns import column, column_names
from chimerax.flexrec.explore.trained_model import open_trained
from chimerax.flexrec.jobs.find_model import trained_folder
from chimerax.flexrec.jobs.registry import find_job
from chimerax.flexrec.jobs.train import train_parts
from chimerax.flexrec.jobs.train.train_parts import Part, register_decoder, register_source
from chimerax.flexrec.mesh.map_files import read_map
from chimerax.flexrec.mesh.storage import load_mesh
from chimerax.flexrec.models import open_model, opening
from chimerax.flexrec.particles.prepared import load_prepared
from test_train import flexrec, make_project, truth
from toy_decoder import ClassMaps, ClassParameters
from toy_process import toy_python
from toy_source import GivenLatents, GivenParameters

pytestmark = pytest.mark.blank_pictures()

QUICK = ("--latent-dims", 1, "--epochs", 2, "--batch-size", 32, "--device", "cpu")


@pytest.fixture(scope="module")
def parts():
    """Two parts more, which are taken out again."""
    before = dict(train_parts.DECODERS), dict(train_parts.SOURCES)
    register_decoder(Part("toy", "a map for each class", ClassParameters, "toy_decoder:ClassMaps"))
    register_source(Part("given", "as a file says", GivenParameters, "toy_source:GivenLatents"))
    yield
    for kept, registered in zip(before, (train_parts.DECODERS, train_parts.SOURCES), strict=True):
        registered.clear()
        registered.update(kept)


@pytest.fixture(scope="module")
def project(parts, tmp_path_factory) -> Path:
    """150 particles; 004 is the new decoder with the table, 005 to 007 three decoders with given latents."""
    project = make_project(tmp_path_factory.mktemp("grid") / "project", "fab1: ±25", 150, 1)
    angles = truth(project)
    np.savez(project / "z.npz", z=((angles - angles.mean()) / angles.std())[:, None])
    assert flexrec(project, "train", *QUICK, "--decoder", "toy") == 0
    given = ("--latents", "given", "--points", project / "z.npz")
    assert flexrec(project, "train", *QUICK, "--decoder", "toy", "--maps", 4, *given) == 0
    assert flexrec(project, "train", *QUICK, *given, "--modes", 16, "--hidden-units", 8) == 0
    assert flexrec(project, "train", *QUICK, *given, "--decoder", "linear") == 0
    return project


def test_every_pair_is_trained_and_opened(project):
    kinds = [open_model(project / name).kind for name in ("004-train", "005-train", "006-train", "007-train")]
    assert kinds == ["classes", "classes", "flow", "linear"]
    given = np.load(project / "z.npz")["z"]
    for name in ("005-train", "006-train", "007-train"):
        assert np.allclose(open_model(project / name).latents, given, atol=1e-5)
    model = open_model(project / "005-train")
    assert len(model.volumes) == 4 and model.moving is None and model.epoch == model.epochs == 2
    for one in (model, open_model(project / "007-train")):
        ends = [one.decode(z) for z in ([-1.5], [1.5])]
        assert np.linalg.norm(ends[1] - ends[0]) > 0.05 * np.linalg.norm(ends[0])
    with np.load(project / "005-train" / "training.npz") as file:
        assert file["misfit"][1] < file["misfit"][0]
    assert (project / "004-train" / "maps.png").is_file()


def test_training_goes_on_from_its_checkpoint(project):
    prepared = load_prepared(project / "002-prep")
    trainer = Trainer(ParticleImages(prepared.particles, prepared.filter), load_mesh(project / "003-mesh" / "mesh.npz"),
                      Settings(latent_dims=1), coarse_to_fine(prepared.box, prepared.pixel_size, 3, 0.95),
                      log=lambda text: None)  # fmt: skip
    training = Training(ClassMaps(ClassParameters(maps=4)), GivenLatents(GivenParameters(points=project / "z.npz")))
    load_resume(project / "005-train" / "resume.safetensors", trainer, training)
    assert training.epoch == 2 and len(training.history) == 2
    stages = []
    run_training(trainer, training, lambda training, stage: stages.append(stage))
    assert training.epoch == 3 and len(stages) == 1
    assert training.history[2]["misfit"] < training.history[0]["misfit"]


def test_maps_are_generated(project):
    assert flexrec(project, "generate", "--model", "005-train", "--along", "z1", "--frames", 3) == 0
    made, model = sorted(project.glob("0*-generate"))[-1], open_model(project / "005-train")
    with np.load(made / "z.npz") as file:
        z = file["z"]
    for i, point in enumerate(z):
        assert np.allclose(read_map(made / f"map_{i:03d}.mrc")[0], model.decode(point), atol=1e-5)


def test_the_process_that_decodes_answers(project):
    answers, model = ModelAnswers("numpy"), open_model(project / "005-train")
    facts, _ = answers.answer("open", {"model": "m", "path": str(project / "005-train")}, None)
    assert (facts["kind"], facts["vertices"], facts["epoch"]) == ("classes", 0, 2)
    _, volume = answers.answer("decode", {"model": "m", "z": [0.5]}, None)
    assert np.array_equal(volume, model.decode([0.5]))
    _, coarse = answers.answer("decode", {"model": "m", "z": [0.5], "box": 16}, None)
    assert coarse.shape == (16, 16, 16)
    with pytest.raises(InputError, match="a classes model moves nothing"):
        answers.answer("vertices", {"model": "m", "z": [0.5]}, None)


def test_a_process_of_its_own_answers_too(project, tmp_path):
    with Engine(toy_python(tmp_path), "numpy") as engine:
        assert engine.call("open", {"model": "m", "path": project / "005-train"}).fields["kind"] == "classes"
        answer = engine.call("decode", {"model": "m", "z": [0.5]})
        assert np.array_equal(answer.array, open_model(project / "005-train").decode([0.5]))


def test_the_panel_shows_it(project, qtbot, tmp_path):
    pytest.importorskip("qtpy.QtWidgets", exc_type=ImportError)
    from chimerax.flexrec.viewer.viewer_window import Viewer

    viewer, maps = Viewer(str(toy_python(tmp_path))), []
    qtbot.addWidget(viewer)
    viewer.scene.mapped.connect(lambda volume, size: maps.append(volume))
    viewer.show()
    viewer.open(project / "005-train")
    viewer.scene.run("flexrec volume at 0.5")
    wanted = open_model(project / "005-train").decode([0.5])
    qtbot.waitUntil(lambda: bool(maps) and np.allclose(maps[-1], wanted, atol=1e-4), timeout=20_000)


def test_the_form_shows_the_parameters_of_the_chosen_parts(parts, qtbot):
    pytest.importorskip("qtpy.QtWidgets", exc_type=ImportError)
    from chimerax.flexrec.panel.jobs.job_form import JobForm

    form = JobForm(find_job("train"))
    qtbot.addWidget(form)

    def shown() -> set[str]:
        return {name for name, row in form.rows.items() if row.used}

    assert {"rigidity", "centering"} <= shown() and not shown() & {"maps", "points", "resolution"}
    form.put({"decoder": "toy", "latents": "given", "maps": 4})
    assert {"maps", "points", "epochs"} <= shown() and not shown() & {"rigidity", "centering", "resolution"}
    form.put({"decoder": "linear", "rigidity": 2.0})
    assert form.given()[0] == {"decoder": "linear"} and "resolution" in shown()


@pytest.fixture
def foreign(tmp_path, monkeypatch) -> Path:
    """A folder of a program that gives latents and maps, and knows neither precision nor epochs."""
    folder = tmp_path / "theirs"
    folder.mkdir()
    rng = np.random.default_rng(0)
    np.savez(folder / "theirs.npz", z=rng.normal(size=(60, 2)).astype("f4"), volumes=rng.random((2, 16, 16, 16), "f4"))

    def read(folder: Path) -> toy_model.ClassModel:
        with np.load(folder / "theirs.npz") as file:
            return toy_model.ClassModel(latents=file["z"], volumes=file["volumes"], volume=file["volumes"].mean(axis=0),
                                        latent_dims=2, box=16, pixel_size=3.0, centre=np.zeros(3))  # fmt: skip

    monkeypatch.setattr(opening, "_PROGRAMS", {})
    opening.register_program(opening.Program("theirs", lambda folder: (folder / "theirs.npz").is_file(), read))
    return folder


def test_a_model_of_another_program_may_know_less(foreign, tmp_path):
    assert trained_folder(foreign) == foreign  # as whoever opens it in ChimeraX or the viewer names it
    trained = open_trained(foreign)
    assert trained.model.precision is None and trained.model.epoch is None and trained.model.progress
    assert column_names(trained) == ["z1", "z2", "pc1", "pc2"]
    with pytest.raises(InputError, match="does not say how well"):
        column(trained, "uncertainty_in_z")
    assert drawn_states(trained.model, 5).shape == (5, 2)
    with pytest.raises(InputError, match="does not say how well"):
        drawn_states(trained.model, 5, uncertain=True)
    facts, _ = ModelAnswers("numpy").answer("open", {"model": "m", "path": str(foreign)}, None)
    assert facts["epoch"] is None and facts["particles"] == 60
    assert flexrec(tmp_path, "generate", "--model", foreign, "--along", "pc1", "--frames", 3) == 0
    assert len(list((tmp_path / "001-generate").glob("map_*.mrc"))) == 3


def test_parameters_are_those_of_the_chosen_parts(parts, project, capfd):
    train = find_job("train")
    names = {option.name: option.group for option in train.options()}
    assert (names["maps"], names["points"], names["rigidity"]) == ("maps", "given latents", "flow decoder")
    unused = train.unused({"decoder": "toy", "latents": "given"})
    assert {"rigidity", "resolution", "centering"} <= unused and not unused & {"maps", "points", "epochs"}
    assert flexrec(project, "train", *QUICK, "--decoder", "toy", "--rigidity", 2) != 0
    assert "rigidity: means nothing to the toy decoder; leave it out." in capfd.readouterr().err
    assert flexrec(project, "train", *QUICK, "--points", project / "z.npz") != 0
    assert "points: means nothing to the table of latents; leave it out." in capfd.readouterr().err
    assert toy_model.FORMAT in (project / "004-train" / "model.json").read_text()

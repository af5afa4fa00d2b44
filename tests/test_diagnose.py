"""The tests of trainings through the real job: of a hinge that is in the images, and of an encoder."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from chimerax.flexrec.cli.program import main
from chimerax.flexrec.engine.training.changed_batch import quarter_turned, set_aside
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.jobs.diagnose.finished_training import finished_training
from chimerax.flexrec.jobs.diagnose.junk_test import fits
from chimerax.flexrec.jobs.diagnose.restored_training import restore
from chimerax.flexrec.jobs.diagnose.seeds_test import run as run_seeds
from chimerax.flexrec.jobs.job_folder import JobRun
from chimerax.flexrec.jobs.reports.finding import Finding, read_finding, worst, write_finding
from chimerax.flexrec.models import open_model
from chimerax.flexrec.particles.selection import load_selection
from PIL import Image

pytestmark = pytest.mark.blank_pictures("seeds")  # and those of 005-diagnose

PARTICLES = 200
QUICK = ("motion", "strain", "border", "epochs", "activations", "junk", "shift", "rotate", "twin", "gap", "halves")


def flexrec(project: Path, verb: str, *words: object) -> int:
    return main([verb, *map(str, words), "--project", str(project)])


@pytest.fixture(scope="module")
def project(tmp_path_factory, drawn_pictures) -> Path:
    """004-train: a table; 005-diagnose: all quick tests of it, with their pictures."""
    folder = tmp_path_factory.mktemp("tested") / "project"
    folder.mkdir()
    for verb, words in {
        "simulate": ("--hinges", "fab1: ±25", "--particles", PARTICLES, "--box", 32, "--pixel-size", 8, "--snr", 1,
                     "--seed", 3, "--threads", 1),
        "prep": ("--particles", folder / "001-simulate", "--workers", 1),
        "mesh": ("--consensus", folder / "001-simulate" / "consensus.mrc", "--coarseness", 10),
        "train": ("--latent-dims", 1, "--modes", 8, "--batch-size", 32, "--hidden-units", 8, "--epochs", 3, "--device",
                  "cpu"),
    }.items():  # fmt: skip
        assert flexrec(folder, verb, *words) == 0
    with drawn_pictures():
        assert flexrec(folder, "diagnose", "--device", "cpu") == 0
    return folder


@pytest.fixture(scope="module")
def encoded(project) -> Path:
    """The folder of a training with an encoder, in the same project."""
    assert flexrec(project, "train", "--particles", "002-prep", "--mesh", "003-mesh", "--latent-dims", 1, "--modes", 8,
                   "--batch-size", 32, "--hidden-units", 8, "--epochs", 3, "--device", "cpu", "--latents", "encoder",
                   "--encoder-units", 32, "--encoder-layers", 1) == 0  # fmt: skip
    return sorted(project.glob("*-train"))[-1]


def found(project: Path, test: str, job: str = "005-diagnose") -> Finding:
    finding = read_finding(project / job, test)
    assert finding is not None
    return finding


def test_without_a_word_all_that_trains_nothing_is_tested_and_a_page_tells_of_it(project):
    levels = {test: found(project, test).level for test in QUICK}
    assert levels.pop("halves") == "not measured"
    assert set(levels.values()) <= {"good", "doubtful"} and levels["rotate"] == "good"
    folder = project / "005-diagnose"
    text = (folder / "report.html").read_text(encoding="utf-8")
    assert all(found(project, test).sentence.partition("'")[0].partition("<")[0] in text for test in QUICK)
    assert text.count("data:image/png;base64") >= 9 and text.count("data:image/gif;base64") == 1
    assert (folder / "report.pdf").stat().st_size > 10_000
    log = (folder / "log.txt").read_text()
    assert "seeds (one training)" in log and "dimensions (a training for each" in log
    assert not (folder / "seeds").exists() and not (folder / "halves").exists()


def test_latents_of_a_hinge_are_told_and_belong_to_their_images(project):
    assert found(project, "border").numbers["told"][0] > 0.8
    gains = found(project, "twin").numbers
    assert gains["twin"][0] > 5 and gains["twin"][0] > 5 * gains["twin"][1] and gains["noise"][0] > 2
    assert found(project, "gap").numbers["gap"] < 1


def test_a_table_places_an_image_alike_however_it_lies(project):
    assert found(project, "rotate").numbers["median"] < 0.1 and found(project, "shift").numbers["median"] < 0.5


def test_a_turned_batch_is_of_the_same_molecule_and_one_set_aside_is_not(project):
    restored = restore(finished_training(project / "004-train"), "cpu")
    batch = next(iter(restored.stage.batches(np.arange(20))))
    decoder, z = restored.training.decoder, restored.training.points.z[batch.rows]

    def misfit(each):
        with torch.no_grad():
            return restored.stage.misfit(each, decoder.predict(restored.stage, each, z))

    assert torch.allclose(misfit(quarter_turned(batch)), misfit(batch), rtol=1e-4)
    four = batch
    for _ in range(4):
        four = quarter_turned(four)
    inner = restored.stage.weights > 0
    assert torch.allclose((four.images * inner), (batch.images * inner), atol=1e-3 * float(batch.images.abs().max()))
    assert (misfit(set_aside(batch, 1.0)) > misfit(batch) + 5).all()


def test_the_film_has_a_frame_for_each_pass(project):
    assert Image.open(project / "005-diagnose" / "epochs.gif").n_frames == 3
    with np.load(project / "004-train" / "latents_by_pass.npz") as kept:
        assert list(kept["passes"]) == [1, 2, 3] and kept["z"].dtype == np.float16
        last = open_model(project / "004-train").latents[kept["rows"]]
        assert np.allclose(kept["z"][2], last, atol=2e-2)


def test_images_of_nothing_are_a_selection_that_can_be_exported(project, tmp_path, monkeypatch):
    """Noise in place of some images of a finished training."""
    training = finished_training(project / "004-train")
    clean = fits(training, "cpu", JobRun(tmp_path))
    assert clean is not None and abs(np.median(clean[1]) - 1) < 0.1
    stack = training.prepared.particles.stacks[0]
    whole = stack.read_bytes()
    images = np.memmap(stack, np.float32, "r+", offset=1024).reshape(-1, 32, 32)
    try:
        images[:12] = np.random.default_rng(1).normal(0, images.std(), (12, 32, 32))
        images.flush()
        assert flexrec(project, "diagnose", "junk", "--model", "004-train", "--device", "cpu") == 0
    finally:
        stack.write_bytes(whole)
    job = sorted(project.glob("*-diagnose"))[-1]
    chosen = load_selection(project, "unfit-004-train")
    assert set(range(12)) <= set(chosen.rows) and len(chosen.rows) < 30
    assert read_finding(job, "junk").numbers["unfit"] == len(chosen.rows)


def test_another_seed_is_trained_and_compared_and_goes_on_where_it_was_stopped(project):
    folder = project / "020-diagnose"
    folder.mkdir()
    calls = iter(range(10**6))

    class Impatient(JobRun):
        def stop_requested(self) -> bool:
            super().stop_requested()
            return next(calls) > 25

    run_seeds(project / "004-train", "cpu", Impatient(folder))
    assert read_finding(folder, "seeds") is None and (folder / "seeds" / "001-train" / "job.json").is_file()
    run_seeds(project / "004-train", "cpu", JobRun(folder))
    numbers = read_finding(folder, "seeds").numbers
    assert numbers["correlation"][0] > 0.8 and numbers["difference"] < numbers["motion"]
    other = json.loads((folder / "seeds" / "001-train" / "job.json").read_text())
    assert other["seed"] == numbers["seed"] != 0 and other["parameters"]["modes"] == 8
    assert (folder / "seeds.png").stat().st_size > 10_000


def test_half_models_and_dimensions_are_trained_where_there_are_none(project):
    assert flexrec(project, "diagnose", "halves,dimensions", "--model", "004-train", "--device", "cpu") == 0
    job = sorted(project.glob("*-diagnose"))[-1]
    halves, dimensions = read_finding(job, "halves"), read_finding(job, "dimensions")
    assert halves.level in ("good", "doubtful") and halves.numbers["held_out"] == "for"
    (first, error), (second, _) = dimensions.numbers["step"]
    assert first > 3 * error and second < first / 3
    assert sorted(path.name for path in (job / "halves").glob("*-train")) == ["001-train", "002-train"]
    assert not (job / "halves" / "001-train" / "model.json").exists()


def test_an_encoder_is_tested_by_what_it_is_shown(project, encoded):
    names = "twin,shift,rotate,gap,activations,twins,amortised"
    assert flexrec(project, "diagnose", names, "--model", encoded.name, "--device", "cpu") == 0
    job = sorted(project.glob("*-diagnose"))[-1]
    tests = {name: read_finding(job, name) for name in names.split(",")}
    table = {name: found(project, name) for name in ("rotate", "gap")}
    assert tests["rotate"].numbers["median"] > 5 * table["rotate"].numbers["median"]
    assert tests["gap"].numbers["gap"] > 3 * table["gap"].numbers["gap"]
    assert {"encoder.network.head", "flow.linear"} <= set(tests["activations"].numbers)
    losses = tests["twins"].numbers
    assert set(losses) == {"this training", "another's images", "noise"}
    shown = [json.loads((job / "twins" / name / "job.json").read_text())["parameters"]["encoder_shown"]
             for name in ("001-train", "002-train")]  # fmt: skip
    assert shown == ["permuted", "noise"]
    assert losses["noise"]["loss"] > losses["this training"]["loss"] - 1
    table_record = json.loads((job / "amortised" / "001-train" / "job.json").read_text())["parameters"]
    assert table_record["latents"] == "variational"


def test_tests_of_encoders_say_that_a_table_is_none(project, capsys):
    assert flexrec(project, "diagnose", "twins", "--model", "004-train") == 2
    assert "has no encoder" in capsys.readouterr().err
    assert flexrec(project, "diagnose", "everything") == 2 and "one of: quick, all" in capsys.readouterr().err


def test_a_training_without_its_checkpoint_says_so(project, tmp_path):
    training = finished_training(project / "004-train")
    checkpoint = training.folder / "resume.safetensors"
    checkpoint.rename(tmp_path / "kept")
    try:
        with pytest.raises(InputError, match="resume.safetensors any more"):
            restore(training, "cpu")
    finally:
        (tmp_path / "kept").rename(checkpoint)


def test_the_worst_comes_first_and_what_is_damaged_is_none(tmp_path):
    assert worst(["good", "bad", "doubtful"]) == "bad" and worst([]) == "not measured"
    write_finding(tmp_path, Finding("border", "bad", "All is wrong.", rows=(("a", "b"),)))
    again = read_finding(tmp_path, "border")
    assert again == Finding("border", "bad", "All is wrong.", rows=(("a", "b"),))
    (tmp_path / "border.json").write_text('{"level": "supported", "sentence": "what"}')
    assert read_finding(tmp_path, "border") is None

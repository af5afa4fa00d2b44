"""The null test through the real job, on particles of a rigid and of a moving molecule: its sentence differs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from chimerax.flexrec.cli.program import main
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.jobs.diagnose.finished_training import FinishedTraining, finished_training
from chimerax.flexrec.jobs.diagnose.null_particles import write_null_particles
from chimerax.flexrec.jobs.diagnose.null_test import run
from chimerax.flexrec.jobs.job_folder import JobRun
from chimerax.flexrec.models import open_model
from chimerax.flexrec.particles.prepared import load_prepared
from chimerax.flexrec.particles.shells import shell_mean
from chimerax.flexrec.particles.stack import ImageStack

pytestmark = pytest.mark.blank_pictures("null report")

PARTICLES = 160


def flexrec(project: Path, verb: str, *words: object) -> int:
    return main([verb, *map(str, words), "--project", str(project)])


def trained(project: Path, hinges: str) -> Path:
    project.mkdir()
    for verb, words in {
        "simulate": ("--hinges", hinges, "--particles", PARTICLES, "--box", 32, "--pixel-size", 8, "--snr", 1, "--seed",
                     3, "--threads", 1, "--pose-error", "1,1"),
        "prep": ("--particles", project / "001-simulate", "--workers", 1),
        "mesh": ("--consensus", project / "001-simulate" / "consensus.mrc", "--coarseness", 10),
        "train": ("--latent-dims", 1, "--modes", 8, "--batch-size", 32, "--hidden-units", 8, "--epochs", 1,
                  "--device", "cpu"),
    }.items():  # fmt: skip
        assert flexrec(project, verb, *words) == 0
    return project


@pytest.fixture(scope="module")
def still(tmp_path_factory) -> Path:
    project = trained(tmp_path_factory.mktemp("still") / "project", "rigid")
    assert flexrec(project, "diagnose", "null", "--device", "cpu") == 0
    return project


@pytest.fixture(scope="module")
def moving(tmp_path_factory) -> Path:
    project = trained(tmp_path_factory.mktemp("moving") / "project", "fab1: ±25")
    assert flexrec(project, "diagnose", "null", "--device", "cpu") == 0
    return project


def null_of(project: Path, name: str = "005-diagnose") -> dict:
    return json.loads((project / name / "null.json").read_text())


def test_a_rigid_molecule_has_no_motion_beyond_noise(still):
    null = null_of(still)
    assert null["level"] == "not beyond noise" and null["particles"] > 0.9 * PARTICLES
    assert null["real"]["gain"] < 1 and null["rigid"]["gain"] < 1
    assert max(null["real"]["motion"], null["rigid"]["motion"]) < 1


def test_a_hinge_is_supported(moving):
    null = null_of(moving)
    assert null["level"] == "supported"
    assert null["real"]["gain"] > 10 * null["rigid"]["gain"] and null["real"]["motion"] > 4 * null["rigid"]["motion"]
    assert null["sentence"].startswith(f"The real run's motion is {null['real']['motion']:.1f} Å and explains")
    log = (moving / "005-diagnose" / "log.txt").read_text()
    assert null["sentence"] in log and "rigid molecule: " in log


def test_the_reports_of_the_training_and_of_the_test_say_so(still, moving):
    for project, level in ((still, "not beyond noise"), (moving, "supported")):
        for name in ("004-train", "005-diagnose"):
            text = (project / name / "report.html").read_text(encoding="utf-8")
            assert f'">{level}</span>' in text and (project / name / "report.pdf").stat().st_size > 10_000
    assert (moving / "005-diagnose" / "null.png").stat().st_size > 10_000


def test_the_null_training_opens_as_a_model_and_is_left_to_itself(moving):
    model = open_model(moving / "005-diagnose" / "null" / "001-train")
    assert len(model.latents) == null_of(moving)["particles"]
    assert not (moving / "selections").exists()  # junk of the rigid molecule's images is none of the project's
    assert flexrec(moving / "005-diagnose" / "null", "jobs") == 0


def test_the_images_are_those_of_the_map_at_the_poses_with_the_noise(moving):
    """Signal: the images correlate with the map's projections as the real ones do. Noise: its power by shell."""
    real, rigid = (load_prepared(moving / name) for name in ("002-prep", "005-diagnose/null/particles"))
    assert np.allclose(rigid.particles.rotation, real.particles.rotation[: len(rigid.particles)], atol=1e-5) or (
        len(rigid.particles) < len(real.particles)
    )
    assert np.array_equal(rigid.filter, real.filter)
    spectra = [np.mean([shell_mean(np.abs(np.fft.rfft2(image)) ** 2)
                        for image in ImageStack(each.particles).read(np.arange(len(each.particles)))], axis=0)
               for each in (real, rigid)]  # fmt: skip
    assert np.allclose(spectra[1][2:15], spectra[0][2:15], rtol=0.12)


def test_a_test_that_was_stopped_goes_on_to_the_same_numbers(still):
    folder = still / "006-diagnose"
    folder.mkdir()
    calls = iter(range(10**6))

    class Impatient(JobRun):
        def stop_requested(self) -> bool:
            super().stop_requested()
            return next(calls) > 12

    run(still / "004-train", "cpu", Impatient(folder))
    assert not (folder / "null.json").exists() and (folder / "null" / "particles" / "prep.json").is_file()
    assert not (folder / "null" / "001-train" / "report.html").exists()
    run(still / "004-train", "cpu", JobRun(folder))
    first, second = null_of(still), null_of(still, "006-diagnose")
    for side in ("real", "rigid"):
        assert second[side]["gain"] == pytest.approx(first[side]["gain"], rel=1e-4)
        assert second[side]["motion"] == pytest.approx(first[side]["motion"], rel=1e-4)


def test_images_that_were_begun_are_made_to_the_end_alike(moving, tmp_path, monkeypatch):
    training = finished_training(moving / "004-train")
    monkeypatch.setattr("chimerax.flexrec.jobs.diagnose.null_particles._CHUNK_PIXELS", 32 * 1024)

    class Stopped(JobRun):
        def stop_requested(self) -> bool:
            return True

    for name in ("once", "twice"):
        (tmp_path / name).mkdir()
    assert write_null_particles(training, tmp_path / "once" / "particles", JobRun(tmp_path / "once"))
    folder = tmp_path / "twice"
    assert not write_null_particles(training, folder / "particles", Stopped(folder))
    assert not (folder / "particles" / "particles.star").exists()
    assert write_null_particles(training, folder / "particles", JobRun(folder))
    once, twice = (ImageStack(load_prepared(tmp_path / name / "particles").particles).read(np.arange(100))
                   for name in ("once", "twice"))  # fmt: skip
    assert np.array_equal(once, twice)


def test_copies_of_an_image_stay_copies(moving, tmp_path):
    """Particles of one image, as after symmetry expansion, have one image in the null test too."""
    real = finished_training(moving / "004-train")
    rows = np.repeat(real.members[:60], 2)
    copied = FinishedTraining(real.folder, real.about, real.record)
    copied.__dict__["model"] = real.model.of_particles(rows)
    prepared = real.prepared
    from dataclasses import replace

    copied.__dict__["prepared"] = replace(prepared, particles=prepared.particles.take(rows))
    copied.__dict__["latents"] = {name: values[rows] if len(values.shape) and len(values) == len(real.model.latents)
                                  else values for name, values in real.latents.items()}  # fmt: skip
    (tmp_path / "job").mkdir()
    assert write_null_particles(copied, tmp_path / "job" / "particles", JobRun(tmp_path / "job"))
    made = load_prepared(tmp_path / "job" / "particles").particles
    assert len(made) == 120 and np.array_equal(made.index, np.repeat(np.arange(60), 2))


def test_what_cannot_be_tested_is_refused(moving, tmp_path, capsys):
    project = shutil.copytree(moving, tmp_path / "project", ignore=shutil.ignore_patterns("005-*"))
    about = json.loads((project / "004-train" / "model.json").read_text())
    (project / "004-train" / "model.json").write_text(json.dumps(about | {"epoch": 0}))
    assert flexrec(project, "diagnose", "null") == 2 and "after pass 0 of 1" in capsys.readouterr().err
    (project / "004-train" / "model.json").write_text(json.dumps(about))
    (project / "002-prep" / "particles.mrcs").unlink()
    assert flexrec(project, "diagnose", "null") == 2 and "images are not there" in capsys.readouterr().err
    assert flexrec(project, "diagnose", "everything") == 2 and "one of: quick, all" in capsys.readouterr().err
    few = finished_training(moving / "004-train")
    few.__dict__["latents"] = {"probability": np.zeros(PARTICLES)}
    from chimerax.flexrec.jobs.diagnose.null_test import _refuse_what_cannot_be_tested

    with pytest.raises(InputError, match="0 particles"):
        _refuse_what_cannot_be_tested(few)

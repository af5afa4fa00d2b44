"""Training through the real jobs on tiny particles of known motion: it finds it, resumes, and refuses nonsense."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from chimerax.flexrec.cli.program import main
from scipy.stats import spearmanr

pytestmark = pytest.mark.blank_pictures()

QUICK = ("--latent-dims", "1", "--modes", "16", "--batch-size", "32")
SMALL = (*QUICK, "--hidden-units", "8")
UNBROKEN = (*SMALL, "--start", "modes", "--epochs", 3, "--seed", 7, "--device", "cpu")
WRITTEN = {"mesh.npz", "flow.npz", "latents.npz", "map.mrc", "half_map_1.mrc", "half_map_2.mrc", "training.npz",
           "model.json", "resume.safetensors"}  # fmt: skip


def flexrec(project: Path, verb: str, *words: object) -> int:
    return main([verb, "--project", str(project), *map(str, words)])


def make_project(project: Path, hinges: str, particles: int, seed: int, *more: str, box: int = 32) -> Path:
    """A project with simulate, prep and mesh jobs of the built-in antibody in a field of view of 256 Å.

    ``more`` is asked of simulate.
    """
    project.mkdir()
    flexrec(project, "simulate", "--hinges", hinges, "--particles", particles, "--box", box,
            "--pixel-size", 256 / box, "--snr", 1, "--seed", seed, "--threads", 1, *more)  # fmt: skip
    flexrec(project, "prep", "--particles", project / "001-simulate", "--workers", 1)
    assert flexrec(project, "mesh", "--consensus", project / "001-simulate" / "consensus.mrc", "--coarseness", 10) == 0
    return project


def truth(project: Path) -> np.ndarray:
    with np.load(project / "001-simulate" / "truth.npz") as file:
        return file["angles"][:, 0]


def latents(job: Path) -> np.ndarray:
    with np.load(job / "latents.npz") as file:
        return file["z"]


def unit_spread(job: Path) -> bool:
    """Whether the latents of particles have unit variance, their own uncertainty included."""
    with np.load(job / "latents.npz") as file:
        own = file["probability"] > 0.5 if "probability" in file.files else slice(None)
        spread = np.cov(file["z"][own].T, ddof=0) + np.linalg.inv(file["precision"][own]).mean(axis=0)
    return np.allclose(spread, np.eye(len(spread)), atol=1e-3)


def training(job: Path, name: str) -> np.ndarray:
    with np.load(job / "training.npz") as file:
        return file[name]


# ----- what it finds -----


@pytest.fixture(scope="module")
def moving(tmp_path_factory) -> Path:
    """A project of 500 particles, with a training of three passes."""
    project = make_project(tmp_path_factory.mktemp("moving") / "project", "fab1: ±25", 500, 1)
    assert flexrec(project, "train", *QUICK, "--epochs", 3, "--seed", 1) == 0
    return project


def test_the_latent_is_the_angle_of_the_hinge(moving):
    z = latents(moving / "004-train")
    assert z.shape == (500, 1) and abs(z.mean()) < 1e-3 and unit_spread(moving / "004-train")
    assert abs(spearmanr(z[:, 0], truth(moving)).statistic) > 0.8
    gain = training(moving / "004-train", "rigid_misfit") - training(moving / "004-train", "misfit")
    assert gain[-1] > gain[0] > 0


def test_a_rigid_body_has_no_motion_above_the_noise(moving, tmp_path):
    still = make_project(tmp_path / "project", "rigid", 300, 1)
    assert flexrec(still, "train", *QUICK, "--epochs", 1) == 0
    nothing, motion = (training(project / "004-train", "information")[0] for project in (still, moving))
    assert nothing < 2 and motion > 5 * nothing


def test_a_full_turn_is_a_circle(tmp_path):
    """The arm goes all the way round: no linear motion, so the start must follow the density from state to state."""
    project = make_project(tmp_path / "project", "fab1: 360", 600, 1)
    assert flexrec(project, "train", "--latent-dims", 2, "--modes", 16, "--epochs", 2) == 0
    z = latents(project / "004-train")
    around = np.exp(1j * np.arctan2(z[:, 1], z[:, 0]).argsort().argsort() * 2 * np.pi / len(z))
    true = np.exp(1j * np.radians(truth(project)))
    assert max(abs((around * true).mean()), abs((around * true.conj()).mean())) > 0.8
    assert "Followed the density" in (project / "004-train" / "log.txt").read_text()


# ----- a small project for everything else -----


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """150 particles at 40 pixels, which training takes through three box sizes."""
    return make_project(tmp_path_factory.mktemp("train") / "project", "fab1: ±25", 150, 3, box=40)


@pytest.fixture
def project(made, tmp_path) -> Path:
    return shutil.copytree(made, tmp_path / "project")


def process(project: Path, *words: object) -> subprocess.Popen:
    """A training in a process of its own, on one thread."""
    one = {name: "1" for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")}
    command = [sys.executable, "-m", "chimerax.flexrec.cli", "train", "--project", str(project), *map(str, words)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(command, env=os.environ | one | {"CUDA_VISIBLE_DEVICES": ""}, **quiet)


def kill_after_a_pass(running: subprocess.Popen, job: Path) -> None:
    """kill -9 as soon as the first checkpoint is there."""
    until = time.monotonic() + 120
    while not (job / "resume.safetensors").exists():
        assert running.poll() is None and time.monotonic() < until
        time.sleep(0.02)
    running.send_signal(signal.SIGKILL)
    assert running.wait() == -signal.SIGKILL


@pytest.fixture(scope="module")
def trained(made, tmp_path_factory) -> Path:
    """The project with an unbroken training of three passes, 004-train."""
    project = shutil.copytree(made, tmp_path_factory.mktemp("trained") / "project")
    assert process(project, *UNBROKEN).wait() == 0
    return project


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is of POSIX")
def test_a_killed_training_goes_on_to_the_same_numbers(trained, project):
    job = project / "004-train"
    kill_after_a_pass(process(project, *UNBROKEN), job)
    assert json.loads((job / "model.json").read_text())["epoch"] < 3
    assert process(project, "--resume", "004-train").wait() == 0
    unbroken = trained / "004-train"
    boxes = training(job, "box")
    assert list(boxes) == [32, 36, 40]
    for name in ("latents.npz", "flow.npz", "mesh.npz"):
        with np.load(job / name) as ours, np.load(unbroken / name) as theirs:
            assert ours.files == theirs.files
            for array in ours.files:
                assert ours[array].tobytes() == theirs[array].tobytes(), f"{name}: {array}"
    for name in ("map.mrc", "half_map_1.mrc"):
        assert (job / name).read_bytes()[1024:] == (unbroken / name).read_bytes()[1024:]


def test_a_train_job_holds_a_whole_model(trained):
    job = trained / "004-train"
    assert {path.name for path in job.iterdir()} >= WRITTEN
    about = json.loads((job / "model.json").read_text())
    expected = {"format": "flexrec-flow", "latent_dims": 1, "particles": 150, "epoch": 3, "epochs": 3, "box": 40}
    assert {name: about[name] for name in expected} == expected
    assert (job / about["prepared"]).resolve() == (trained / "002-prep").resolve()


# ----- latents given -----


def test_frozen_latents_stay_and_only_the_flow_learns(project):
    angles = truth(project)
    np.savez(project / "angles.npz", z=7 * angles + 3)
    words = ("--start", "latents", "--initial-latents", project / "angles.npz", "--freeze-latents")
    assert flexrec(project, "train", *SMALL, "--epochs", 2, "--learning-rate", 0.01, *words) == 0
    z = latents(project / "004-train")[:, 0]
    assert np.allclose(z, (angles - angles.mean()) / angles.std(), atol=1e-3)
    with np.load(project / "004-train" / "flow.npz") as flow:
        assert np.abs(flow["linear.weight"]).max() > 0.01
    gain = training(project / "004-train", "rigid_misfit") - training(project / "004-train", "misfit")
    assert gain[-1] > gain[0]


def test_latents_of_an_earlier_job_are_taken_up(trained, project):
    shutil.copytree(trained / "004-train", project / "004-train")
    words = ("--start", "latents", "--initial-latents", project / "004-train", "--epochs", 1)
    assert flexrec(project, "train", *SMALL, *words, "--freeze-latents") == 0
    before, kept = latents(project / "004-train"), latents(project / "005-train")
    assert np.allclose(kept, (before - before.mean()) / before.std(), atol=1e-3)
    assert flexrec(project, "train", *SMALL, *words) == 0
    free = latents(project / "006-train")
    assert not np.allclose(free, before, atol=1e-2)
    assert unit_spread(project / "006-train")


# ----- what cannot be -----


def refused(project: Path, capsys, *words: object) -> str:
    """What a training that is refused says; it must leave no part of a model behind."""
    assert flexrec(project, "train", *SMALL, *words) == 2
    for job in project.glob("*-train"):
        assert not WRITTEN & {path.name for path in job.iterdir()}
        assert not list(job.rglob(".*.part*"))
    said = capsys.readouterr().err
    assert "Traceback" not in said
    return said


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--freeze-latents",), "freeze_latents: needs latents to keep"),
        (("--start", "latents"), "initial_latents: --start latents needs them"),
        (("--start", "latents", "--initial-latents", "nowhere.npz"), "there is no .*nowhere.npz"),
        (("--device", "cuda:97"), "device: cuda:97 cannot be used here"),
        (("--device", "toaster"), "device: toaster cannot be used here"),
        (("--device", "meta"), "device: meta cannot be used here"),
        (("--latent-dims", "0"), "latent_dims"),
        (("--mesh", "009-mesh"), "009-mesh"),
        (("--particles", "003-mesh"), "003-mesh is no prep job"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_a_sentence(project, capsys, words, sentence):
    assert re.search(sentence, refused(project, capsys, *words))


@pytest.mark.parametrize(
    ("name", "array", "sentence"),
    [
        ("z", np.zeros((149, 1)), "149 x 1, but 150 particles in 1 latent"),
        ("z", np.zeros((150, 2)), "150 x 2, but 150 particles in 1 latent"),
        ("z", np.full((150, 1), np.nan), "finite numbers"),
        ("z", np.zeros((150, 1, 1)), "(points, dimensions) is needed"),
        ("z", np.array([{"a": 1}] * 150), "cannot be read as a table"),
        ("z", np.array(["a"] * 150), "no numbers"),
        ("latent", np.zeros((150, 1)), "has no array z"),
    ],
)
def test_latents_that_do_not_fit_are_refused(project, capsys, name, array, sentence):
    np.savez(project / "given.npz", **{name: array})
    words = ("--start", "latents", "--initial-latents", project / "given.npz")
    assert sentence in refused(project, capsys, *words)


def test_latents_without_being_asked_for_are_refused(project, capsys):
    np.savez(project / "given.npz", z=np.zeros((150, 1)))
    assert "say --start latents" in refused(project, capsys, "--initial-latents", project / "given.npz")
    (project / "given.npz").write_bytes(b"PK no archive")
    words = ("--start", "latents", "--initial-latents", project / "given.npz")
    assert "cannot be read as a table" in refused(project, capsys, *words)


def test_a_mesh_larger_than_the_field_of_view_is_refused(project, capsys):
    consensus = project / "001-simulate" / "consensus.mrc"
    assert flexrec(project, "mesh", "--consensus", consensus, "--pixel-size", 19.2, "--coarseness", 8) == 0
    assert "the images show only 128 Å" in refused(project, capsys)


def stopped_copy(trained: Path, project: Path) -> Path:
    """The trained job in another project, as if it had been stopped."""
    job = shutil.copytree(trained / "004-train", project / "004-train")
    status = json.loads((job / "status.json").read_text())
    (job / "status.json").write_text(json.dumps(status | {"status": "stopped"}))
    return job


def contents(job: Path) -> dict[str, bytes]:
    return {name: (job / name).read_bytes() for name in WRITTEN}


def test_a_checkpoint_of_other_particles_is_refused(trained, project, capsys):
    job = stopped_copy(trained, project)
    shutil.rmtree(project / "002-prep")
    words = ("--particles", project / "001-simulate", "--subset", 90, "--workers", 1)
    assert flexrec(project, "prep", *words) == 0
    (project / "005-prep").rename(project / "002-prep")
    before = contents(job)
    assert flexrec(project, "train", "--resume", "4") == 2
    assert "a checkpoint of 150 particles in 1 latent" in capsys.readouterr().err
    assert contents(job) == before


def test_a_checkpoint_of_another_mesh_is_refused(trained, project, capsys):
    job = stopped_copy(trained, project)
    consensus = project / "001-simulate" / "consensus.mrc"
    assert flexrec(project, "mesh", "--consensus", consensus, "--coarseness", 7) == 0
    shutil.copy(project / "005-mesh" / "mesh.npz", job / "mesh.npz")
    before = contents(job)
    assert flexrec(project, "train", "--resume", "4") == 2
    assert "checkpoint's mesh is not the mesh of this training" in capsys.readouterr().err
    assert contents(job) == before


@pytest.mark.parametrize("size", [0, 100, 5000])
def test_a_checkpoint_cut_short_is_refused(trained, project, capsys, size):
    job = stopped_copy(trained, project)
    whole = (job / "resume.safetensors").read_bytes()
    (job / "resume.safetensors").write_bytes(whole[:size])
    assert flexrec(project, "train", "--resume", "4") == 2
    assert "no checkpoint that training can go on from" in capsys.readouterr().err


def test_a_checkpoint_of_something_else_is_refused(trained, project, capsys):
    import torch
    from safetensors.torch import save_file

    job = stopped_copy(trained, project)
    save_file({"weights": torch.zeros(3)}, job / "resume.safetensors", metadata={"state": "{}"})
    assert flexrec(project, "train", "--resume", "4") == 2
    assert "no checkpoint that training can go on from" in capsys.readouterr().err

"""Two independent models: what held-out images say of a motion that is there, and of none; killed, and copies."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from chimerax.flexrec.cli.program import main
from chimerax.flexrec.engine.held_out.component_split import component_halves
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.explore.held_out_gain import mean_and_error, summarise
from chimerax.flexrec.explore.motion_agreement import agree, canonical_correlations
from chimerax.flexrec.explore.trained_model import open_trained
from chimerax.flexrec.jobs.growing_files import Curves
from chimerax.flexrec.jobs.progress import read_progress
from chimerax.flexrec.jobs.project import job_folders
from chimerax.flexrec.jobs.reconstruct.reconstruct_motion import mean_place, particle_motion
from chimerax.flexrec.jobs.record import STOPPED, Status, write_status
from chimerax.flexrec.jobs.train.train_halves import divide
from chimerax.flexrec.mesh.map_files import read_map
from chimerax.flexrec.models.halves_record import read_agreement, read_halves
from chimerax.flexrec.particles.prepared import load_prepared
from scipy.spatial.transform import Rotation

pytestmark = pytest.mark.blank_pictures("gain agreement")

WORDS = ("train", "--halves", "--latent-dims", "1", "--modes", "16", "--batch-size", "32", "--hidden-units", "8",
         "--start", "modes", "--device", "cpu")  # fmt: skip
COUNT = 360


def make(project: Path, hinges: str, seed: int, *more: str, particles: int = COUNT) -> Path:
    made = project / "001-simulate"
    words = ["--hinges", hinges, "--particles", particles, "--box", 32, "--pixel-size", 8, "--snr", 2, "--seed", seed]
    for verb, *rest in (
        ("simulate", *words, "--threads", 1, *more),
        ("prep", "--particles", made, "--workers", 1),
        ("mesh", "--consensus", made / "consensus.mrc", "--coarseness", 10),
    ):
        assert main([verb, "--project", str(project), *map(str, rest)]) == 0
    return project


@pytest.fixture(scope="module")
def moving(tmp_path_factory) -> Path:
    """A molecule with a hinge, trained with half models."""
    project = make(tmp_path_factory.mktemp("moving") / "project", "fab1: ±15", 1)
    assert main([*WORDS, "--epochs", "2", "--project", str(project)]) == 0
    return project


# ----- what held-out images say -----


def test_motion_that_is_there_explains_images_that_no_model_has_seen(moving):
    record = read_halves(moving / "004-train")
    assert record.held_out == 36 and record.images == (162, 162)
    assert record.held_out_gain > 3 * record.held_out_gain_error > 0 and record.held_out_gain > 2
    assert min(record.half_gains) > 0
    assert 16 <= record.gain_resolution < 40  # Nyquist is 16 Å
    assert sum(shell.gain for shell in record.shells) == pytest.approx(record.held_out_gain, rel=1e-4)
    assert record.difference < 0.8 * record.motion and record.latent_correlations[0] > 0.7
    assert sum(part.mass for part in record.parts) == pytest.approx(1, abs=1e-3)
    for name in ("gain.png", "agreement.png"):
        assert (moving / "004-train" / name).stat().st_size > 10_000
    assert "neither half model has seen" in (moving / "004-train" / "log.txt").read_text()


def test_maps_of_independent_halves_lie_where_the_training_has_its_own(moving):
    """Wherever the half models have theirs: a map of half of a swing away would not do."""
    words = ["--model", "4", "--independent", "--no-twin", "--box", "32", "--device", "cpu", "--project", str(moving)]
    assert main(["reconstruct", *words]) == 0
    whole, *halves = (open_trained(moving / "004-train" / name) for name in ("", "half1", "half2"))
    (folder,) = moving.glob("*-reconstruct")
    with np.load(folder / "halves.npz") as stored:
        rows = stored["half1"], stored["half2"]
    for model, own in zip(halves, rows):
        motion = particle_motion(model, "cpu", mean_place(whole, own) - mean_place(model, own))
        vertices = motion.vertices_of(SimpleNamespace(rows=torch.from_numpy(own))).numpy()
        assert np.allclose(vertices.mean(axis=0), mean_place(whole, own), atol=0.02)
    inside = whole.model.volume != 0
    made, pixel_size = read_map(folder / "map.mrc")
    assert pixel_size == pytest.approx(8) and np.corrcoef(made[inside], whole.model.volume[inside])[0, 1] > 0.97


def test_a_rigid_molecule_with_wrong_poses_gains_nothing(tmp_path):
    """Its flow explains the images that it was trained on by nats: by the errors of their poses, and by noise."""
    project = make(tmp_path / "project", "rigid", 2, "--pose-error", "2,1.5")
    assert main([*WORDS, "--epochs", "1", "--project", str(project)]) == 0
    record = read_halves(project / "004-train")
    assert abs(record.held_out_gain) < 3 * record.held_out_gain_error
    assert record.held_out_gain_error < 1 and record.gain_resolution is None


# ----- the half models -----


def test_half_models_open_and_have_no_image_in_common(moving):
    job, seen = moving / "004-train", []
    with np.load(job / "half1" / "held_out.npz") as file:
        held_out = file["row"]
    for half in ("half1", "half2"):
        trained = open_trained(job / half)
        seen.append(np.flatnonzero(trained.finite))
        assert len(trained.particles) == COUNT and trained.project == moving
        assert np.isfinite(trained.model.precision).all()
        assert trained.angstroms is not None
    assert sorted(np.concatenate([*seen, held_out])) == list(range(COUNT))
    assert open_trained(job).finite.all()
    vertices = len(open_trained(job).model.moving.mesh.vertices)
    agreement = read_agreement(job, vertices)
    assert (agreement["difference"] >= 0).all() and agreement["motion"].max() > 1
    with pytest.raises(InputError, match="of each of"):
        read_agreement(job, vertices + 1)


def test_a_training_killed_in_its_second_half_ends_with_the_same_numbers(moving, tmp_path):
    project = shutil.copytree(moving, tmp_path / "project")
    job = project / "004-train"
    shutil.rmtree(job / "half2")  # as if it had been stopped before
    for name in ("halves.json", "agreement.npz", "agreement.png", "gain.png"):
        (job / name).unlink()
    write_status(job, Status(STOPPED))
    one = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
    command = [sys.executable, "-m", "chimerax.flexrec.cli", "train", "--resume", "4", "--project", str(project)]
    running = subprocess.Popen(command, env=os.environ | one, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               start_new_session=True)  # fmt: skip
    until = time.monotonic() + 600
    while not (job / "half2" / "resume.safetensors").exists() and time.monotonic() < until:
        assert running.poll() is None
        time.sleep(0.02)
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    assert not (job / "half2" / "held_out.npz").exists()
    kept = [(job / name).stat().st_mtime_ns for name in ("flow.npz", "half1/flow.npz", "half1/held_out.npz")]
    assert main(["train", "--resume", "4", "--project", str(project)]) == 0
    assert [(job / name).stat().st_mtime_ns for name in ("flow.npz", "half1/flow.npz", "half1/held_out.npz")] == kept
    before, after = read_halves(moving / "004-train"), read_halves(job)
    assert after.held_out_gain == pytest.approx(before.held_out_gain, rel=1e-5)
    assert after.difference == pytest.approx(before.difference, rel=1e-4)


def test_the_progress_is_of_all_of_it(moving):
    lines = read_progress(moving / "004-train")
    stages = {line["stage"] for line in lines}
    for half in ("half1", "half2"):
        assert {f"{half} 32 pixels", f"{half} held-out images", f"{half} rigid map"} <= stages
    assert Curves(moving / "004-train").read().shape == (2, 5)  # of the job's own model


# ----- who is in which half -----


def test_copies_of_an_image_are_in_one_place(moving):
    particles = load_prepared(moving / "002-prep").particles
    tripled = particles.take(np.tile(np.arange(100), 3))
    division = divide(tripled, 0)
    places = [set(rows % 100) for rows in (*division.halves, division.held_out)]
    assert sum(map(len, places)) == 100 and [len(rows) for rows in division.halves] == [135, 135]
    assert len(division.held_out) == 30 and division.images(division.held_out) == 10


def test_halves_that_the_file_names_are_kept(moving):
    particles = load_prepared(moving / "002-prep").particles.take(np.arange(300))
    half = (1 + (np.arange(300) % 3 == 0)).astype(np.int8)
    division = divide(replace(particles, half=half), 0)
    assert all((half[rows] == number).all() for number, rows in enumerate(division.halves, 1))
    assert [len(rows) for rows in division.halves] == [180, 90]


def test_what_cannot_be_compared_is_refused(moving, tmp_path, capsys):
    few = make(tmp_path / "few", "rigid", 1, particles=60)
    latents = str(moving / "004-train" / "latents.npz")
    for project, words, says in (
        (few, WORDS, "27 and 27 images would be trained on and 6 held out"),
        (moving, [*WORDS[:-4], "--start", "latents", "--initial-latents", latents], "found from both halves"),
        (moving, ["train", "--halves", "--decoder", "linear"], "halves: means nothing to the linear decoder"),
    ):
        assert main([*words, "--project", str(project)]) == 2
        assert says in capsys.readouterr().err
        assert not (job_folders(project)[-1] / "model.json").exists()


# ----- the sums -----


def test_a_component_and_its_conjugate_are_in_one_half():
    halves = component_halves(32, 3)
    assert (halves[0] ^ halves[1]).all() and 0.4 < halves[0].mean() < 0.6
    assert (halves[:, 1:16, 0] == halves[:, :16:-1, 0]).all()
    image = np.random.default_rng(0).normal(size=(32, 32))
    kept = np.fft.rfft2(image) * halves[0]
    assert np.allclose(np.fft.rfft2(np.fft.irfft2(kept, s=(32, 32)))[:, 1:16], kept[:, 1:16])
    assert np.allclose(np.fft.rfft2(np.fft.irfft2(kept, s=(32, 32)))[1:16, 0], kept[1:16, 0])


def test_the_error_is_over_images_and_not_over_their_copies():
    rng = np.random.default_rng(0)
    each, weight = rng.normal(2, 1, (400, 1)), np.ones(400)
    alone = mean_and_error(each, weight, np.arange(400))
    tripled = mean_and_error(np.repeat(each, 3, axis=0), np.ones(1200), np.repeat(np.arange(400), 3))
    assert alone[1] == pytest.approx(each.std(ddof=1) / 20, rel=1e-6) and np.allclose(alone, tripled)
    weight[:200] = 0
    assert mean_and_error(each, weight, np.arange(400))[0] == pytest.approx(each[200:].mean())


def test_the_gain_reaches_to_the_finest_shell_from_which_on_there_is_some():
    rng = np.random.default_rng(1)
    gain = rng.normal(0, 1, (900, 17))
    assert summarise(gain, np.ones(900), np.arange(900), 256).resolution is None
    gain[:, :9] += 1
    summary = summarise(gain, np.ones(900), np.arange(900), 256)
    assert summary.resolution == pytest.approx(256 / 8)
    assert summary.gain == pytest.approx(gain.sum(axis=1).mean())


def test_models_that_differ_by_placement_and_by_their_rest_agree():
    rng = np.random.default_rng(2)
    rest, mass = rng.normal(0, 20, (60, 3)), rng.random(60)
    mass, weight = mass / mass.sum(), np.ones(50)
    bend = rng.normal(size=(50, 1, 1)) * np.where(np.arange(60) < 20, 1.0, 0.0)[:, None] * np.array([3.0, 0, 0])
    turn = Rotation.from_rotvec(rng.normal(0, 0.05, (50, 3))).as_matrix()
    shift = rng.normal(0, 2, (50, 1, 3))
    first = rest + bend
    second = np.einsum("mij,mvj->mvi", turn, first) + shift
    same = agree(first, second, rest, mass, weight)
    assert same.difference.max() < 1e-6 and same.motion[:20].mean() > 1
    elsewhere = agree(first, second + rng.normal(0, 1, (60, 3)), rest, mass, weight)
    assert elsewhere.difference.max() < 0.2 * same.motion[:20].mean()
    other = agree(first, second + rng.normal(0, 0.5, second.shape), rest, mass, weight)
    assert other.over(np.ones(60))[1] == pytest.approx(0.5 * 3**0.5, rel=0.1)


def test_latents_that_are_turned_correlate_wholly():
    rng = np.random.default_rng(3)
    z, noise = rng.normal(size=(200, 2)), rng.normal(size=(200, 2))
    assert canonical_correlations(z, z @ [[0, 2.0], [-1, 0.3]], np.ones(200)) == pytest.approx([1, 1])
    half = canonical_correlations(z, np.stack([z[:, 0], noise[:, 0]], axis=1), np.ones(200))
    assert half[0] == pytest.approx(1) and half[1] < 0.3
    assert canonical_correlations(z, np.zeros((200, 2)), np.ones(200)) == pytest.approx([0, 0])


def test_a_damaged_record_is_a_sentence(tmp_path):
    assert read_halves(tmp_path) is None and read_agreement(tmp_path, 5) is None
    for text in ("{", "[]", "{}", '{"version": 1}', '{"version": 2}'):
        (tmp_path / "halves.json").write_text(text)
        with pytest.raises(InputError, match=r"halves\.json: cannot be read"):
            read_halves(tmp_path)

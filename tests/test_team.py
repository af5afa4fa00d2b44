"""Several processes train one model: real processes, connected by gloo."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import team_training
import torch
from chimerax.flexrec.engine.training.team import Team
from chimerax.flexrec.jobs.train import train_team
from chimerax.flexrec.jobs.train.team_processes import start_here
from chimerax.flexrec.jobs.train.train_team import LEAST_PARTICLES, MOST_PROCESSES
from test_train import SMALL, kill_after_a_pass, make_project, process
from waiting_for import wait_until

pytestmark = [
    pytest.mark.skipif(not torch.distributed.is_available(), reason="this torch has no torch.distributed"),
    pytest.mark.blank_pictures(),
]


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """151 particles at 40 pixels, which training takes through several box sizes."""
    return make_project(tmp_path_factory.mktemp("team") / "project", "fab1: ±20", 151, 3, box=40)


@pytest.fixture
def project(made, tmp_path) -> Path:
    return shutil.copytree(made, tmp_path / "project")


def train(project: Path, output: Path, processes: int, start: str) -> list[dict[str, np.ndarray]]:
    """What every process ended with; one alone is this one."""
    if processes == 1:
        team_training.main(project, output, start)
        return [dict(np.load(output / "0-of-1.npz"))]
    script = Path(__file__).with_name("team_training.py")
    one = {name: "1" for name in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS")} | {"CUDA_VISIBLE_DEVICES": ""}
    team = start_here([str(script), str(project), str(output), start], processes, os.environ | one)
    wait_until(lambda: team.poll() is not None, "the team has ended", 300)
    assert team.poll() == 0
    return [dict(np.load(output / f"{rank}-of-{processes}.npz")) for rank in range(processes)]


# the search that follows the density ends a tenth of an Å elsewhere for another last bit of the maps, so few and small
# images say little of their poses, and one particle in a hundred may take another of two places that are alike
@pytest.mark.parametrize(("start", "apart"), [("modes", 0.02), ("components", 0.1), ("poses", 0.1)])
def test_two_processes_train_what_one_does(made, tmp_path, start, apart):
    project = made
    if start == "poses":
        project = make_project(tmp_path / "project", "fab1: ±20", 151, 3, "--pose-error", "2,2", box=40)
    (alone,) = train(project, tmp_path, 1, start)
    first, second = train(project, tmp_path, 2, start)
    for name in alone:
        assert first[name].tobytes() == second[name].tobytes(), name
        scale = np.abs(alone[name]).max()
        assert np.quantile(np.abs(first[name] - alone[name]), 0.99) < apart * scale, name
    assert np.allclose(first["misfit"], alone["misfit"], rtol=apart / 30)


# to the last bit with poses as they are: what LAPACK makes of their corrections hangs on where arrays lie in memory
TWO = (*SMALL, "--epochs", 2, "--start", "modes", "--devices", "cpu,cpu")
AS_GIVEN = ("--start", "modes", "--poses", "fixed", "--junk", "keep", "--scales", "keep")


def members(job: Path) -> list[int]:
    """Pids of the processes that train for a job."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (folder / "cmdline").read_bytes().split(b"\0")
            if b"chimerax.flexrec.jobs.train.train_member" in words and str(job).encode() in words:
                found.append(int(folder.name))
    return found


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks for processes in /proc")
def test_a_killed_job_of_two_processes_goes_on_to_the_same_numbers(project):
    assert process(project, *TWO).wait() == 0
    job = project / "005-train"
    kill_after_a_pass(process(project, *TWO), job)
    until = time.monotonic() + 240
    while members(job):
        assert time.monotonic() < until, "processes of a killed job live on"
        time.sleep(0.2)
    assert json.loads((job / "model.json").read_text())["epoch"] < 2
    assert process(project, "--resume", "005-train").wait() == 0
    for name in ("latents.npz", "flow.npz"):
        with np.load(job / name) as ours, np.load(project / "004-train" / name) as unbroken:
            for array in ours.files:
                assert ours[array].tobytes() == unbroken[array].tobytes(), f"{name}: {array}"


@pytest.mark.skipif(sys.platform == "win32", reason="SIGTERM is of POSIX")
def test_a_job_of_two_processes_stops_when_asked(project):
    running = process(project, *SMALL, *AS_GIVEN, "--devices", "cpu,cpu", "--epochs", 200)
    until = time.monotonic() + 120
    while not (project / "004-train" / "resume.safetensors").exists():
        assert running.poll() is None and time.monotonic() < until
        time.sleep(0.05)
    running.terminate()
    assert running.wait(240) == 130
    assert json.loads((project / "004-train" / "status.json").read_text())["status"] == "stopped"
    assert not members(project / "004-train")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere one process trains, unless more are asked")
def test_a_training_on_two_processors_is_two_processes(tmp_path):
    project = make_project(tmp_path / "project", "fab1: ±20", 2 * LEAST_PARTICLES, 3, box=32)
    two = os.environ | {"OMP_NUM_THREADS": "2", "CUDA_VISIBLE_DEVICES": ""}
    words = ["train", "--project", project, *SMALL, *AS_GIVEN, "--epochs", 1]
    done = subprocess.run([sys.executable, "-m", "chimerax.flexrec.cli", *map(str, words)], env=two, timeout=300)
    status = json.loads((project / "004-train" / "status.json").read_text())
    assert done.returncode == 0 and status["device"] == "cpu, 2 processes"


def test_few_particles_or_threads_or_images_in_memory_are_for_one_process(monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    for threads, particles, in_memory, wanted in (
        ("1", 10**6, False, 1), ("4", 10**6, False, 4), ("64", 10**6, False, MOST_PROCESSES), ("4", 10**6, True, 1),
        ("4", LEAST_PARTICLES - 1, False, 1), ("4", 3 * LEAST_PARTICLES, False, 3),
    ):  # fmt: skip
        monkeypatch.setenv("OMP_NUM_THREADS", threads)
        monkeypatch.setattr(train_team, "free_memory", lambda: 1e12)
        assert train_team.processes_for(particles, in_memory) == wanted
    monkeypatch.setattr(train_team, "free_memory", lambda: 4e9)
    assert train_team.processes_for(10**6) == 2


def test_shares_are_all_the_rows_once():
    rows = np.arange(100, 117)
    shares = [Team(rank, 3).share(rows) for rank in range(3)]
    assert sorted(np.concatenate(shares)) == list(rows) and max(map(len, shares)) - min(map(len, shares)) <= 1


def test_one_alone_needs_no_others():
    table = torch.arange(6.0).reshape(3, 2)
    team = Team()
    team.collect(table, np.array([1]))
    team.agree([table])
    assert team.leads and torch.equal(team.total(table), torch.arange(6.0).reshape(3, 2))

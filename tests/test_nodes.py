"""A training over two nodes of a cluster: two real torchruns that meet, started by a stand-in for srun."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import standin_slurm
import torch
from chimerax.flexrec.cli.program import main
from chimerax.flexrec.jobs.record import read_status
from chimerax.flexrec.jobs.train.train_team import nodes_here
from test_team import members
from test_train import SMALL, make_project
from waiting_for import wait_for_state, wait_until

pytestmark = [
    pytest.mark.skipif(not torch.distributed.is_available(), reason="this torch has no torch.distributed"),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks for processes in /proc"),
    pytest.mark.blank_pictures(),
]
TRAIN = (*SMALL, "--start", "modes", "--device", "cpu")
CLUSTER = ("--cluster", "slurm", "--cluster-set", "nodes=2", "--cluster-set", "cpus=1")


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    return make_project(tmp_path_factory.mktemp("nodes") / "project", "fab1: ±20", 71, 3)


@pytest.fixture(autouse=True)
def slurm(tmp_path, monkeypatch):
    """The stand-ins, first on the PATH; what they started ends with the test."""
    standin_slurm.install(tmp_path / "bin")
    monkeypatch.setenv("SBATCH_STANDIN", str(tmp_path))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    yield
    for path in tmp_path.glob("*.pid"):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(int(path.read_text()), signal.SIGKILL)


def flexrec(project: Path, verb: str, *words: object) -> int:
    return main([verb, *map(str, words), "--project", str(project)])


def test_two_nodes_train_what_one_process_does(project):
    assert flexrec(project, "train", *TRAIN, "--epochs", 1) == 0
    assert flexrec(project, "train", *TRAIN, "--epochs", 1, *CLUSTER) == 0
    alone, job = project / "004-train", project / "005-train"
    wait_for_state(job, "done", "failed")
    assert read_status(job).status == "done", (job / "output.txt").read_text()
    assert read_status(job).device == "cpu × 2 nodes"
    for name in ("latents.npz", "flow.npz"):
        with np.load(alone / name) as one, np.load(job / name) as two:
            for array in one.files:
                scale = np.abs(one[array]).max()
                assert np.abs(one[array] - two[array]).max() <= 0.02 * scale, f"{name}: {array}"


def test_a_kill_and_a_stop_end_the_processes_of_all_nodes(project):
    assert flexrec(project, "train", *TRAIN, "--epochs", 200, *CLUSTER) == 0
    job = sorted(project.glob("*-train"))[-1]
    wait_until((job / "resume.safetensors").exists, "the first checkpoint")
    assert len(members(job)) == 5  # srun, and on each node a torchrun and a member
    os.kill(read_status(job).pid, signal.SIGKILL)
    wait_until(lambda: not members(job), "all processes end with the job's own")
    epoch = json.loads((job / "model.json").read_text())["epoch"]
    # the checkpoint is written after the model: a kill between them leaves it a pass behind
    lines = tuple(f"Going on after pass {number} " for number in (epoch - 1, epoch))
    assert flexrec(project, "resume", job.name, *CLUSTER) == 0
    wait_until(lambda: any(line in (job / "log.txt").read_text() for line in lines), "it goes on")
    began = time.monotonic()
    assert flexrec(project, "stop", job.name) == 0
    assert read_status(job).status == "stopped" and not members(job) and time.monotonic() - began < 50


def test_only_the_batch_script_of_a_job_of_several_nodes_starts_others(monkeypatch):
    for name in [name for name in os.environ if name.startswith("SLURM_")]:
        monkeypatch.delenv(name)
    assert nodes_here() == 1
    monkeypatch.setenv("SLURM_JOB_NUM_NODES", "2")
    assert nodes_here() == 1  # a shell of salloc, on a computer that is none of the nodes
    monkeypatch.setenv("SLURM_NODEID", "0")
    assert nodes_here() == 2
    monkeypatch.setenv("SLURM_STEP_ID", "0")
    assert nodes_here() == 1  # srun has started this process on every node already

"""Several processes train one model: real processes under torchrun, connected by gloo."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from chimerax.flexrec.engine.team import Team
from test_train import make_project

pytestmark = pytest.mark.skipif(not torch.distributed.is_available(), reason="this torch has no torch.distributed")


def train(project: Path, output: Path, processes: int) -> list[dict[str, np.ndarray]]:
    """What every process ended with."""
    script = Path(__file__).with_name("team_training.py")
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    one = {name: "1" for name in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS")}
    done = subprocess.run(
        [*torchrun, str(script), str(project), str(output)], env=os.environ | one | {"CUDA_VISIBLE_DEVICES": ""},
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return [dict(np.load(output / f"{rank}-of-{processes}.npz")) for rank in range(processes)]


def test_two_processes_train_what_one_does(tmp_path):
    project = make_project(tmp_path / "project", "fab1: ±20", 151, 3, box=40)
    (alone,) = train(project, tmp_path, 1)
    first, second = train(project, tmp_path, 2)
    for name in alone:
        assert first[name].tobytes() == second[name].tobytes(), name
        scale = np.abs(alone[name]).max()
        assert np.abs(first[name] - alone[name]).max() < 0.02 * scale, name
    assert np.allclose(first["misfit"], alone["misfit"], rtol=1e-4)


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

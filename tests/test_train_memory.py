"""Training where memory is short: a batch is worked on in parts, and the numbers stay."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from chimerax.flexrec.engine.training import memory
from chimerax.flexrec.particles.free_memory import free_memory
from test_train import SMALL, flexrec, latents, make_project, training

pytestmark = pytest.mark.blank_pictures()

TRAIN = (*SMALL, "--epochs", 2, "--start", "modes", "--device", "cpu")

# a limit on the memory of a real process, set once training has begun
LIMITED = """
import resource, sys
from pathlib import Path
import psutil
from chimerax.flexrec.cli.program import main
from chimerax.flexrec.engine.decoders.flow import flow_pass
from chimerax.flexrec.engine.training import memory
{trouble}
sys.exit(main(sys.argv[1:]))
"""
AT_THE_START = """
HEAVY = 40  # as if the images were so much larger
whole = memory._Trial.run
def run(self, count):
    used = psutil.Process().memory_info().vms
    resource.setrlimit(resource.RLIMIT_AS, (used + 30_000_000, -1))
    try:
        whole(self, HEAVY * count)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (-1, -1))
memory._Trial.run = run
memory._largest_on_cpu = memory._largest_on_gpu
"""
LATER = """
whole, calls = flow_pass.FlowPass.learn, []
def learn(self, batch, z, place, size):
    calls.append(len(batch))
    if len(calls) > 9 and len(batch) > 20:
        used = psutil.Process().memory_info().vms
        resource.setrlimit(resource.RLIMIT_AS, (used, -1))
    try:
        if resource.getrlimit(resource.RLIMIT_AS)[0] >= 0:
            flow_pass.torch.empty(1 << 24)  # more than the heap may happen to have left over
        return whole(self, batch, z, place, size)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (-1, -1))
flow_pass.FlowPass.learn = learn
"""
# the same trouble in the processes of a team, once they have loaded what they run
IN_A_MEMBER = """
import importlib
from white_pictures import whiten_when_loaded
whiten_when_loaded()
load = importlib.import_module
def import_module(name, package=None):
    module = load(name, package)
    if name == "chimerax.flexrec.jobs.train.train_member":
        exec(TROUBLE, {{}})
    return module
importlib.import_module = import_module
TROUBLE = '''
import resource, psutil
from chimerax.flexrec.engine.decoders.flow import flow_pass
{trouble}
'''
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    project = make_project(tmp_path_factory.mktemp("memory") / "project", "fab1: ±25", 120, 1)
    assert flexrec(project, "train", *TRAIN) == 0
    return project


def kept(job: Path) -> int:
    return json.loads((job / "memory.json").read_text())["images_at_once"]


def same_to_rounding(job: Path, other: Path) -> bool:
    misfits = np.allclose(training(job, "misfit"), training(other, "misfit"), rtol=1e-4)
    return misfits and np.abs(latents(job) - latents(other)).max() < 0.05


def test_a_batch_in_parts_is_the_batch(project):
    assert kept(project / "004-train") == 30  # a batch: 120 images in four
    assert flexrec(project, "train", *TRAIN, "--images-at-once", 7) == 0
    assert same_to_rounding(newest(project), project / "004-train")


def test_a_computer_with_little_memory_takes_few_images(project, monkeypatch):
    monkeypatch.setattr(memory, "free_memory", lambda: 1000)
    assert flexrec(project, "train", *TRAIN) == 0
    assert kept(newest(project)) < 30 and "Memory holds" in (newest(project) / "log.txt").read_text()
    assert same_to_rounding(newest(project), project / "004-train")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits the memory of a process by RLIMIT_AS")
@pytest.mark.parametrize(("trouble", "said"), [(AT_THE_START, "Memory holds"), (LATER, "Memory ran out")])
def test_memory_that_runs_out_only_makes_the_parts_smaller(project, trouble, said):
    words = [sys.executable, "-c", LIMITED.format(trouble=trouble), "train", "--project", project, *TRAIN]
    one = {name: "1" for name in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS")}
    done = subprocess.run(list(map(str, words)), env=os.environ | one, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr[-2000:]
    assert said in (newest(project) / "log.txt").read_text() and kept(newest(project)) < 30
    assert same_to_rounding(newest(project), project / "004-train")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits the memory of a process by RLIMIT_AS")
def test_a_team_begins_again_with_fewer_images(project, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(IN_A_MEMBER.format(trouble=LATER.replace("> 20", "> 10")))
    train = [sys.executable, "-m", "chimerax.flexrec.cli", "train", "--project", project, *TRAIN]
    path = os.pathsep.join(filter(None, (str(tmp_path), os.environ.get("PYTHONPATH"))))
    one = {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1", "PYTHONPATH": path}
    words = [*map(str, train), "--devices", "cpu,cpu"]
    done = subprocess.run(words, env=os.environ | one, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "Memory ran out" in (newest(project) / "log.txt").read_text() and kept(newest(project)) < 30
    assert same_to_rounding(newest(project), project / "004-train")


def test_free_memory_is_no_more_than_the_computer_has():
    import psutil

    assert 0 < free_memory() <= psutil.virtual_memory().total


def newest(project: Path) -> Path:
    return max(project.glob("*-train"))

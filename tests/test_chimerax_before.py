"""What people have from before: a project, a session and a script of commands, made before the rooms were moved.

``before/`` holds the last two, saved and run by FlexRec as it was then with the example that ships as their project,
and the states that were kept in it.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from chimerax.flexrec.jobs.demo_project import SHIPPED
from chimerax.flexrec.jobs.registry import find_job

BEFORE = Path(__file__).with_name("before")

SESSION = """
from chimerax.flexrec.scene.scene_model import FlexRecModel
run("open {top}/session.cxs")
model, = session.models.list(type=FlexRecModel)
result["z"], result["folder"] = model.z.tolist(), str(model.folder)
result["path"] = len(model.path), model.path.name
result["models"] = [one.name for one in session.models.list()]
"""
SCRIPT = """
import os
os.chdir("{top}")
run("open commands.cxc")
result["files"] = sorted(os.listdir("."))
"""


@pytest.fixture
def top(chimerax) -> Path:
    top = chimerax.new_folder()
    shutil.copytree(SHIPPED, top / "project")
    shutil.copy(BEFORE / "session.cxs", top)
    shutil.copy(BEFORE / "commands.cxc", top)
    chimerax.give(top)
    return top


def test_a_session_of_before_opens(chimerax, top):
    shutil.copy(BEFORE / "states.json", top / "project")
    chimerax.give(top)
    result = chimerax.run(SESSION.format(top=top), offscreen=True)
    assert np.allclose(result["z"], (0.2272727, 0.3636364), atol=1e-6)
    assert result["folder"] == str(top / "project" / "004-train")
    assert result["path"] == [12, "there"]
    assert any("mesh" in name for name in result["models"])


def test_a_script_of_before_runs(chimerax, top):
    result = chimerax.run(SCRIPT.format(top=top), offscreen=True)
    assert {"there.json", "bent.pdb", "ensemble.pdb", "path.pdb", "both.star", "near.star", "film.mp4"} <= set(
        result["files"]
    )


@pytest.mark.parametrize("folder", sorted(SHIPPED.iterdir()), ids=lambda folder: folder.name)
def test_the_record_of_a_job_of_before_is_understood(folder):
    record = json.loads((folder / "job.json").read_text())
    assert find_job(record["verb"]).build(record["parameters"] | record["inputs"])

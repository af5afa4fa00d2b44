"""Recipes: checked as a whole before anything starts, run in order, here or in the background."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import counting_program
import pytest
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.jobs.recipe import make_jobs, read_recipe
from chimerax.flexrec.jobs.record import read_record, read_status
from waiting_for import counting_project, flexrec, wait_for_state


@pytest.fixture
def project(tmp_path, monkeypatch):
    """An empty project whose processes end with the test."""
    with counting_project(tmp_path, monkeypatch) as folder:
        yield folder


def write(folder: Path, text: str) -> Path:
    path = folder / "recipe.toml"
    path.write_text(text, encoding="utf-8")
    return path


WALKS = """
seed = 4

[[walk]]
steps = 3

[[walk]]
steps = 6
seed = 5
batch-size = 32

[[after]]

[[after]]
count = "walk.1"
"""


def test_a_recipe_runs_in_the_foreground_each_job_on_those_before(project, tmp_path):
    done = flexrec(project, "run", str(write(tmp_path, WALKS)))
    assert done.returncode == 0, done.stderr
    names = ["001-walk", "002-walk", "003-after", "004-after"]
    assert done.stdout.split() == [str(project / name) for name in names]
    records = [read_record(project / name) for name in names]
    assert [record["seed"] for record in records] == [4, 5, 4, 4]
    assert records[1]["parameters"]["steps"] == 6 and records[1]["parameters"]["batch_size"] == 32
    assert records[2]["inputs"] == {"count": "002-walk"} and records[3]["inputs"] == {"count": "001-walk"}


def test_a_recipe_runs_in_the_background(project, tmp_path):
    done = flexrec(project, "run", str(write(tmp_path, WALKS)), "--background")
    assert (done.returncode, done.stdout.split()) == (0, ["001-walk", "002-walk", "003-after", "004-after"])
    for name in done.stdout.split():
        wait_for_state(project / name, "done")
    assert read_status(project / "003-after").started >= read_status(project / "002-walk").ended


def test_outputs_of_earlier_jobs_and_files_beside_the_recipe_are_inputs(project, tmp_path):
    (tmp_path / "data.star").touch()
    text = '[count]\nstart_from = "data.star"\n[[walk]]\n[after]\ncount = "count"\n'
    steps = read_recipe(write(tmp_path, text), project)
    folders = make_jobs(steps, project)
    assert [folder.name for folder in folders] == ["001-count", "002-walk", "003-after"]
    assert read_record(folders[0])["inputs"]["start_from"] == "../data.star"
    assert read_record(folders[2])["inputs"] == {"count": "001-count"}


def test_outputs_that_are_still_to_come_are_inputs(project, tmp_path):
    text = '[[count]]\nsteps = 2\n[[count]]\nstart_from = "count.1/result.json"\n'
    command = [sys.executable, counting_program.__file__, "run", write(tmp_path, text), "--background"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    wait_for_state(project / "002-count", "done")
    assert read_record(project / "002-count")["inputs"]["start_from"] == "001-count/result.json"


def test_jobs_of_the_project_are_inputs_by_number(project, tmp_path):
    flexrec(project, "walk")
    for value in ("1", '"1"', '"001-walk"'):
        (step,) = read_recipe(write(tmp_path, f"[after]\ncount = {value}\n"), project)
        assert step.parameters.count == project / "001-walk"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[walk]\nsteps = 0", r"recipe\.toml, \[walk\]: steps is 0, but must be from 1 to 10000 steps\."),
        ("[[walk]]\n[[walk]]\nsteps = 'x'", r"recipe\.toml, \[\[walk\]\] 2: steps is 'x', but must be a whole number"),
        ("[walk]\nstepz = 1", r"\[walk\]: stepz: walk has no such parameter; it has steps, "),
        ("[walk]\nsteps = 1.5", r"\[walk\]: steps is '1.5', but must be a whole number"),
        ("[walk]\nlistens = 3", r"\[walk\]: listens is '3', but must be true or false"),
        ("[walk]\nseed = true", r"\[walk\]: seed: seed is True, but must be a whole number"),
        ("[wlak]", r"recipe\.toml, wlak: no job has that name; there are simulate, prep, "),
        ("walk = 3", r"recipe\.toml, walk: is no table; write \[walk\]"),
        ("[walk]\nsteps = ", r"recipe\.toml is no TOML: Invalid value \(at end of document\)\."),
        ("", r"recipe\.toml has no job"),
        ("[count]\nstart_from = 'no.star'", r"\[count\]: start_from: there is no .*no\.star; check the path\."),
        ("[after]", r"\[after\]: after needs a finished count or walk job"),
        ("[after]\ncount = 7", r"\[after\]: there is no job 7 in "),
        ("[walk]\n[after]\ncount = 'walk.2'", r"\[after\]: count: walk\.2 is no job that comes before in this recipe"),
        ("[count]\nbefore = 'count'", r"\[count\]: "),
        ("[prep]\nbox = 64", r"\[prep\]: prep needs particles: "),
        ("[walk]\nsteps = 3\n[train]\nepochs = -1", r"\[train\]: epochs is -1, but must be from 1 to 1000"),
    ],
)
def test_a_mistake_anywhere_is_one_sentence_and_nothing_starts(project, tmp_path, text, sentence):
    with pytest.raises(InputError, match=sentence):
        read_recipe(write(tmp_path, text), project)
    refused = flexrec(project, "run", str(tmp_path / "recipe.toml")) if text == "[wlak]" else None
    assert refused is None or (refused.returncode == 2 and refused.stderr.count("\n") == 1)
    assert list(project.iterdir()) == []


def test_a_recipe_that_is_not_there_is_said(project, tmp_path):
    with pytest.raises(InputError, match=r"nothing\.toml cannot be read \(No such file or directory\)"):
        read_recipe(tmp_path / "nothing.toml", project)


def test_a_real_recipe_reads(project, tmp_path):
    for name in ("run_data.star", "map.mrc"):
        (tmp_path / name).touch()
    text = """
        [prep]
        particles = "run_data.star"
        consensus = "map.mrc"
        [mesh]
        consensus = "map.mrc"
        rigid = [1, 2]
        [[train]]
        epochs = 5
        [[train]]
        latent-dims = 3
        start = "latents"
        initial-latents = "train.1"
        [generate]
        along = "pc1,pc2"
        range = [5, 95]
    """
    folders = make_jobs(read_recipe(write(tmp_path, text), project), project)
    inputs = [read_record(folder)["inputs"] for folder in folders]
    assert [folder.name for folder in folders] == ["001-prep", "002-mesh", "003-train", "004-train", "005-generate"]
    assert inputs[2] == {"particles": "001-prep", "mesh": "002-mesh", "initial_latents": None, "moving": None}
    assert inputs[3]["initial_latents"] == "003-train" and inputs[4]["model"] == "004-train"
    assert json.loads((folders[4] / "job.json").read_text())["parameters"]["along"] == ["pc1", "pc2"]


def test_a_failing_job_leaves_the_rest_to_be_resumed(project, tmp_path):
    text = '[[walk]]\nkind = "fail"\n[[after]]\n'
    done = flexrec(project, "run", str(write(tmp_path, text)))
    assert done.returncode == 2 and "volume.mrc has no density" in done.stderr
    assert "not run yet: 002-after; go on with flexrec resume" in done.stderr
    assert read_status(project / "002-after").status == "queued"


def test_a_recipe_that_cannot_be_made_leaves_no_job(project, tmp_path, monkeypatch):
    from chimerax.flexrec.jobs import runner

    steps, create, made = read_recipe(write(tmp_path, WALKS), project), runner.create, []

    def fails_at_the_third(*words):
        if len(made) == 2:
            raise InputError("the disk is full")
        made.append(create(*words))
        return made[-1]

    monkeypatch.setattr(runner, "create", fails_at_the_third)
    with pytest.raises(InputError, match="the disk is full"):
        make_jobs(steps, project)
    assert len(made) == 2 and not list(project.glob("0*"))

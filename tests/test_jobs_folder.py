"""Job folders: numbered without a race, whole outputs, references, inputs that move along, progress."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.jobs import runner
from chimerax.flexrec.jobs.find_model import trained_folder
from chimerax.flexrec.jobs.inputs import job_file, join_record
from chimerax.flexrec.jobs.job_folder import JobRun
from chimerax.flexrec.jobs.listing import job_lines
from chimerax.flexrec.jobs.progress import read_progress
from chimerax.flexrec.jobs.project import find_job_folder, job_folders
from chimerax.flexrec.jobs.record import read_record, read_status
from chimerax.flexrec.jobs.registry import find_job
from chimerax.flexrec.jobs.terminal_progress import Terminal, duration_text
from counting_job import AFTER, COUNT, CountParameters

_CREATE = """
import sys
from pathlib import Path
from chimerax.flexrec.jobs.project import new_job_folder
for _ in range(40):
    new_job_folder(Path(sys.argv[1]), {"verb": sys.argv[2]})
"""


def test_processes_that_make_jobs_at_once_never_share_a_number(tmp_path):
    makers = [subprocess.Popen([sys.executable, "-c", _CREATE, tmp_path, verb]) for verb in ("prep", "mesh", "train")]
    assert [maker.wait() for maker in makers] == [0, 0, 0]
    folders = job_folders(tmp_path)
    numbers = [folder.name[:3] for folder in folders]
    assert len(folders) == 120 and len(set(numbers)) == 120
    assert all((folder / "job.json").exists() and (folder / "status.json").exists() for folder in folders)
    assert not list(tmp_path.glob(".*"))


def test_the_number_after_999_has_four_digits(tmp_path):
    (tmp_path / "999-prep").mkdir()
    folder = runner.create(COUNT, CountParameters(), tmp_path)
    assert folder.name == "1000-count" and find_job_folder("1000", tmp_path) == folder


def test_an_output_appears_whole_or_not_at_all(tmp_path):
    job = JobRun(tmp_path)
    with job.output("maps/a.txt") as path:
        path.write_text("whole")
        assert not (tmp_path / "maps/a.txt").exists()
    assert (tmp_path / "maps/a.txt").read_text() == "whole"
    with pytest.raises(RuntimeError), job.output("maps/a.txt") as path:
        path.write_text("ha")
        raise RuntimeError
    assert [item.name for item in (tmp_path / "maps").iterdir()] == ["a.txt"]
    assert (tmp_path / "maps/a.txt").read_text() == "whole"


def test_the_record_says_what_was_asked(tmp_path):
    data = tmp_path / "data.star"
    data.touch()
    folder = runner.run(COUNT, CountParameters(steps=3, start_from=data), tmp_path / "project", seed=11)
    record = read_record(folder)
    assert record["verb"] == "count" and record["seed"] == 11 and record["version"]
    assert record["parameters"]["steps"] == 3 and record["parameters"]["origin"] == [0.0, 0.0]
    assert record["inputs"] == {"start_from": "../data.star", "before": None}
    status = read_status(folder)
    assert status.status == "done" and status.pid == os.getpid() and status.started <= status.ended
    assert "done after" in (folder / "log.txt").read_text()


def test_a_project_that_moves_with_its_data_still_finds_it(tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    (here / "data.star").touch()
    runner.run(COUNT, CountParameters(), here / "project")
    folder = runner.run(COUNT, CountParameters(start_from=here / "data.star"), here / "project")
    shutil.move(here, there)
    moved = there / "project" / folder.name
    parameters = join_record(COUNT, read_record(moved), moved.parent)
    assert parameters.start_from == there / "data.star"
    assert parameters.before == there / "project" / "001-count"


def test_a_project_behind_a_link_records_paths_that_exist(tmp_path):
    (tmp_path / "disk/deep/project").mkdir(parents=True)
    (tmp_path / "data.star").touch()
    (tmp_path / "link").symlink_to(tmp_path / "disk/deep/project")
    folder = runner.create(COUNT, CountParameters(start_from=tmp_path / "data.star"), tmp_path / "link")
    assert join_record(COUNT, read_record(folder), folder.parent).start_from.samefile(tmp_path / "data.star")


def test_job_references(tmp_path, monkeypatch):
    first = runner.run(COUNT, CountParameters(), tmp_path)
    runner.run(AFTER, AFTER.build({}), tmp_path)
    for reference in ("1", "001", "001-count", str(first)):
        assert find_job_folder(reference, tmp_path) == first
    with pytest.raises(InputError, match=r"no job 7 in .*: it has 001-count, 002-after\."):
        find_job_folder("7", tmp_path)
    monkeypatch.chdir(tmp_path)
    assert find_job_folder("001-count/", tmp_path) == first


def test_a_job_left_out_is_the_newest_finished_one(tmp_path):
    runner.run(COUNT, CountParameters(), tmp_path)
    newest = runner.run(COUNT, CountParameters(), tmp_path)
    runner.create(COUNT, CountParameters(), tmp_path)
    folder = runner.run(AFTER, AFTER.build({}), tmp_path)
    assert read_record(folder)["inputs"] == {"count": newest.name}
    chosen = runner.run(AFTER, AFTER.build({"count": "1"}), tmp_path)
    assert read_record(chosen)["inputs"] == {"count": "001-count"}


def test_wrong_inputs_make_no_job(tmp_path):
    cases = [
        (AFTER, {}, "after needs a finished count or walk job, and .* has none: run flexrec count first, "
                    "or name one with --count .in ChimeraX count"),
        (AFTER, {"count": "3"}, "no job 3"),
        (COUNT, {"start_from": tmp_path / "no.star"}, r"start_from: there is no .*no\.star"),
    ]
    for job, values, sentence in cases:
        with pytest.raises(InputError, match=sentence):
            runner.run(job, job.build(values), tmp_path / "project")
    assert not (tmp_path / "project").exists()


def test_a_job_of_the_wrong_verb_is_refused(tmp_path):
    runner.run(COUNT, CountParameters(), tmp_path)
    runner.run(AFTER, AFTER.build({}), tmp_path)
    with pytest.raises(InputError, match="count: 002-after is no count or walk job."):
        runner.create(AFTER, AFTER.build({"count": "2"}), tmp_path)


def test_a_missing_output_of_an_earlier_job_is_named_with_its_state(tmp_path):
    folder = runner.create(COUNT, CountParameters(), tmp_path)
    with pytest.raises(InputError, match=r"001-count has no result\.json; the job is queued\."):
        job_file(folder, "result.json")
    runner.start(COUNT, folder)
    assert job_file(folder, "result.json") == job_file(folder / "result.json", "x") == folder / "result.json"


def test_progress_is_plain_json_and_survives_a_half_line(tmp_path):
    job = JobRun(tmp_path)
    job.progress(1, 3, loss=np.float32(0.5), spread=np.array([1.0, np.nan]), rate=float("inf"))
    job.progress(2, 3, loss=0.4)
    with open(tmp_path / "progress.jsonl", "a") as file:
        file.write('{"step": 3, "tot')
    assert [line["step"] for line in read_progress(tmp_path)] == [1, 2]
    JobRun(tmp_path).progress(2, 3, loss=0.3)
    lines = read_progress(tmp_path)
    assert [(line["step"], line["loss"]) for line in lines] == [(1, 0.5), (2, 0.3)]
    assert lines[0]["spread"] == [1.0, None] and lines[0]["rate"] is None and lines[0]["eta"] is None


def test_every_stage_counts_its_own_steps(tmp_path):
    job = JobRun(tmp_path)
    for stage in ("read", "write"):
        for step in (1, 2):
            job.progress(step, 2, stage=stage)
    assert [(line["stage"], line["step"]) for line in read_progress(tmp_path)] == [
        ("read", 1), ("read", 2), ("write", 1), ("write", 2),
    ]  # fmt: skip


def test_eta_is_the_mean_pace_times_what_is_left(tmp_path, monkeypatch):
    clock = iter([100.0, 110.0, 120.0])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    job = JobRun(tmp_path)
    for step in (1, 2, 3):
        job.progress(step, 10)
    assert [json.loads(line)["eta"] for line in open(tmp_path / "progress.jsonl")] == [None, 80.0, 70.0]


class _Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_a_bar_and_a_file_plain_lines(tmp_path):
    screen, file = _Screen(), io.StringIO()
    for stream in (screen, file):
        terminal = Terminal("003-train", stream, every=0.0)
        job = JobRun(tmp_path, watcher=terminal)
        job.log("hello")
        for step in range(1, 5):
            job.progress(step, 4, loss=1 / step, images_per_second=1234.5)
        terminal.close()
    assert "hello" in screen.getvalue() and "4/4" in screen.getvalue() and "\r" in screen.getvalue()
    lines = file.getvalue().splitlines()
    assert lines[0] == "003-train: hello" and "\r" not in file.getvalue()
    assert lines[1] == "003-train: step 1 of 4, loss 1, images per second 1234" and len(lines) == 5


def test_durations_read_like_clocks():
    assert [duration_text(seconds) for seconds in (5, 65, 3723.2)] == ["0:05", "1:05", "1:02:03"]


def test_the_list_of_jobs(tmp_path):
    runner.run(COUNT, CountParameters(), tmp_path)
    with pytest.raises(InputError):
        runner.run(COUNT, CountParameters(kind="fail"), tmp_path)
    runner.create(COUNT, CountParameters(), tmp_path)
    lines = job_lines(tmp_path)
    assert lines[0].startswith("001-count  done     in 0:0")
    assert lines[1] == "002-count  failed   volume.mrc has no density; give another map."
    assert lines[2] == "003-count  queued   not in the queue; start it with flexrec resume 003-count"


def test_a_record_with_one_value_is_read_where_several_may_be_given_now(tmp_path):
    record = {"parameters": {"test": "null", "device": "cpu"}, "inputs": {"model": "001-train"}}
    assert join_record(find_job("diagnose"), record, tmp_path).test == ("null",)


def test_a_number_that_two_folders_have_is_no_reference(tmp_path):
    (tmp_path / "003-count").mkdir()
    (tmp_path / "003-after").mkdir()
    with pytest.raises(InputError, match=r"003-(count|after) and 003-(after|count): job 3 may be each"):
        find_job_folder("3", tmp_path)
    assert find_job_folder("003-count/", tmp_path) == tmp_path / "003-count"


def test_of_many_jobs_a_refusal_names_a_few(tmp_path):
    for number in range(1, 1001):
        (tmp_path / f"{number:03d}-count").mkdir()
    with pytest.raises(InputError, match=r"it has 001-count, .*005-count, …, 996-count, .*1000-count\.$") as refusal:
        find_job_folder("2000", tmp_path)
    assert len(str(refusal.value)) < 400


def test_a_job_named_as_an_input_is_one_of_this_project(tmp_path, monkeypatch):
    mine, other = (runner.run(COUNT, CountParameters(), tmp_path / name) for name in ("mine", "other"))
    monkeypatch.chdir(other.parent)
    for reference in ("1", "001-count", "001-count/"):
        folder = runner.create(AFTER, AFTER.build({"count": reference}), mine.parent)
        assert read_record(folder)["inputs"] == {"count": "001-count"}


def test_a_number_is_a_job_wherever_a_path_is_asked_for(tmp_path):
    first = runner.run(COUNT, CountParameters(), tmp_path)
    folder = runner.create(COUNT, COUNT.build({"start_from": "1"}), tmp_path)
    assert read_record(folder)["inputs"]["start_from"] == first.name


def test_a_model_is_also_named_by_its_jobs_number(tmp_path):
    train = tmp_path / "004-train"
    train.mkdir()
    (train / "job.json").write_text("{}")
    assert trained_folder(tmp_path / "4") == train
    with pytest.raises(InputError, match="no such file or folder"):
        trained_folder(tmp_path / "5")

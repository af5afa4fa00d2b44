"""What goes wrong in real life, done for real: kills, rivals, stale locks, recycled pids, clocks, a full disk."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import counting_program
import pytest
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.jobs import runner
from chimerax.flexrec.jobs.queue import background, queue_file
from chimerax.flexrec.jobs.queue.job_process import host_name, process_start
from chimerax.flexrec.jobs.queue.queue_file import Entry, locked_queue, read_queue
from chimerax.flexrec.jobs.record import Status, read_status, recorded_status, write_status
from counting_job import WALK, WalkParameters
from killed_jobs import kill_and_resume, unbroken
from waiting_for import counting_project, flexrec, wait_for_state, wait_for_step, wait_until, worker_of

_HOLD_THE_LOCK = """
import sys, time
from pathlib import Path
from chimerax.flexrec.jobs.queue.queue_file import locked_queue
with locked_queue(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""

_FILL_THE_DISK = """
import os, subprocess, sys, time
from pathlib import Path
project = Path(sys.argv[1])
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", project], check=True)
import counting_program
from chimerax.flexrec.jobs.queue import background
from chimerax.flexrec.jobs.record import read_status
from killed_jobs import check_whole, unbroken, STEPS
from waiting_for import wait_for_state, wait_for_step
os.environ["FLEXREC_SLOTS"] = sys.argv[2] + ".slots"
counting_program.declare()
wanted = unbroken(Path(sys.argv[2]))
folder = background.submit("walk", {"steps": STEPS, "pause": 0.02}, project, seed=7)
wait_for_step(folder, 3)
with open(project / "filler", "wb", buffering=0) as filler:
    try:
        while True:
            filler.write(bytes(1024))
    except OSError as error:
        print(error)
wait_for_state(folder, "failed", "stopped")
print(read_status(folder).error)
check_whole(project)
(project / "filler").unlink()
background.start_next(project)
background.resume(folder)
wait_for_state(folder, "done")
assert (folder / "result.json").read_bytes() == wanted
check_whole(project)
print("the same numbers")
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """An empty project whose processes end with the test."""
    with counting_project(tmp_path, monkeypatch) as folder:
        yield folder


def test_a_job_killed_at_any_moment_ends_with_the_same_bytes(project):
    wanted, dice, moments = unbroken(project / "unbroken"), random.Random(1), Counter()
    for _ in range(8):
        moments += kill_and_resume(project, 5, dice, wanted)
    assert sum(moments.values()) == 40 and moments["before it began"] and moments["while it ran"] > 10, moments


def test_of_many_programs_that_start_one_job_exactly_one_runs_it(project):
    for _ in range(3):
        folder = runner.create(WALK, WalkParameters(steps=20, pause=0.01), project)
        with locked_queue(project) as queue:
            queue.put(Entry(folder.name, host_name()))
        command = [sys.executable, counting_program.__file__]
        lookers = [[*command, "jobs", "--project", project] for _ in range(3)]
        workers = [[*command, "worker", folder] for _ in range(3)]
        rivals = [subprocess.Popen(words, stdout=subprocess.DEVNULL) for words in (*lookers, *workers)]
        assert [rival.wait(60) for rival in rivals] == [0] * 6
        wait_for_state(folder, "done")
        assert (folder / "log.txt").read_text().count("counting from") == 1
    wait_until(lambda: read_queue(project) == [], "the queue is empty")


def test_a_worker_killed_while_others_wait_does_not_hold_them_up(project):
    first, second = (background.submit("walk", {"steps": 400, "pause": 0.01}, project) for _ in range(2))
    wait_for_step(first, 2)
    os.kill(worker_of(first), signal.SIGKILL)
    time.sleep(0.1)
    assert read_status(second).status == "queued"
    shown = flexrec(project, "jobs").stdout.splitlines()
    assert shown[0].startswith("001-walk  stopped") and "ended without a word" in shown[0]
    wait_for_step(second, 1)
    background.stop(second)


def test_the_lock_of_a_dead_process_is_free(project, monkeypatch):
    holder = subprocess.Popen([sys.executable, "-c", _HOLD_THE_LOCK, project], stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "held\n"
    monkeypatch.setattr(queue_file, "_PATIENCE", 0.2)
    with pytest.raises(InputError, match=r"queue\.json is held by another FlexRec process"):
        background.submit("walk", {}, project)
    holder.kill()
    holder.communicate()
    assert "queued   not in the queue; start it with flexrec resume 001-walk" in flexrec(project, "jobs").stdout
    background.resume(project / "001-walk")
    wait_for_state(project / "001-walk", "done")


def test_a_recycled_pid_holds_neither_job_nor_slot(project):
    folder = runner.create(WALK, WalkParameters(), project)
    write_status(folder, Status("running", os.getpid(), "another boot:7", host_name(), started=1.0))
    with locked_queue(project) as queue:
        queue.put(Entry(folder.name, host_name(), "cpu", os.getpid(), "another boot:7"))
    behind = background.submit("walk", {}, project)
    wait_for_state(behind, "done")
    assert read_status(folder).status == "stopped"
    with pytest.raises(InputError, match="001-walk is stopped; there is nothing to stop"):
        background.stop(folder)
    background.kill(folder)  # must not end this very process
    background.resume(folder)
    wait_for_state(folder, "done")


def test_a_clock_that_jumps_changes_neither_order_nor_who_is_alive(project, monkeypatch):
    now = time.time
    first = background.submit("walk", {"steps": 500, "pause": 0.01}, project)
    wait_for_step(first, 1)
    monkeypatch.setattr("time.time", lambda: now() - 1e6)
    second = background.submit("walk", {}, project)
    monkeypatch.setattr("time.time", lambda: now() + 1e6)
    third = background.submit("walk", {}, project)
    write_status(first, replace(recorded_status(first), started=now() + 1e6))
    for path in first.iterdir():
        os.utime(path, (1e9, 1e9))
    background.start_next(project)
    assert read_status(first).status == "running" and background.list_jobs(project)[0].seconds >= 0
    assert [entry.job for entry in read_queue(project)] == [first.name, second.name, third.name]
    background.stop(first)
    wait_for_state(third, "done")
    assert read_status(second).started <= read_status(third).started


def test_a_slot_taken_in_a_terminal_is_taken_in_the_queue(project):
    folder = runner.create(WALK, WalkParameters(), project)
    write_status(folder, Status("running", os.getpid(), process_start(os.getpid()), host_name()))
    behind = background.submit("walk", {}, project)
    assert read_status(behind).status == "queued" and read_queue(project)[0].waiting
    write_status(folder, Status("done"))
    background.start_next(project)
    wait_for_state(behind, "done")


def test_a_gpu_that_a_job_in_a_terminal_asked_for_is_taken_before_it_says_so(project, monkeypatch):
    monkeypatch.setenv("FLEXREC_GPUS", "0")
    folder = runner.create(WALK, WalkParameters(device="cuda"), project)
    write_status(folder, Status("running", os.getpid(), process_start(os.getpid()), host_name()))
    behind = background.submit("walk", {}, project)
    other = background.submit("walk", {"device": "cpu"}, project)
    wait_for_state(other, "done")
    assert read_status(behind).status == "queued"


def test_a_project_that_may_not_be_written_to_is_named(project):
    words = [sys.executable, "-m", "chimerax.flexrec.cli", "simulate", "--particles", "4"]
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("root may write everywhere, and there is no setpriv that takes this away")
        words = ["setpriv", "--bounding-set", "-dac_override", "--inh-caps", "-dac_override", *words]
    project.chmod(0o555)
    done = subprocess.run(words, cwd=project, capture_output=True, text=True)
    project.chmod(0o755)
    assert done.returncode == 2
    assert done.stderr == f"flexrec: {project}: permission denied; choose a folder that you may write to.\n"


def test_a_disk_that_fills_up_stops_the_job_and_nothing_is_half_written(tmp_path):
    tools = ["unshare", "--user", "--map-root-user", "--mount"]
    if not shutil.which("unshare") or subprocess.run([*tools, "true"], capture_output=True).returncode:
        pytest.skip("needs a small disk to fill: unshare with user namespaces, to mount one")
    (tmp_path / "small").mkdir()
    words = [*tools, sys.executable, "-c", _FILL_THE_DISK, tmp_path / "small", tmp_path / "unbroken"]
    path = os.pathsep.join([str(Path(__file__).parent), *filter(None, sys.path)])
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, env=os.environ | {"PYTHONPATH": path})
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    assert "No space left" in said[0] and "the disk" in said[1] and "full" in said[1] and said[2] == "the same numbers"

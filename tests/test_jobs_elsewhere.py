"""A job that runs on another computer, seen and stopped from this one through the shared folder alone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import counting_program
import pytest
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.jobs.listing import job_lines
from chimerax.flexrec.jobs.queue import background, heartbeat
from chimerax.flexrec.jobs.queue.heartbeat import SILENT, silence
from chimerax.flexrec.jobs.queue.job_process import host_name
from chimerax.flexrec.jobs.queue.queue_file import Entry, locked_queue
from chimerax.flexrec.jobs.record import read_status
from waiting_for import counting_project, flexrec, wait_for_state, wait_for_step, wait_until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="stops and kills processes as POSIX does")

ELSEWHERE = """
import socket, sys
socket.gethostname = lambda: "node-7"
sys.path.insert(0, sys.argv.pop(1))
import counting_program
sys.exit(counting_program.main(sys.argv[1:]))
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    with counting_project(tmp_path, monkeypatch) as folder:
        yield folder


def walk_elsewhere(project: Path, *words: str) -> tuple[subprocess.Popen, Path]:
    """A job at its second step, in a process that takes its computer for another one."""
    command = [sys.executable, "-c", ELSEWHERE, str(Path(__file__).parent), "walk", "--steps", "2000"]
    more = ["--pause", "0.02", *words, "--project", str(project)]
    running = subprocess.Popen([*command, *more], stderr=subprocess.DEVNULL)
    wait_for_step(project / "001-walk", 2)
    return running, project / "001-walk"


def age(folder: Path, seconds: float) -> None:
    """Let a job's files be older, as if nothing had come since."""
    for path in folder.iterdir():
        os.utime(path, (path.stat().st_atime, path.stat().st_mtime - seconds))


@pytest.mark.parametrize("listens", [True, False], ids=["that asks", "that never asks"])
def test_a_job_is_followed_and_stopped_from_another_computer(project, listens):
    running, folder = walk_elsewhere(project, "--listens" if listens else "--no-listens")
    (line,) = flexrec(project, "jobs").stdout.splitlines()
    assert line.startswith("001-walk  running  step ") and "last heard 0 s ago" in line and "[on node-7]" in line
    assert not background.has_ended(folder)
    follow = [sys.executable, counting_program.__file__, "log", "1", "--follow", "--project", str(project)]
    following = subprocess.Popen(follow, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert following.stdout.readline().endswith("counting from 0\n")
    stopped = flexrec(project, "stop", "1")
    assert stopped.stdout == "001-walk stopped\n"
    assert stopped.stderr == "flexrec: 001-walk runs on node-7 and is asked to stop there\n"
    assert running.wait(10) == 130 and following.wait(10) == 130
    background.resume(folder)
    wait_until(lambda: read_status(folder).host == host_name(), "it goes on here")
    background.stop(folder)


def test_a_job_that_does_not_end_is_ended_where_it_runs(project):
    running, folder = walk_elsewhere(project)
    running.send_signal(signal.SIGSTOP)
    refused = flexrec(project, "stop", "1", "--grace", "0.2")
    assert refused.returncode == 2
    assert f"001-walk has not ended yet; end its process {running.pid} on node-7" in refused.stderr
    for again in (["resume", "1"], ["resume", "1", "--background"]):
        assert "001-walk" in flexrec(project, *again).stderr
    assert read_status(folder).status == "running"
    running.kill()


def test_a_job_that_is_silent_for_long_is_told_and_goes_on_here(project):
    running, folder = walk_elsewhere(project)
    running.kill()
    running.wait()
    with locked_queue(project) as queue:
        queue.put(Entry(folder.name, "node-7", pid=running.pid, process_start="x"))
    wait_until(lambda: silence(folder) < 5, "it was heard")
    with pytest.raises(InputError, match="already running"):
        background.resume(folder)
    age(folder, SILENT + 60)
    told = "silent for 4:00; if it is gone, go on with flexrec resume 001-walk  [on node-7]"
    assert job_lines(project)[0].endswith(told)
    assert "if that computer is gone, go on with flexrec resume" in flexrec(project, "stop", "1").stderr
    background.resume(folder)
    wait_until(lambda: read_status(folder).host == host_name(), "it goes on here")
    background.stop(folder)
    wait_for_state(folder, "stopped")


def test_clocks_of_this_computer_do_not_matter(project, monkeypatch):
    running, folder = walk_elsewhere(project)
    for then in (time.time() - 1e6, time.time() + 1e6):
        monkeypatch.setattr(time, "time", lambda then=then: then)
        assert silence(folder) < 5
        (state,) = background.list_jobs(project)
        assert state.state == "running" and state.message.startswith("last heard ")
    running.kill()


def test_a_quiet_job_gives_a_sign_of_life(tmp_path, monkeypatch):
    monkeypatch.setattr(heartbeat, "SECONDS_BETWEEN_BEATS", 0.0)
    folder = tmp_path / "001-walk"
    folder.mkdir()
    (folder / "status.json").write_text(json.dumps({"status": "running", "host": "node-7"}))
    age(folder, 1000)
    assert silence(folder) > 900
    with heartbeat.beating(folder, lambda: None):
        wait_until(lambda: silence(folder) < 1, "a beat")
        age(folder, 1000)
        wait_until(lambda: silence(folder) < 1, "another beat")


def test_a_project_that_one_may_only_read_is_judged_by_this_clock(project, monkeypatch):
    running, folder = walk_elsewhere(project)
    running.kill()
    monkeypatch.setattr(heartbeat, "_CLOCK", "no/such/folder")
    assert silence(folder) < 5
    age(folder, 500)
    assert silence(folder) > 495

"""A job's life in a real process: done, failed, stopped, killed, resumed; never run twice at once."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from unittest.mock import Mock

import counting_job
import pytest
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.jobs import job_folder, runner
from chimerax.flexrec.jobs.job_folder import JobRun
from chimerax.flexrec.jobs.listing import job_lines
from chimerax.flexrec.jobs.progress import read_progress
from chimerax.flexrec.jobs.queue.dispatch import start_next
from chimerax.flexrec.jobs.queue.job_process import host_name, process_start
from chimerax.flexrec.jobs.queue.queue_file import Entry, locked_queue, read_queue
from chimerax.flexrec.jobs.record import Status, read_status, write_status
from chimerax.flexrec.jobs.signals import stop_on_signals
from counting_job import AFTER, COUNT, CountParameters

SCRIPT = Path(__file__).with_name("counting_job.py")


def launch(project: Path, *words: str) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, SCRIPT, project, *words], stderr=subprocess.PIPE, text=True)


def wait_for_step(folder: Path, step: int, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 60
    while not any(line["step"] >= step for line in read_progress(folder)):
        assert time.monotonic() < deadline and process.poll() is None, "the job made no progress"
        time.sleep(0.01)


@pytest.fixture
def undisturbed(tmp_path) -> int:
    """The number at which the walk of 30 steps ends when nothing happens to it."""
    folder = runner.run(COUNT, CountParameters(steps=30), tmp_path / "undisturbed", seed=7)
    return json.loads((folder / "result.json").read_text())


def test_a_killed_job_is_seen_as_stopped_and_resumes_to_the_same_numbers(tmp_path, undisturbed):
    process = launch(tmp_path, "30")
    folder = tmp_path / "001-count"
    wait_for_step(folder, 5, process)
    assert read_status(folder).status == "running"
    process.kill()
    process.communicate()
    assert json.loads((folder / "status.json").read_text())["status"] == "running"
    assert read_status(folder).status == "stopped" and "killed" in read_status(folder).error
    (folder / ".half.123.part.mrc").touch()
    with open(folder / "progress.jsonl", "a") as file:
        file.write('{"step": 6,')
    resumed = launch(tmp_path, "resume")
    assert resumed.communicate() == (None, "") and resumed.returncode == 0
    assert json.loads((folder / "result.json").read_text()) == undisturbed
    assert [line["step"] for line in read_progress(folder)] == list(range(1, 31))
    assert read_status(folder).status == "done" and not list(folder.glob(".*.part*"))
    assert "counting from 0" in (folder / "log.txt").read_text().splitlines()[0]
    assert "counting from 0" not in (folder / "log.txt").read_text().splitlines()[1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("manner", ["listening", "deaf"])
def test_a_signal_stops_a_job_that_can_then_be_resumed(tmp_path, undisturbed, number, manner):
    process = launch(tmp_path, "30", manner)
    folder = tmp_path / "001-count"
    wait_for_step(folder, 3, process)
    process.send_signal(number)
    assert process.communicate(timeout=30) == (None, "") and process.returncode == 0
    status = read_status(folder)
    assert status.status == "stopped" and status.ended and not (folder / "result.json").exists()
    runner.resume(COUNT, "1", tmp_path)
    assert json.loads((folder / "result.json").read_text()) == undisturbed


def test_forked_workers_end_when_told_but_leave_ctrl_c_to_the_job():
    told = []
    with stop_on_signals(lambda: told.append(1)):
        worker = multiprocessing.get_context("fork").Process(target=time.sleep, args=(60,))
        worker.start()
        os.kill(worker.pid, signal.SIGINT)
        worker.join(0.3)
        assert worker.is_alive()
        worker.terminate()
        worker.join(10)
    assert worker.exitcode == -signal.SIGTERM and told == []


def test_the_device_is_known_while_the_job_runs(tmp_path):
    folder = runner.create(COUNT, CountParameters(), tmp_path)
    write_status(folder, Status("running", os.getpid(), process_start(os.getpid()), host_name()))
    JobRun(folder).on_device("cpu")
    assert read_status(folder).device == "cpu" and "computing on cpu" in (folder / "log.txt").read_text()


def test_a_job_is_not_run_twice_at_once(tmp_path):
    process = launch(tmp_path, "150")
    wait_for_step(tmp_path / "001-count", 2, process)
    process.kill()
    process.communicate()
    rivals = [launch(tmp_path, "resume") for _ in range(3)]
    messages = [rival.communicate()[1] for rival in rivals]
    assert sorted(rival.returncode for rival in rivals) == [0, 2, 2]
    refused = [message for message in messages if message]
    assert all("001-count is already run by another process" in message for message in refused) and len(refused) == 2
    assert read_status(tmp_path / "001-count").status == "done"


def test_a_finished_job_is_not_resumed(tmp_path):
    folder = runner.run(COUNT, CountParameters(), tmp_path)
    with pytest.raises(InputError, match="001-count is done; there is nothing to resume"):
        runner.resume(COUNT, folder.name, tmp_path)
    with pytest.raises(InputError, match="001-count is a count job; resume it with flexrec count"):
        runner.resume(AFTER, "1", tmp_path)


def test_resuming_keeps_the_parameters(tmp_path):
    folder = runner.create(COUNT, CountParameters(steps=4), tmp_path, seed=2)
    assert runner.find_resumable(COUNT, "1", tmp_path, {"steps": 4}, seed=2) == folder
    with pytest.raises(InputError, match="began with steps 4 and keeps it"):
        runner.find_resumable(COUNT, "1", tmp_path, {"steps": 5})
    with pytest.raises(InputError, match="began with seed 2"):
        runner.find_resumable(COUNT, "1", tmp_path, {}, seed=3)


def test_a_mistake_of_the_user_is_recorded_as_its_sentence(tmp_path):
    with pytest.raises(InputError):
        runner.run(COUNT, CountParameters(kind="fail"), tmp_path)
    status = read_status(tmp_path / "001-count")
    assert (status.status, status.error) == ("failed", "volume.mrc has no density; give another map.")
    assert "Traceback" not in (tmp_path / "001-count/log.txt").read_text()


def test_a_crash_leaves_its_traceback_in_the_log(tmp_path):
    with pytest.raises(ZeroDivisionError):
        runner.run(COUNT, CountParameters(kind="crash"), tmp_path)
    status = read_status(tmp_path / "001-count")
    assert (status.status, status.error) == ("failed", "ZeroDivisionError: nothing to divide by")
    assert "Traceback" in (tmp_path / "001-count/log.txt").read_text()


def test_a_process_with_a_recycled_number_is_not_the_job(tmp_path):
    folder = runner.create(COUNT, CountParameters(), tmp_path)
    write_status(folder, Status("running", os.getpid(), "another boot:123", host_name(), started=1.0))
    assert read_status(folder).status == "stopped"
    assert job_lines(tmp_path)[0].startswith("001-count  stopped  its process ended without a word")
    runner.resume(COUNT, "1", tmp_path)
    assert read_status(folder).status == "done"


def test_a_running_job_of_this_process_is_refused(tmp_path):
    folder = runner.create(COUNT, CountParameters(), tmp_path)
    write_status(folder, Status("running", os.getpid(), process_start(os.getpid()), host_name()))
    with pytest.raises(InputError, match=f"001-count is run by process {os.getpid()} on"):
        runner.resume(COUNT, "1", tmp_path)


def test_a_job_of_another_computer_is_left_alone_while_it_writes(tmp_path):
    folder = runner.create(COUNT, CountParameters(), tmp_path)
    write_status(folder, Status("running", 12, "boot:1", "node-of-a-cluster"))
    assert read_status(folder).status == "running"
    with pytest.raises(InputError, match="run by process 12 on node-of-a-cluster"):
        runner.resume(COUNT, "1", tmp_path)
    an_hour_ago = time.time() - 3600
    os.utime(folder / "status.json", (an_hour_ago, an_hour_ago))
    runner.resume(COUNT, "1", tmp_path)
    assert read_status(folder).status == "done"


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (ModuleNotFoundError("No module named 'torch'", name="torch"), r"needs torch, .* pip install torch \(flex"),
        (OSError(errno.ENOSPC, "No space left on device"), "the disk is full; free some space"),
        (OSError(errno.EROFS, "Read-only file system", "a.mrc"), r"a\.mrc: Read-only file system; choose another"),
        (MemoryError(), "memory is too small for this count"),
    ],
)
def test_what_the_computer_lacks_is_said_in_a_sentence(tmp_path, monkeypatch, error, sentence):
    monkeypatch.setattr(counting_job, "count", Mock(side_effect=error))
    with pytest.raises(InputError, match=sentence):
        runner.run(COUNT, CountParameters(), tmp_path)
    assert read_status(tmp_path / "001-count").status == "failed"


@pytest.mark.parametrize("text", ["", "{", "[1]", "{}", '{"status": "asleep"}', '{"status": "done", "started": "x"}'])
def test_a_damaged_record_is_named(tmp_path, text):
    folder = runner.create(COUNT, CountParameters(), tmp_path)
    (folder / "status.json").write_text(text)
    with pytest.raises(InputError, match=r"001-count/status\.json"):
        runner.resume(COUNT, "1", tmp_path)
    assert "status.json" in job_lines(tmp_path)[0]
    (folder / "job.json").write_text(text)
    with pytest.raises(InputError, match=r"001-count/job\.json"):
        runner.resume(COUNT, "1", tmp_path)


def test_a_job_without_a_status_resumes(tmp_path):
    folder = runner.create(COUNT, CountParameters(), tmp_path)
    (folder / "status.json").unlink()
    assert read_status(folder).status == "stopped"
    assert read_status(runner.resume(COUNT, "1", tmp_path)).status == "done"


@pytest.mark.parametrize(
    "change", [{"parameters": []}, {"inputs": []}, {"inputs": {"before": 5}}, {"verb": ["count"]}, {"seed": "a"}]
)
def test_a_record_of_the_wrong_kind_is_named_and_holds_up_no_queue(tmp_path, change):
    folder = runner.create(COUNT, CountParameters(), tmp_path)
    record = json.loads((folder / "job.json").read_text())
    (folder / "job.json").write_text(json.dumps(record | change))
    with pytest.raises(InputError, match=rf"001-count/job\.json: {next(iter(change))} cannot be so"):
        runner.resume(COUNT, "1", tmp_path)
    with locked_queue(tmp_path) as queue:
        queue.put(Entry(folder.name, host_name()))
    start_next(tmp_path)
    assert read_status(folder).status == "failed" and not read_queue(tmp_path)


def test_a_queue_with_an_entry_that_is_no_job_is_read(tmp_path):
    folder = runner.create(COUNT, CountParameters(), tmp_path)
    (tmp_path / "queue.json").write_text('{"jobs": [{"job": 5, "host": "x"}, {"job": "001-count", "host": "x"}]}')
    assert [entry.job for entry in read_queue(tmp_path)] == [folder.name]
    assert job_lines(tmp_path) == ["001-count  queued   waits for its turn on x"]


def test_a_stop_that_python_drops_is_repeated(tmp_path, monkeypatch):
    """An exception that a signal raises in ``__del__`` is only printed."""
    monkeypatch.setattr(job_folder, "_LEAVES_IN", 0.2)

    class Dropping:
        def __del__(self):
            os.kill(os.getpid(), signal.SIGTERM)

    def deaf(parameters, job):
        Dropping()
        time.sleep(20)
        raise AssertionError("it was not stopped")

    monkeypatch.setattr(counting_job, "count", deaf)
    monkeypatch.setattr(sys, "unraisablehook", lambda dropped: None)
    assert read_status(runner.run(COUNT, CountParameters(), tmp_path)).status == "stopped"


def test_a_crash_of_several_lines_is_one_in_the_list(tmp_path, monkeypatch):
    monkeypatch.setattr(counting_job, "count", Mock(side_effect=TypeError("wrong\n  1. arguments")))
    with pytest.raises(TypeError):
        runner.run(COUNT, CountParameters(), tmp_path)
    assert job_lines(tmp_path) == ["001-count  failed   TypeError: wrong 1. arguments"]

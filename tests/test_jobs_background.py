"""Jobs that outlive whoever started them: found again, followed, stopped, resumed and cloned by other programs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import counting_program
import pytest
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.jobs import runner
from chimerax.flexrec.jobs.job_environment import worker_environment
from chimerax.flexrec.jobs.queue import background, spawn
from chimerax.flexrec.jobs.queue.job_process import host_name
from chimerax.flexrec.jobs.queue.queue_file import Entry, locked_queue, read_queue
from chimerax.flexrec.jobs.record import read_status, write_status
from counting_job import COUNT, CountParameters
from waiting_for import counting_project, flexrec, wait_for_state, wait_for_step, wait_until, worker_of

_STARTER = """
import sys, time
import counting_program
counting_program.declare()
from chimerax.flexrec.jobs.queue import background
background.submit("walk", {"steps": 200, "pause": 0.02}, sys.argv[1])
time.sleep(60)
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project folder with blanks and letters of all kinds in its name, whose processes end with the test."""
    with counting_project(tmp_path, monkeypatch, "Müllers Projekt № 2 'β'") as folder:
        yield folder


def test_a_job_survives_its_starter_and_another_program_finds_and_stops_it(project):
    starter = subprocess.Popen(
        [sys.executable, "-c", _STARTER, project], start_new_session=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    folder = project / "001-walk"
    wait_until((folder / "progress.jsonl").exists, "the job begins")
    os.killpg(starter.pid, signal.SIGKILL)
    starter.wait()
    step = background.progress(folder)["step"]
    wait_for_step(folder, step + 3)
    assert os.getpgid(worker_of(folder)) == os.getsid(worker_of(folder)) == worker_of(folder)
    assert "001-walk  running  step" in flexrec(project, "jobs").stdout
    done = flexrec(project, "stop", "1")
    assert (done.returncode, done.stdout) == (0, "001-walk stopped\n"), done.stderr
    assert read_status(folder).status == "stopped" and read_queue(project) == []
    assert "stopped after" in (folder / "log.txt").read_text()


def test_submitting_returns_at_once_with_the_name_and_the_job_ends_the_same(project, tmp_path):
    here = runner.run(COUNT, CountParameters(steps=40), tmp_path / "here", seed=3)
    done = flexrec(project, "walk", "--steps", "40", "--kind", "wait", "--seed", "3", "--background")
    assert (done.returncode, done.stdout, done.stderr) == (0, "001-walk\n", "")
    (project / "001-walk" / "go").touch()
    followed = flexrec(project, "log", "1", "--follow")
    assert followed.returncode == 0 and "done after" in followed.stdout.splitlines()[-1]
    assert (project / "001-walk/result.json").read_bytes() == (here / "result.json").read_bytes()


def test_a_job_that_does_not_answer_is_ended_with_its_children(project):
    folder = background.submit("walk", {"kind": "hang"}, project)
    wait_for_state(folder, "running")
    pid = worker_of(folder)
    # stopped by the system itself, it can answer nothing
    os.kill(pid, signal.SIGSTOP)
    done = flexrec(project, "stop", "1", "--grace", "0.3")
    assert done.stdout == "001-walk stopped\n" and "did not end within 0.3 s" in done.stderr
    assert "was ended" in (folder / "log.txt").read_text() and read_queue(project) == []


def test_a_waiting_job_is_stopped_and_the_one_behind_it_moves_up(project):
    first, second, third = (background.submit("walk", {"steps": 500, "pause": 0.02}, project) for _ in range(3))
    wait_for_step(first, 1)
    assert background.stop(second) is False and read_status(second).status == "stopped"
    with pytest.raises(InputError, match="002-walk is stopped; there is nothing to stop"):
        background.stop(second)
    assert background.stop(first) is True
    wait_for_step(third, 1)
    assert read_status(first).status == read_status(second).status == "stopped"
    background.kill(third)
    wait_for_state(third, "stopped")


def test_a_job_in_the_queue_of_another_computer_is_left_to_it_and_may_be_withdrawn(project):
    folder = runner.create(COUNT, CountParameters(), project)
    with locked_queue(project) as queue:
        queue.put(Entry(folder.name, "node-7"))
    background.start_next(project)
    assert read_status(folder).status == "queued" and background.list_jobs(project)[0].message.endswith("on node-7")
    assert background.stop(folder) is False
    assert read_status(folder).status == "stopped" and read_queue(project) == []


def test_a_job_in_a_terminal_is_stopped_from_another(project):
    command = [sys.executable, counting_program.__file__, "walk", "--steps", "500", "--pause", "0.02"]
    foreground = subprocess.Popen([*command, "--project", project], stderr=subprocess.DEVNULL)
    folder = project / "001-walk"
    wait_until((folder / "progress.jsonl").exists, "the job begins")
    assert flexrec(project, "stop", "001-walk").stdout == "001-walk stopped\n"
    assert foreground.wait(10) == 130


def test_resuming_in_the_background_ends_with_the_same_numbers(project, tmp_path):
    here = runner.run(COUNT, CountParameters(steps=60), tmp_path / "here")
    folder = background.submit("walk", {"steps": 60, "pause": 0.02}, project)
    wait_for_step(folder, 3)
    background.stop(folder)
    wait_for_state(folder, "stopped")
    assert flexrec(project, "resume", "1", "--background").stdout == "001-walk\n"
    with pytest.raises(InputError, match="001-walk is already"):
        background.resume(folder)
    wait_for_state(folder, "done")
    assert (folder / "result.json").read_bytes() == (here / "result.json").read_bytes()
    with pytest.raises(InputError, match="001-walk is done; there is nothing to resume"):
        background.resume(folder)


def test_a_clone_has_the_values_and_inputs_of_the_other_job_but_for_those_given(project):
    assert flexrec(project, "walk", "--steps", "7", "--device", "cpu", "--seed", "9").returncode == 0
    assert flexrec(project, "clone", "1", "--steps", "8").stdout == f"{project / '002-walk'}\n"
    assert flexrec(project, "clone", "2", "--device", "auto", "--seed", "1", "--background").stdout == "003-walk\n"
    records = [json.loads((project / f"00{number}-walk/job.json").read_text()) for number in (1, 2, 3)]
    assert [record["seed"] for record in records] == [9, 9, 1]
    assert [record["parameters"]["steps"] for record in records] == [7, 8, 8]
    assert [record["parameters"]["device"] for record in records] == ["cpu", "cpu", "auto"]
    flexrec(project, "after", "--count", "2")
    assert flexrec(project, "clone", "4").returncode == 0
    assert json.loads((project / "005-after/job.json").read_text())["inputs"] == {"count": "002-walk"}
    cloned = background.clone(project / "001-walk", {"steps": 2})
    wait_for_state(cloned, "done")
    refused = flexrec(project, "clone", "1", "--stepz", "8")
    assert refused.returncode == 2 and refused.stderr.count("\n") == 1 and "--stepz" in refused.stderr
    assert cloned.name == "006-walk" and not (project / "007-walk").exists()


def test_a_failure_is_a_sentence_that_says_what_to_lower(project):
    folder = background.submit("walk", {"kind": "memory"}, project)
    wait_for_state(folder, "failed")
    assert "clone the job with --batch-size 32 (half of 64)" in read_status(folder).error
    followed = flexrec(project, "log", "1", "--follow")
    assert followed.returncode == 1 and "the GPU's memory is too small for this walk" in followed.stderr


def test_what_is_missing_when_the_job_begins_is_said(project, tmp_path):
    data = tmp_path / "data.star"
    data.touch()
    blocker = background.submit("walk", {"steps": 1000, "pause": 0.02}, project)
    folder = background.submit("count", {"start_from": data}, project)
    data.unlink()
    wait_for_step(blocker, 1)
    background.stop(blocker)
    wait_for_state(folder, "failed")
    assert "start_from: there is no" in read_status(folder).error


def test_a_python_that_cannot_be_started_is_said(project):
    folder = background.submit("walk", {}, project, python=project / "no-python")
    assert read_status(folder).status == "failed" and "could not be started" in read_status(folder).error
    assert read_queue(project) == []


def test_a_worker_that_cannot_even_begin_is_said(project, monkeypatch):
    monkeypatch.setattr(spawn, "WORKER", ("-c", "raise SystemExit('no FlexRec here')"))
    folder = background.submit("walk", {}, project)
    wait_until(lambda: background.start_next(project) or read_status(folder).status == "failed", "it is noticed")
    assert "output.txt may say why" in read_status(folder).error
    assert "no FlexRec here" in (folder / "output.txt").read_text()


def test_the_log_is_read_in_whole_lines_from_where_it_was_left(project):
    folder = runner.create(COUNT, CountParameters(), project)
    assert background.log(folder) == ("", 0)
    (folder / "log.txt").write_text("Ångström\nhalf a li", encoding="utf-8")
    text, offset = background.log(folder)
    assert text == "Ångström\n" and background.log(folder, offset) == ("", offset)


def test_following_a_job_that_is_in_no_queue_ends(project):
    runner.create(COUNT, CountParameters(), project)
    followed = flexrec(project, "log", "1", "--follow")
    assert followed.returncode == 130 and "001-count is not in the queue; start it with" in followed.stderr


def test_an_old_request_to_stop_does_not_stop_a_resumed_job(project):
    folder = runner.create(COUNT, CountParameters(), project)
    (folder / ".stop").touch()
    runner.start(COUNT, folder)
    assert read_status(folder).status == "done"


def test_a_request_to_stop_by_file_is_heard(project):
    folder = background.submit("walk", {"steps": 1000, "pause": 0.01}, project)
    wait_for_step(folder, 2)
    (folder / ".stop").touch()
    wait_for_state(folder, "stopped")


def test_the_environment_is_a_list_and_nothing_of_chimerax_is_in_it():
    around = {
        "HOME": "/home/me", "PATH": "/bin", "LC_ALL": "C", "OMP_NUM_THREADS": "4", "CUDA_VISIBLE_DEVICES": "2,5",
        "OPENBLAS_NUM_THREADS": "1", "SSL_CERT_FILE": "x", "QT_PLUGIN_PATH": "x", "DYLD_LIBRARY_PATH": "x",
        "PYTHONHOME": "x", "PYTHONPATH": "/mine", "LD_LIBRARY_PATH": "/cuda",
    }  # fmt: skip
    kept = {name: around[name] for name in ("HOME", "PATH", "LC_ALL", "OMP_NUM_THREADS")}
    own = {"PYTHONUTF8": "1", "CUDA_DEVICE_ORDER": "PCI_BUS_ID", "FLEXREC_GPUS": "2,5"}
    assert worker_environment("/other/python", "5", around) == kept | own | {"CUDA_VISIBLE_DEVICES": "5"}
    same = {"PYTHONPATH": "/mine", "LD_LIBRARY_PATH": "/cuda"}
    of_all = worker_environment(sys.executable, None, around)
    assert of_all == kept | own | same | {"CUDA_VISIBLE_DEVICES": "2,5"}
    # the worker on GPU 5 starts the next job, which is to see GPU 2
    assert worker_environment("/other/python", "2", worker_environment("/other/python", "5", around)) == kept | own | {
        "CUDA_VISIBLE_DEVICES": "2"
    }


def test_a_worker_has_that_environment_no_input_and_its_output_in_the_folder(project, monkeypatch):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    show = "import os, sys; passed = 'OPENBLAS_NUM_THREADS' in os.environ; "
    show += "print(sys.stdin.read() == '', passed, os.getpid() == os.getsid(0))"
    monkeypatch.setattr(spawn, "WORKER", ("-c", show))
    folder = background.submit("walk", {}, project)
    wait_until(lambda: (folder / "output.txt").read_text() == "True False True\n", "the worker says what it has")


def test_threads_of_one_program_take_turns_at_the_queue(project):
    def add(number: int) -> None:
        with locked_queue(project) as queue:
            queue.put(Entry(f"{number:03d}-count", "elsewhere"))

    threads = [threading.Thread(target=add, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(read_queue(project)) == 20


def test_a_clock_that_is_set_back_makes_no_negative_times(project):
    folder = runner.create(COUNT, CountParameters(), project)
    status = read_status(folder)
    write_status(folder, type(status)("done", host=host_name(), started=2e9, ended=1e9))
    assert background.list_jobs(Path(project))[0].seconds == 0

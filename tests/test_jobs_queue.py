"""The queue: one job per device, first in first out, inputs first; and a list that is read in no time."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.jobs import runner
from chimerax.flexrec.jobs.failure_sentences import as_input_error
from chimerax.flexrec.jobs.job_folder import JobRun
from chimerax.flexrec.jobs.progress import last_progress, read_progress
from chimerax.flexrec.jobs.queue import background, slots
from chimerax.flexrec.jobs.queue.dispatch import asked_device
from chimerax.flexrec.jobs.queue.job_process import host_name, process_start
from chimerax.flexrec.jobs.queue.queue_file import Entry, Queue, read_queue
from chimerax.flexrec.jobs.queue.slots import choose_slot, only_gpu, visible_gpus
from chimerax.flexrec.jobs.record import Status, read_record, read_status, write_status
from counting_job import WALK, CountParameters, WalkParameters
from waiting_for import counting_project, flexrec, wait_for_state, wait_for_step, wait_until


@pytest.fixture
def project(tmp_path, monkeypatch):
    """An empty project on a computer without a GPU, whose processes end with the test."""
    monkeypatch.setenv("FLEXREC_GPUS", "")
    with counting_project(tmp_path, monkeypatch) as folder:
        yield folder


def test_first_in_first_out_one_at_a_time(project):
    folders = [background.submit("walk", {"steps": 5, "pause": 0.01}, project) for _ in range(4)]
    waiting = [state.message for state in background.list_jobs(project)]
    assert waiting[3] == "waits for its turn"
    for folder in folders:
        wait_for_state(folder, "done")
    times = [(read_status(folder).started, read_status(folder).ended) for folder in folders]
    assert all(before[1] <= after[0] for before, after in zip(times, times[1:]))


def test_every_gpu_has_a_slot_and_the_processors_one(project, monkeypatch):
    monkeypatch.setenv("FLEXREC_GPUS", "3,5")
    devices = ["auto", "auto", "auto", "cpu", "cuda:1"]
    values = {"steps": 10000, "pause": 0.01}
    folders = [background.submit("walk", {**values, "device": device}, project) for device in devices]
    entries = {entry.job: entry for entry in read_queue(project)}
    assert [entries[folder.name].slot for folder in folders] == ["cuda:0", "cuda:1", None, "cpu", None]
    if sys.platform.startswith("linux"):
        wait_for_state(folders[1], "running")
        around = Path(f"/proc/{entries[folders[1].name].pid}/environ").read_text().split("\0")
        assert "CUDA_VISIBLE_DEVICES=5" in around and "FLEXREC_GPUS=3,5" in around
    # the worker on the second GPU ends and hands it to the next in line; it knows of both
    wait_for_state(folders[0], "running")
    background.stop(folders[0])
    wait_for_state(folders[2], "running")
    assert {entry.job: entry.slot for entry in read_queue(project)}[folders[2].name] == "cuda:0"
    assert background.list_jobs(project)[2].device == "cuda:0"


@pytest.mark.parametrize(
    ("device", "taken", "gpus", "slot", "shown"),
    [
        (None, (), ("0",), "cpu", None),
        (None, ("cpu",), ("0",), None, None),
        ("auto", (), (), "cpu", None),
        ("auto", ("cuda:0",), ("0", "7"), "cuda:1", "7"),
        ("cuda", ("cuda:0",), ("0", "7"), None, None),
        ("cuda:1", ("cuda:0",), ("0", "7"), "cuda:1", None),
        ("cpu", ("cuda:0",), ("0",), "cpu", None),
        ("cuda:0+cuda:1", ("cpu",), ("0", "7"), "cuda:0+cuda:1", None),
        ("cuda:0+cuda:1", ("cuda:1",), ("0", "7"), None, None),
        ("cpu+cpu", (), (), "cpu+cpu", None),
        ("cpu+cpu", ("cpu",), (), None, None),
    ],
)
def test_the_device_decides_the_slot(device, taken, gpus, slot, shown):
    assert choose_slot(device, taken, gpus) == slot
    assert slot is None or only_gpu(device, slot, gpus) == shown


@pytest.mark.parametrize(
    ("parameters", "device"),
    [({"device": "auto", "devices": ["0", "cuda:2"]}, "cuda:0+cuda:2"), ({"device": "cpu", "devices": []}, "cpu"),
     ({"device": "auto", "devices": ["1"]}, "cuda:1"), ({"steps": 3}, None)],
)  # fmt: skip
def test_a_job_on_several_devices_asks_for_all_of_them(tmp_path, parameters, device):
    folder = tmp_path / "001-train"
    folder.mkdir()
    (folder / "job.json").write_text(json.dumps({"verb": "train", "parameters": parameters, "inputs": {}, "seed": 0}))
    assert asked_device(folder) == device


def test_gpus_are_counted_without_torch(monkeypatch):
    assert visible_gpus({"CUDA_VISIBLE_DEVICES": "1,GPU-abc,-1,2"}) == ("1", "GPU-abc")
    assert visible_gpus({"CUDA_VISIBLE_DEVICES": ""}) == () == visible_gpus({"CUDA_VISIBLE_DEVICES": "-1"})
    assert visible_gpus({"CUDA_VISIBLE_DEVICES": "1", "FLEXREC_GPUS": "0,1"}) == ("0", "1")
    listed = "GPU 0: NVIDIA H200 (UUID: GPU-1)\nGPU 1: NVIDIA H200 (UUID: GPU-2)\n"
    monkeypatch.setattr(slots.shutil, "which", lambda name: "/bin/nvidia-smi")
    done = subprocess.CompletedProcess([], 0, listed)
    monkeypatch.setattr(slots.subprocess, "run", lambda *words, **options: done)
    assert slots._count_by_tool() == 2


def test_a_job_waits_for_its_input_and_lets_others_pass(project, monkeypatch):
    monkeypatch.setenv("FLEXREC_GPUS", "0")
    walk = background.submit("walk", {"steps": 60, "pause": 0.02, "device": "auto"}, project)
    after = background.submit("after", {}, project)
    assert read_record(after)["inputs"] == {"count": walk.name}
    other = background.submit("walk", {"steps": 1, "device": "cpu"}, project)
    wait_for_state(other, "done")
    assert background.list_jobs(project)[1].message == "waits for 001-walk"
    wait_for_state(after, "done")
    assert read_status(after).started >= read_status(walk).ended


def test_a_job_whose_input_failed_fails_with_a_sentence(project):
    walk = background.submit("walk", {"kind": "fail"}, project)
    after = background.submit("after", {"count": "1"}, project)
    wait_for_state(after, "failed")
    assert read_status(after).error == (
        "002-after needs 001-walk, which has failed (volume.mrc has no density; give another map); resume that one "
        "first, then this one."
    )
    assert read_status(walk).status == "failed"
    wait_until(lambda: read_queue(project) == [], "the queue is empty")


def test_projects_take_turns_at_a_device(project):
    other = project / "other"
    first = background.submit("walk", {"steps": 10000, "pause": 0.01}, other)
    wait_for_step(first, 1)
    second, third = (background.submit("walk", {"steps": 3}, project) for _ in range(2))
    wait_until(lambda: "waiting: a job of another project" in background.log(second)[0], "it says that it waits")
    assert background.list_jobs(project)[0].message == "starts when no other project computes on its device"
    background.stop(second)
    wait_for_state(second, "stopped")
    background.stop(first)
    wait_for_state(third, "done")
    assert read_status(third).started >= read_status(first).ended


def test_an_output_that_is_still_to_come_may_be_an_input(project):
    walk = background.submit("walk", {"steps": 40, "pause": 0.02}, project)
    promised = walk / "result.json"
    count = background.submit("count", {"start_from": promised}, project)
    assert background.list_jobs(project)[1].message == "waits for 001-walk"
    wait_for_state(count, "done")
    with pytest.raises(InputError, match="start_from: there is no"):
        background.submit("count", {"start_from": walk / "other.json"}, project)


def test_in_a_terminal_only_finished_jobs_are_taken(project):
    background.submit("walk", {"kind": "hang"}, project)
    with pytest.raises(InputError, match="after needs a finished count or walk job"):
        runner.create(*_after(), project)


def _after():
    from counting_job import AFTER

    return AFTER, AFTER.build({})


def test_a_wrong_value_queues_nothing(project):
    with pytest.raises(InputError, match="steps is 0"):
        background.submit("walk", {"steps": 0}, project)
    refused = flexrec(project, "after", "--background")
    assert refused.returncode == 2 and refused.stderr.count("\n") == 1 and list(project.iterdir()) == []


def test_fifty_jobs_are_listed_from_disk_in_no_time(project):
    running = Status("running", 1, process_start(1), host_name(), started=time.time())
    queue = Queue(project, [])
    for number in range(50):
        folder = runner.create(WALK, WalkParameters(steps=10000), project)
        line = {"step": 5000, "total": 10000, "time": 0, "eta": 61.0, "images_per_second": 812.5}
        (folder / "progress.jsonl").write_text((json.dumps(line) + "\n") * 10000)
        if number % 2:
            write_status(folder, running)
        else:
            queue.put(Entry(folder.name, host_name()))
    queue.save()
    times = []
    for _ in range(3):
        began = time.perf_counter()
        states = background.list_jobs(project)
        times.append(time.perf_counter() - began)
    assert len(states) == 50 and min(times) < 0.2
    assert {state.state for state in states} == {"running", "queued"}
    assert states[1].eta == 61.0 and states[1].images_per_second == 812.5 and states[1].progress["step"] == 5000


def test_the_end_of_the_progress_file_says_what_the_whole_says(tmp_path):
    assert last_progress(tmp_path) is None
    job = JobRun(tmp_path)
    for step in range(1, 400):
        job.progress(step, 400, loss=1 / step)
    with open(tmp_path / "progress.jsonl", "a") as file:
        file.write('{"step": 400, "tot')
    assert (tmp_path / "progress.jsonl").stat().st_size > 16384
    assert last_progress(tmp_path) == read_progress(tmp_path)[-1]


def test_too_little_gpu_memory_names_what_to_lower():
    class OutOfMemoryError(RuntimeError):
        pass

    for error in (OutOfMemoryError("tried to allocate 2 GiB"), RuntimeError("CUBLAS_STATUS_ALLOC_FAILED")):
        said = str(as_input_error(error, "train", WalkParameters(batch_size=48)))
        assert "clone the job with --batch-size 24 (half of 48)" in said
    assert "--device cpu" in str(as_input_error(OutOfMemoryError(), "train", WalkParameters(batch_size=1)))
    assert "smaller box" in str(as_input_error(OutOfMemoryError(), "count", CountParameters()))
    assert as_input_error(RuntimeError("shapes do not match"), "train", WalkParameters()) is None


_NO_ROOM = """
import resource, psutil
from chimerax.flexrec.jobs.failure_sentences import as_input_error
room = psutil.Process().memory_info().vms + 1_000_000
resource.setrlimit(resource.RLIMIT_AS, (room, -1))
try:
    import gemmi
except Exception as error:
    print(type(error).__name__, as_input_error(error, "mesh"))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits the memory of a process by RLIMIT_AS")
def test_a_library_that_finds_no_room_is_too_little_memory():
    done = subprocess.run([sys.executable, "-c", _NO_ROOM], capture_output=True, text=True, timeout=60)
    assert done.stdout.startswith("ImportError the computer's memory is too small for this mesh;"), done.stderr
    forbidden = ImportError("/x/y.so: failed to map segment from shared object: Operation not permitted")
    assert as_input_error(forbidden, "mesh") is None


def test_a_damaged_queue_file_is_begun_anew(project):
    (project / "queue.json").write_text("{")
    folder = background.submit("walk", {"steps": 3}, project)
    wait_for_step(folder, 3)
    wait_for_state(folder, "done")

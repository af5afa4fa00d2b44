"""How long it takes to list the jobs of a project, queued, running and done: a table with one row per size."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from chimerax.flexrec.jobs.project import new_job_folder
from chimerax.flexrec.jobs.queue import background
from chimerax.flexrec.jobs.queue.job_process import host_name, process_start
from chimerax.flexrec.jobs.queue.queue_file import Entry, Queue
from chimerax.flexrec.jobs.record import DONE, QUEUED, RUNNING, Status, write_status

LINES = 20000  # of progress.jsonl: three hours of training at two a second
REPEATS = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, nargs="+", default=[10, 50, 200], help="projects of so many jobs")
    print(f"{'jobs':>5} {'progress lines each':>20} {'list_jobs':>12} {'flexrec jobs':>14}")
    for count in parser.parse_args().jobs:
        with tempfile.TemporaryDirectory(prefix="flexrec-jobs-") as folder:
            make_project(Path(folder), count)
            listed = best(background.list_jobs, Path(folder))
            printed = best(print_list, folder)
        print(f"{count:5d} {LINES:20d} {1000 * listed:9.1f} ms {1000 * printed:11.1f} ms", flush=True)


def make_project(project: Path, count: int) -> None:
    """Jobs by turns done, running (as far as the list can tell) and queued, each with a long progress file."""
    queue = Queue(project, [])
    line = json.dumps(
        {"step": 640000, "total": 1000000, "time": 1.7e9, "eta": 4210.5, "stage": "128 pixels", "epoch": 6.4,
         "images_per_second": 812.5, "misfit": 8123.25, "amplitude": 4.5, "energy": 0.001}
    )  # fmt: skip
    me = os.getpid()
    for number in range(count):
        record = {"verb": "train", "parameters": {"device": "auto"}, "inputs": {"mesh": "001-train"}, "seed": 0}
        folder = new_job_folder(project, record)
        (folder / "progress.jsonl").write_text((line + "\n") * LINES)
        state = (DONE, RUNNING, QUEUED)[number % 3]
        write_status(folder, Status(state, me, process_start(me), host_name(), started=time.time(), ended=time.time()))
        if state == QUEUED:
            queue.put(Entry(folder.name, host_name()))
    queue.put(Entry("001-train", host_name(), "cpu", me, process_start(me)))
    queue.save()


def print_list(project: str) -> None:
    """The command, in a program of its own."""
    words = [sys.executable, "-m", "chimerax.flexrec.cli", "jobs", "--project", project]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)


def best(work: Callable, *words: object) -> float:
    """The shortest time in seconds of a few runs."""
    times = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        work(*words)
        times.append(time.perf_counter() - began)
    return min(times)


if __name__ == "__main__":
    main()

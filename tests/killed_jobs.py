"""Killing a job at random moments, and what must hold afterwards."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

from chimerax.flexrec.jobs import runner
from chimerax.flexrec.jobs.progress import read_progress
from chimerax.flexrec.jobs.queue import background
from chimerax.flexrec.jobs.queue.job_process import process_start
from chimerax.flexrec.jobs.queue.queue_file import read_queue
from chimerax.flexrec.jobs.record import read_status
from counting_job import WALK, WalkParameters
from waiting_for import wait_until

STEPS, PAUSE = 150, 0.004
WINDOWS = (0.1, 0.35, 1.1)  # of the time that a whole job takes: its start, its first steps, to beyond its end


def unbroken(project: Path) -> bytes:
    """The result of the walk when nothing happens to it."""
    folder = runner.run(WALK, WalkParameters(steps=STEPS), project, seed=7)
    return (folder / "result.json").read_bytes()


def seconds_of_a_job(project: Path) -> float:
    """How long a job that nothing happens to takes in the background, which depends on what else the computer does."""
    began = time.monotonic()
    folder = background.submit("walk", {"steps": STEPS, "pause": PAUSE}, project, seed=7)
    wait_until(lambda: _done(folder), f"{folder} is done")
    return time.monotonic() - began


def kill_and_resume(project: Path, kills: int, dice: random.Random, wanted: bytes) -> Counter:
    """Kill the worker of one job so many times, another job waiting behind it; the moments that were hit.

    ``AssertionError`` if a file is half-written, the queue stands still, or the job does not end with ``wanted``.
    """
    moments: Counter = Counter()
    values = {"steps": STEPS, "pause": PAUSE}
    whole = seconds_of_a_job(project)
    folder = background.submit("walk", values, project, seed=7)
    behind = background.submit("walk", {"steps": 2}, project)
    for _ in range(kills):
        moments[_kill(folder, whole * dice.uniform(0, dice.choice(WINDOWS)))] += 1
        check_whole(project)
        _go_on(folder)
    wait_until(lambda: _done(folder) and _done(behind), f"{folder} and {behind} are done: {read_status(folder)}")
    check_whole(project)
    assert (folder / "result.json").read_bytes() == wanted, f"{folder} ended with another result"
    # a kill between a checkpoint and its line leaves that line out, and nothing else
    steps = [line["step"] for line in read_progress(folder)]
    assert steps == sorted(set(steps)) and len(steps) >= STEPS - kills, steps
    left = [path for path in folder.iterdir() if ".part" in path.name]
    assert not left or moments["after it ended"], left
    wait_until(lambda: background.start_next(project) or not read_queue(project), "the queue is empty")
    return moments


def _kill(folder: Path, seconds: float) -> str:
    """Kill the job's worker after a time, and say what it was doing."""
    wait_until(lambda: background.start_next(folder.parent) or _worker(folder) or _done(folder), "its turn comes")
    pid = _worker(folder)
    time.sleep(seconds)
    if pid is not None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: process_start(pid) is None, "the process is gone")
    state = json.loads((folder / "status.json").read_text())["status"]
    return {"queued": "before it began", "running": "while it ran"}.get(state, "after it ended")


def _worker(folder: Path) -> int | None:
    return next((entry.pid for entry in read_queue(folder.parent) if entry.job == folder.name), None)


def _done(folder: Path) -> bool:
    background.start_next(folder.parent)
    return read_status(folder).status == "done"


def _go_on(folder: Path) -> None:
    background.start_next(folder.parent)
    if read_status(folder).status != "done":
        background.resume(folder)


def check_whole(project: Path) -> None:
    """Every JSON file is whole, and of progress.jsonl every line but the last."""
    for path in project.rglob("*.json"):
        if ".part" not in path.name:
            json.loads(path.read_text())
    for path in project.rglob("progress.jsonl"):
        for line in path.read_text().split("\n")[:-1]:
            json.loads(line)

"""The terminal commands that look at jobs and stop them."""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import suppress
from itertools import count
from pathlib import Path

from ..actions.queue_actions import JobName, Log, Project, Stop
from ..errors import InputError
from ..jobs.listing import job_lines
from ..jobs.queue import background
from ..jobs.queue.end_process import other_computer
from ..jobs.queue.queue_file import read_queue
from ..jobs.queue.waiting import is_pending
from ..jobs.record import DONE, FAILED, QUEUED, is_silent, read_status
from .job_commands import (
    EXIT_FAILED,
    EXIT_STOPPED,
    chosen_job,
    complain,
    existing_project,
)

_GLANCE = 0.2  # seconds between two looks at a job that is followed or told to stop
_LOOKS = 50  # of them between two looks at the sign of life of a job on another computer


def show_jobs(chosen: argparse.Namespace, _: Project) -> int:
    """``flexrec jobs``."""
    project = existing_project(chosen.project)
    with suppress(OSError, InputError):  # a project that one may only read is listed all the same
        background.start_next(project)
    print("\n".join(job_lines(project)) or "no jobs yet")
    return 0


def show_log(chosen: argparse.Namespace, asked: Log) -> int:
    """``flexrec log JOB``."""
    folder, offset, warned = chosen_job(chosen), 0, False
    for look in count():
        # looked at before the text, so that the last lines of a job that ends are not missed
        goes_on = asked.follow and is_pending(folder, read_queue(folder.parent))
        text, offset = background.log(folder, offset)
        print(text, end="", flush=True)
        if not goes_on:
            return _follow_end(folder) if asked.follow else 0
        if not warned and look % _LOOKS == 0 and is_silent(folder):
            warned = complain(f"{folder.name} gives no sign of life; flexrec jobs tells more.", True)
        with suppress(OSError, InputError):
            background.start_next(folder.parent)
        time.sleep(_GLANCE)


def write_report(chosen: argparse.Namespace, _: JobName) -> int:
    """``flexrec report JOB``."""
    from ..jobs.reports import write_report as reports

    path, page = reports.write_report(chosen_job(chosen))
    print(f"flexrec: {page.sentence}", file=sys.stderr)
    print(path)
    return 0


def _follow_end(folder: Path) -> int:
    """The exit status with which the job itself would have ended."""
    status = read_status(folder)
    if status.status == FAILED:
        return complain(f"{folder.name} failed: {status.error}", EXIT_FAILED)
    if status.status == QUEUED:
        return complain(f"{folder.name} is not in the queue; start it with flexrec resume {folder.name}.", EXIT_STOPPED)
    return 0 if status.status == DONE else complain(f"{folder.name} is stopped.", EXIT_STOPPED)


def stop_job(chosen: argparse.Namespace, asked: Stop) -> int:
    """``flexrec stop JOB``: ask, wait as long as was said, end it."""
    folder = chosen_job(chosen)
    host = other_computer(folder)
    stopping = background.stop(folder)
    if stopping and host is not None:
        complain(f"{folder.name} runs on {host} and is asked to stop there", 0)
    if stopping and not _ended(folder, 0 if is_silent(folder) else asked.grace):
        if host is None:
            complain(f"{folder.name} did not end within {asked.grace:g} s and is ended now", EXIT_STOPPED)
        background.kill(folder)
        _ended(folder, 10.0)
    background.start_next(folder.parent)
    print(f"{folder.name} {read_status(folder).status}")
    return 0


def _ended(folder: Path, seconds: float) -> bool:
    """Whether the job's process ends in that time."""
    deadline = time.monotonic() + seconds
    while not background.has_ended(folder):
        if time.monotonic() > deadline:
            return False
        time.sleep(min(_GLANCE, 0.05))
    return True


FUNCTIONS = {"jobs": show_jobs, "log": show_log, "report": write_report, "stop": stop_job}

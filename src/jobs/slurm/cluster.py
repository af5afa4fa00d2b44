"""Jobs that a cluster's scheduler runs: given to it, looked after, stopped.

Such a job stands in the project's queue, so that other jobs may wait for it, but the queue never starts it.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from ...atomic import atomic_path
from ...errors import InputError
from ..job_folder import append_log
from ..project import job_verb
from ..queue.dispatch import asked_device, end_unseen, put_in
from ..queue.heartbeat import silence
from ..queue.job_process import host_name
from ..queue.queue_file import Entry, locked_queue, read_queue
from ..queue.slots import CPU, parts_of
from ..queue.waiting import blocking_job, input_jobs
from ..record import (
    DONE,
    FAILED,
    QUEUED,
    RUNNING,
    STOPPED,
    Status,
    read_json,
    read_status,
    recorded_status,
    write_json,
    write_status,
)
from . import slurm_programs
from .batch_script import fill_template, read_template, settings_of_job

SCRIPT, RECORD = "slurm.sh", "slurm.json"
_QUIET_SECONDS = 60.0  # a shared file system may show a job's last words late
_LOOK_SECONDS = 15.0  # between two questions to the scheduler by one process
_looked: dict[Path, float] = {}


@dataclass(frozen=True)
class Submission:
    """How jobs are given to a cluster: the user's template (None: the built-in one) and what to put in its fields.

    A setting ``train.time`` is of train jobs alone. ``several``: the settings are those of jobs of several verbs, and
    of no concern to one that has no use for them.
    """

    template: Path | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    several: bool = False


def submit(folder: Path, how: Submission, python: Path | str | None = None) -> str:
    """Give a job to Slurm and return its id there; ``InputError`` leaves everything as it was."""
    python = str(python or sys.executable)
    script = batch_script(folder, how, python)
    was = recorded_status(folder)
    put_in(Entry(folder.name, host_name(), cluster="slurm"), folder)
    try:
        after = _scheduled_inputs(folder)
        with atomic_path(folder / SCRIPT) as temporary:
            temporary.write_text(script, encoding="utf-8")
        job = slurm_programs.submit(folder / SCRIPT, folder, python, after)
    except BaseException:
        _take_back(folder, was)
        raise
    _note(folder, job)
    return job


def batch_script(folder: Path, how: Submission, python: Path | str | None = None) -> str:
    """What a node shall run for a job; ``InputError`` for a mistake in the template or the settings."""
    where = str(how.template or "the built-in template")
    text = read_template(how.template)
    settings = settings_of_job(job_verb(folder), how.settings, how.several)
    # a job that computes on GPUs by itself wants as many as it names, or one, unless it was told otherwise
    wanted = [part for part in parts_of(asked_device(folder) or CPU) if part != CPU]
    gpus = {"gpus": str(len(wanted))} if wanted and "{gpus}" in text else {}
    return fill_template(text, where, folder, str(python or sys.executable), {**gpus, **settings})


def _scheduled_inputs(folder: Path) -> list[str]:
    """The scheduler's ids of the jobs that this one waits for."""
    queue = read_queue(folder.parent)
    blocking_job(folder, queue)
    entries = {entry.job: entry for entry in queue}
    scheduled = []
    for other in input_jobs(folder):
        if recorded_status(other).status == DONE:
            continue
        entry = entries.get(other.name)
        if entry is None or not entry.cluster_job:
            raise InputError(
                f"{folder.name} needs {other.name}, which is not done and not on slurm; wait for it, or give it to "
                "slurm too."
            )
        scheduled.append(entry.cluster_job)
    return scheduled


def _take_back(folder: Path, was: Status) -> None:
    with suppress(InputError, OSError), locked_queue(folder.parent) as queue:
        queue.drop(folder.name)
        write_status(folder, was)
        (folder / SCRIPT).unlink(missing_ok=True)


def _note(folder: Path, job: str) -> None:
    """Record the scheduler's id. The job may be at work by now, or even be done."""
    with locked_queue(folder.parent) as queue:
        entry = queue.find(folder.name)
        if entry is not None:
            queue.change(entry, cluster_job=job)
    number, _, cluster = job.partition(";")
    record = {"job": number, "cluster": cluster or None, "script": SCRIPT, "submitted": round(time.time(), 3)}
    write_json(folder / RECORD, record)
    append_log(folder, f"given to slurm as job {number}")


def entry_on_cluster(folder: Path) -> Entry | None:
    """The queue's entry of a job that a scheduler has; None for every other job."""
    entries = read_queue(folder.parent)
    return next((entry for entry in entries if entry.job == folder.name and entry.cluster), None)


def claim_again(folder: Path) -> None:
    """In a job that Slurm started anew (it was preempted, or its node failed): put it back in the project's queue."""
    job = os.environ.get("SLURM_JOB_ID", "")
    if not job or os.environ.get("SLURM_RESTART_COUNT", "0") == "0":
        return
    with locked_queue(folder.parent) as queue:
        given = read_json(folder / RECORD) or {}
        if queue.find(folder.name) is None and given.get("job") == job and recorded_status(folder).status != DONE:
            name = ";".join(filter(None, (job, given.get("cluster"))))
            queue.put(Entry(folder.name, host_name(), cluster="slurm", cluster_job=name))


def update_states(project: Path, now: bool = False) -> None:
    """Take note of jobs that the scheduler no longer knows and that did not say how they ended.

    Asks at most every few seconds, unless it must be ``now``.
    """
    given = {entry.cluster_job: entry for entry in read_queue(project) if entry.cluster_job}
    if not given or not (now or time.monotonic() - _looked.get(project, -_LOOK_SECONDS) >= _LOOK_SECONDS):
        return
    _looked[project] = time.monotonic()
    for job, state in slurm_programs.ended_jobs(given).items():
        with locked_queue(project) as queue:
            entry = queue.find(given[job].job)
            if entry is not None and entry.cluster_job == job and _close(project / entry.job, entry, state):
                queue.drop(entry.job)


def _close(folder: Path, entry: Entry, state: str) -> bool:
    """Write the end of a job that did not do so itself; False if its own word may still come."""
    if not folder.is_dir():
        return True
    with suppress(InputError):
        status = recorded_status(folder).status
        if status not in (QUEUED, RUNNING):
            return True
        if status == QUEUED and (lacks := _lacks(folder)):
            end_unseen(folder, FAILED, lacks)
            return True
        gone = read_status(folder).status != status  # its process was of this computer
        if state in ("", "COMPLETED") and not (gone or entry.stop) and silence(folder) < _QUIET_SECONDS:
            return False
        end_unseen(folder, STOPPED, _end_text(entry, state, status), shown=True)
    return True


def _lacks(folder: Path) -> str | None:
    """The sentence that names the job for whose sake Slurm took this one out, if it did."""
    try:
        blocking_job(folder, read_queue(folder.parent))
    except InputError as error:
        return str(error)
    return None


def _end_text(entry: Entry, state: str, status: str) -> str:
    number = (entry.cluster_job or "").partition(";")[0]
    why = f" ({state})" if state else ""
    if status == QUEUED:
        return f"slurm's job {number} ended{why} before the job began; output.txt may say why"
    return f"slurm's job {number} ended without a word{why}"


def stop(folder: Path) -> bool:
    """Stop a job that a scheduler has: one that waits at once; True if one that runs was asked to end."""
    update_states(folder.parent, now=True)
    with locked_queue(folder.parent) as queue:
        entry = queue.find(folder.name)
        if entry is None:
            return False
        queue.change(entry, stop=True)  # a worker that starts now finds that it is not wanted
        runs = recorded_status(folder).status == RUNNING
    if runs:
        _call_scheduler(slurm_programs.ask_to_end, entry)
        return True
    _call_scheduler(slurm_programs.cancel, entry)
    with locked_queue(folder.parent) as queue:
        queue.drop(folder.name)
        if recorded_status(folder).status == QUEUED:
            end_unseen(folder, STOPPED, "stopped before it began")
    return False


def kill(entry: Entry) -> None:
    """End a job at once."""
    _call_scheduler(slurm_programs.cancel, entry)


def _call_scheduler(do: Callable[[str], None], entry: Entry) -> None:
    if entry.cluster_job:
        do(entry.cluster_job)

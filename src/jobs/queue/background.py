"""Jobs in the background, for whoever shows them to a person. Nothing here blocks.

A job is named by its folder; ``project.find_job_folder`` finds the one that a user means.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from ...errors import InputError
from .. import runner
from ..inputs import join_record
from ..listing import JobState, list_jobs
from ..progress import last_progress
from ..record import DONE, QUEUED, read_record, read_status
from ..registry import find_job
from ..slurm import cluster
from ..slurm.cluster import Submission
from . import dispatch
from .dispatch import enqueue, withdraw
from .end_process import ask_from_afar, ask_to_stop, end_group, other_computer, running_process
from .waiting import is_done_or_pending

__all__ = [
    "JobState", "Submission", "check", "clone", "cloned_values", "has_ended", "kill", "list_jobs", "log", "progress",
    "refuse_on_cluster", "resubmit_to_cluster", "resume", "start_next", "stop", "submit", "submit_to_cluster",
]  # fmt: skip


def submit(
    verb: str, values: Mapping[str, Any], project: Path | str, seed: int = 0, python: Path | str | None = None
) -> Path:
    """Make a new job and queue it; returns its folder at once. It starts when its slot is free and its inputs are done.

    ``values`` are its parameters by name. A job that was left out among them is the newest one that is done, running or
    queued. ``python`` is the Python that runs it (this one if None). ``InputError``, and no folder, for a mistake.
    """
    job = find_job(verb)
    folder = runner.create(job, job.build(values), Path(project), seed, is_done_or_pending)
    enqueue(folder, python)
    return folder


def submit_to_cluster(
    verb: str, values: Mapping[str, Any], project: Path | str, seed: int, how: Submission, python: str | None = None
) -> Path:
    """Make a new job and give it to a cluster; ``InputError``, and no folder, if that does not work."""
    job = find_job(verb)
    folder = runner.create(job, job.build(values), Path(project), seed, is_done_or_pending)
    try:
        cluster.submit(folder, how, python)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return folder


def check(folders: Collection[Path], how: Submission) -> None:
    """``InputError`` if the batch script of one of these jobs cannot be written; nothing is given to anybody yet."""
    for folder in folders:
        cluster.batch_script(folder, how)


def resubmit_to_cluster(folder: Path, how: Submission, python: str | None = None) -> None:
    """Give a job that was stopped, failed or was killed to a cluster."""
    _refuse_done(folder)
    cluster.update_states(folder.parent, now=True)
    cluster.submit(folder, how, python)


def start_next(project: Path, python: Path | str | None = None) -> None:
    """Start what waits and can (see ``dispatch.start_next``), and take note of what a cluster's scheduler ended."""
    cluster.update_states(project)
    dispatch.start_next(project, python)


def refuse_on_cluster(folder: Path) -> None:
    """``InputError`` if a cluster has the job, so that it is not run here beside."""
    cluster.update_states(folder.parent, now=True)
    entry = cluster.entry_on_cluster(folder)
    if entry is not None:
        raise InputError(f"{folder.name} was given to {entry.cluster}; stop it first: flexrec stop {folder.name}.")


def has_ended(folder: Path) -> bool:
    """Whether no process runs the job any more, nor a cluster has it."""
    if running_process(folder) is not None or other_computer(folder) is not None:
        return False
    return cluster.entry_on_cluster(folder) is None


def progress(folder: Path) -> dict[str, Any] | None:
    """The newest line of progress.jsonl (``step``, ``total``, ``time``, ``eta`` in seconds, the job's values)."""
    return last_progress(folder)


def log(folder: Path, offset: int = 0) -> tuple[str, int]:
    """What log.txt has from a byte offset on, in whole lines, and the offset to go on from."""
    try:
        with open(folder / "log.txt", "rb") as file:
            file.seek(offset)
            text = file.read()
    except FileNotFoundError:
        return "", offset
    text = text[: text.rfind(b"\n") + 1]
    return text.decode("utf-8", errors="replace"), offset + len(text)


def stop(folder: Path, python: Path | str | None = None) -> bool:
    """Stop a job: one that waits is stopped at once; one that runs is asked to write a checkpoint and end.

    True if a process was asked: it ends in its own time, or with ``kill``; look with ``start_next`` now and then, so
    that the queue goes on even if it ended without a word. ``python`` runs what may start in the place of a job that
    waited (this one if None). ``InputError`` if the job neither waits nor runs.
    """
    if cluster.entry_on_cluster(folder) is not None:
        return cluster.stop(folder)
    pid = running_process(folder)
    if withdraw(folder, python):
        return False
    pid = running_process(folder) if pid is None else pid
    if pid is None and other_computer(folder) is not None:
        ask_from_afar(folder)
        return True
    if pid is None:
        raise _not_running(folder)
    ask_to_stop(folder, pid)
    return True


def kill(folder: Path) -> None:
    """End a job's process and all its children at once; what it wrote last is its newest checkpoint.

    ``InputError`` if it runs on another computer, which no signal reaches.
    """
    entry = cluster.entry_on_cluster(folder)
    if entry is not None:
        return cluster.kill(entry)
    host = other_computer(folder)
    if host is not None:
        raise InputError(
            f"{folder.name} has not ended yet; end its process {read_status(folder).pid} on {host}, or, if that "
            f"computer is gone, go on with flexrec resume {folder.name}."
        )
    pid = running_process(folder)
    if pid is not None:
        end_group(pid)


def _not_running(folder: Path) -> InputError:
    status = read_status(folder).status
    state = "is queued but not in the queue" if status == QUEUED else f"is {status}"
    return InputError(f"{folder.name} {state}; there is nothing to stop.")


def resume(folder: Path, python: Path | str | None = None) -> None:
    """Queue a job that was stopped, failed or was killed, with the parameters that it began with."""
    _refuse_done(folder)
    cluster.update_states(folder.parent, now=True)
    enqueue(folder, python)


def _refuse_done(folder: Path) -> None:
    read_record(folder)
    if read_status(folder).status == DONE:
        raise InputError(f"{folder.name} is done; there is nothing to resume.")


def clone(
    folder: Path, changes: Mapping[str, Any] | None = None, seed: int | None = None, python: Path | str | None = None
) -> Path:
    """Queue a new job with the parameters, inputs and seed of another one, changed where given; returns its folder."""
    record = read_record(folder)
    seed = record["seed"] if seed is None else seed
    return submit(record["verb"], cloned_values(folder, changes), folder.parent, seed, python)


def cloned_values(folder: Path, changes: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The parameters and inputs of a job by name, changed where given, and by what that implies; not checked yet."""
    record = read_record(folder)
    job = find_job(record["verb"])
    parameters = join_record(job, record, folder.parent)
    values = {option.name: getattr(parameters, option.name) for option in job.options()}
    return values | dict(job.implied(changes or {}))

"""Running a job in this process, from its folder: start, stop, fail, resume."""

from __future__ import annotations

import os
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..parameters import MOST
from .declare import Job
from .failure_sentences import as_input_error
from .inputs import is_done, join_record, resolve_inputs, split_record
from .job_folder import STOP_REQUEST, JobRun, JobStopped, Watcher, append_log
from .project import find_job_folder, new_job_folder
from .queue.heartbeat import beating
from .queue.job_process import host_name, is_alive, process_start, sole_runner
from .record import (
    DONE,
    FAILED,
    RUNNING,
    STOPPED,
    Status,
    is_silent,
    read_record,
    recorded_status,
    write_status,
)
from .signals import stop_on_signals
from .terminal_progress import duration_text


def create(
    job: Job,
    parameters: Any,
    project: Path | str,
    seed: int = 0,
    suits: Callable[[Path], bool] = is_done,
) -> Path:
    """Make the folder of a new job, queued; ``InputError``, and no folder, if a parameter or input is wrong.

    ``suits`` tells which jobs may be its inputs (see ``inputs.resolve_inputs``).
    """
    from .. import __version__

    project = Path(project)
    if not 0 <= seed <= MOST:
        raise InputError(f"seed is {seed}, but must be a whole number from 0 to {MOST}.")
    if (project / "job.json").is_file():
        above = project.absolute().parent
        raise InputError(f"{project.absolute()} is the folder of a job; give the project in which it lies, {above}.")
    checked = job.build({option.name: getattr(parameters, option.name) for option in job.options()})
    values, inputs = split_record(job, resolve_inputs(job, checked, project, suits), project)
    record = {"verb": job.verb, "parameters": values, "inputs": inputs, "seed": seed}
    return new_job_folder(project, {**record, "version": __version__, "created": round(time.time(), 3)}).absolute()


def run(job: Job, parameters: Any, project: Path | str, seed: int = 0, watcher: Watcher | None = None) -> Path:
    """Make a new job and run it here; returns its folder. What the job raises is recorded and raised again.

    A job that was stopped returns like one that is done: ``record.read_status(folder)`` tells.
    """
    return start(job, create(job, parameters, project, seed), watcher)


def resume(job: Job, reference: str | Path, project: Path | str, watcher: Watcher | None = None) -> Path:
    """Go on with a job that was stopped, failed or was killed, with the parameters that it began with."""
    return start(job, find_resumable(job, reference, Path(project)), watcher)


def find_resumable(
    job: Job, reference: str | Path, project: Path, given: Mapping[str, Any] | None = None, seed: int | None = None
) -> Path:
    """The folder of the job to resume; ``InputError`` if it is of another verb.

    ``given`` and ``seed`` are what the user repeated; if one differs from what the job began with it is ``InputError``.
    """
    folder = find_job_folder(reference, project)
    record = read_record(folder)
    if record["verb"] != job.verb:
        raise InputError(f"{folder.name} is a {record['verb']} job; resume it with flexrec {record['verb']}.")
    _refuse_changes(job, folder, record, given or {}, seed)
    return folder


def _refuse_changes(job: Job, folder: Path, record: dict, given: Mapping[str, Any], seed: int | None) -> None:
    if seed is not None and seed != record["seed"]:
        raise InputError(f"{folder.name} began with seed {record['seed']}; to use another, start a new job.")
    began = join_record(job, record, folder.parent)
    resolved = resolve_inputs(job, replace(began, **given), folder.parent)
    for name in given:
        if getattr(resolved, name) != getattr(began, name):
            was = getattr(began, name)
            raise InputError(f"{folder.name} began with {name} {was} and keeps it; to change it, start a new job.")


def start(job: Job, folder: Path, watcher: Watcher | None = None) -> Path:
    """Run the job of a folder in this process, from the beginning or from where it was left."""
    record = read_record(folder)
    parameters = resolve_inputs(job, join_record(job, record, folder.parent), folder.parent)
    with sole_runner(folder):
        _refuse_running_or_done(folder)
        _sweep(folder)
        _run_here(job, parameters, JobRun(folder, record["seed"], watcher))
    return folder


def _refuse_running_or_done(folder: Path) -> None:
    """The lock is ours; still, not every shared file system carries locks from computer to computer."""
    status = recorded_status(folder)
    if status.status == DONE:
        raise InputError(f"{folder.name} is done; there is nothing to resume.")
    if status.status != RUNNING:
        return
    here = status.host == host_name()
    if is_alive(status.pid, status.process_start) if here else not is_silent(folder):
        where = f"process {status.pid} on {status.host}"
        raise InputError(f"{folder.name} is run by {where}; stop it first, or wait some minutes if it has just died.")


def _sweep(folder: Path) -> None:
    """Remove the unfinished outputs of a process that was killed, and an old request to stop."""
    (folder / STOP_REQUEST).unlink(missing_ok=True)
    for path in folder.rglob(".*.part*"):
        path.unlink(missing_ok=True)


def _run_here(job: Job, parameters: Any, run: JobRun) -> None:
    pid = os.getpid()
    started = round(time.time(), 3)
    begun = Status(RUNNING, pid, process_start(pid), host_name(), started=started)
    try:
        with stop_on_signals(run.request_stop), beating(run.folder, run.notice_request):
            write_status(run.folder, begun)
            job.function()(parameters, run)
    except JobStopped:
        _end(run, begun, started, STOPPED)
    except Exception as error:
        known = as_input_error(error, job.verb, parameters)
        if known is not None:
            _fail(run, begun, str(known), str(known))
            raise known from error
        _fail(run, begun, crash_text(error), traceback.format_exc())
        raise
    else:
        _end(run, begun, started, STOPPED if run.stop_seen else DONE)


def crash_text(error: Exception) -> str:
    """A crash in one line, as a list of jobs has it: ``ZeroDivisionError: division by zero``."""
    return " ".join(f"{type(error).__name__}: {error}".split())


def _end(run: JobRun, begun: Status, started: float, status: str) -> None:
    ended = round(time.time(), 3)
    run.log(f"{status} after {duration_text(ended - started)}")
    write_status(run.folder, replace(begun, status=status, device=run.device, ended=ended))


def _fail(run: JobRun, begun: Status, error: str, details: str) -> None:
    """Record a failure; a disk too full for that does not hide what went wrong first."""
    with suppress(OSError, InputError):
        append_log(run.folder, f"failed: {details}")
        ended = round(time.time(), 3)
        write_status(run.folder, replace(begun, status=FAILED, device=run.device, ended=ended, error=error))

"""What a background job waits for: the jobs whose outputs are its inputs."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

from ...errors import InputError
from ..project import job_folders, top_folder
from ..record import DONE, FAILED, QUEUED, RUNNING, read_record, read_status
from .queue_file import Entry, read_queue


def input_jobs(folder: Path) -> list[Path]:
    """The other jobs of the project that a job's inputs are, or lie in, by number."""
    project = folder.parent.resolve()
    inputs = [path for path in read_record(folder)["inputs"].values() if path is not None]
    tops = {top_folder(project / path, project) for path in inputs} - {None, folder.name}
    return [other for other in job_folders(project) if other.name in tops]


def is_pending(folder: Path, queue: Iterable[Entry]) -> bool:
    """Whether a job runs, or will be run by the queue."""
    status = read_status(folder).status
    return status == RUNNING or (status == QUEUED and any(entry.job == folder.name for entry in queue))


def is_done_or_pending(folder: Path) -> bool:
    """Whether a job is done or will be, if nothing goes wrong: what a job in the background may wait for."""
    return read_status(folder).status == DONE or is_pending(folder, read_queue(folder.parent))


def blocking_job(folder: Path, queue: Collection[Entry]) -> str | None:
    """Why a waiting job cannot run yet: the name of a job that it waits for; None where it can.

    ``InputError`` where it never will: what it needs has failed, or was stopped.
    """
    waits = None
    for other in input_jobs(folder):
        status = read_status(other)
        if status.status == DONE:
            continue
        if is_pending(other, queue):
            waits = waits or other.name
            continue
        state = "is queued but not in the queue" if status.status == QUEUED else status.status
        # a job that never began failed of another one, which its own line names
        why = f" ({status.error.rstrip('.')})" if status.status == FAILED and status.started and status.error else ""
        verb = "" if status.status == QUEUED else "has " if status.status == FAILED else "was "
        raise InputError(
            f"{folder.name} needs {other.name}, which {verb}{state}{why}; resume that one first, then this one."
        )
    return waits

"""The jobs of a project as they are now, from disk alone."""

from __future__ import annotations

import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import InputError
from .progress import last_progress
from .project import job_folders, job_verb
from .queue.heartbeat import SILENT, silence
from .queue.job_process import host_name
from .queue.queue_file import Entry, read_queue
from .queue.waiting import blocking_job
from .record import DONE, FAILED, QUEUED, RUNNING, STOPPED, Status, read_status
from .terminal_progress import duration_text, progress_text

_RATE = "images_per_second"


@dataclass(frozen=True)
class JobState:
    """One job as a list shows it.

    ``state`` is queued, running, done, failed, stopped, or unreadable. ``device`` is what it computes on, or the slot
    that it has in the queue. ``progress`` is the newest line of progress.jsonl. ``eta`` (seconds left of the present
    stage) and ``images_per_second`` are given while it runs, ``started`` is in seconds since 1970, ``seconds`` is how
    long it has run. ``message`` says why it failed, stopped, or waits, and of a job on another computer when it was
    last heard of.
    """

    folder: Path
    verb: str
    state: str
    device: str | None = None
    progress: dict[str, Any] | None = None
    eta: float | None = None
    images_per_second: float | None = None
    started: float | None = None
    seconds: float | None = None
    message: str = ""


def list_jobs(project: Path) -> list[JobState]:
    """Every job of the project, in the order of their numbers."""
    queue = read_queue(project)
    return [job_state(folder, queue) for folder in job_folders(project)]


def job_state(folder: Path, queue: Collection[Entry] | None = None) -> JobState:
    """One job; ``queue`` is the project's, if it was read already."""
    try:
        status = read_status(folder)
    except InputError as error:
        return JobState(folder, job_verb(folder), "unreadable", message=str(error))
    queue = read_queue(folder.parent) if queue is None else queue
    entry = next((entry for entry in queue if entry.job == folder.name), None)
    line = last_progress(folder) if status.status in (RUNNING, STOPPED) else None
    pace = line or {} if status.status == RUNNING else {}
    return JobState(
        folder,
        job_verb(folder),
        status.status,
        device=_device(status, entry),
        progress=line,
        eta=pace.get("eta"),
        images_per_second=pace.get(_RATE),
        started=status.started,
        seconds=_seconds(status),
        message=_message(folder, status, entry, queue),
    )


def _device(status: Status, entry: Entry | None) -> str | None:
    """What the job said that it computes on, and on which other computer or node of a cluster.

    Of several GPUs, each shown alone to its job, the slot tells which.
    """
    slot = entry.slot if entry else None
    device = slot if slot and status.device in (None, "cuda") else status.device
    if status.status != RUNNING or (status.host == host_name() and not (entry and entry.cluster)):
        return device
    return " ".join(filter(None, (device, f"on {status.host}")))


def _seconds(status: Status) -> float | None:
    """How long it has run; a clock that was set back makes no negative time."""
    ended = time.time() if status.status == RUNNING else status.ended
    return None if status.started is None or ended is None else max(0.0, ended - status.started)


def _message(folder: Path, status: Status, entry: Entry | None, queue: Collection[Entry]) -> str:
    if status.status == QUEUED:
        return _waiting(folder, entry, queue)
    if status.status == RUNNING and status.host != host_name():
        return _remote_message(folder, entry, silence(folder))
    return status.error or ""


def _remote_message(folder: Path, entry: Entry | None, seconds: float) -> str:
    """What is known of a process on another computer, which cannot be looked at from here."""
    if seconds <= SILENT:
        return f"last heard {seconds:.0f} s ago"
    on = "" if entry and entry.cluster else f"; if it is gone, go on with flexrec resume {folder.name}"
    return f"silent for {duration_text(seconds)}{on}"


def _waiting(folder: Path, entry: Entry | None, queue: Collection[Entry]) -> str:
    if entry is None:
        return f"not in the queue; start it with flexrec resume {folder.name}"
    if entry.cluster:
        return f"on {entry.cluster}" + (f" as job {entry.cluster_job.partition(';')[0]}" if entry.cluster_job else "")
    if not entry.waiting:
        return "starts when no other project computes on its device"
    where = "" if entry.here else f" on {entry.host}"
    with suppress(InputError):
        other = blocking_job(folder, queue)
        return f"waits for {other}{where}" if other else f"waits for its turn{where}"
    return "will fail: what it needs is not coming"


def job_lines(project: Path) -> list[str]:
    """``003-train  running  step 3 of 20, loss 0.52, 1:10 left``, in the order of their numbers."""
    states = list_jobs(project)
    width = max((len(state.folder.name) for state in states), default=0)
    return [f"{state.folder.name:<{width}}  {_describe(state)}".rstrip() for state in states]


def _describe(state: JobState) -> str:
    if state.state == "unreadable":
        return state.message
    device = f"[{state.device}]" if state.device and state.state in (RUNNING, QUEUED) else ""
    return f"{state.state:<8} " + "  ".join(filter(None, (details(state), device)))


def details(state: JobState) -> str:
    """How far it is, how long it took, or why it waits or has ended."""
    if state.state in (FAILED, QUEUED):
        return state.message
    if state.progress and state.state in (RUNNING, STOPPED):
        shown = progress_text(state.progress)
        return ", ".join(filter(None, (shown if state.state == RUNNING else f"after {shown}", state.message)))
    if state.state != DONE and state.message:
        return state.message
    return f"in {duration_text(state.seconds)}" if state.seconds is not None else ""

"""The jobs of a project, one line each."""

from __future__ import annotations

import time
from pathlib import Path

from ..errors import InputError
from .progress import read_progress
from .project import job_folders
from .record import FAILED, QUEUED, RUNNING, STOPPED, Status, read_status
from .terminal import duration_text, progress_text


def job_lines(project: Path) -> list[str]:
    """``003-train  running  step 3 of 20, loss 0.52, 1:10 left``, in the order of their numbers."""
    folders = job_folders(project)
    width = max((len(folder.name) for folder in folders), default=0)
    return [f"{folder.name:<{width}}  {_describe(folder)}".rstrip() for folder in folders]


def _describe(folder: Path) -> str:
    try:
        status = read_status(folder)
    except InputError as error:
        return str(error)
    return f"{status.status:<8} {_details(folder, status)}"


def _details(folder: Path, status: Status) -> str:
    if status.status == QUEUED:
        return ""
    if status.status == FAILED:
        return status.error or ""
    lines = read_progress(folder)
    if status.status in (RUNNING, STOPPED) and lines:
        return progress_text(lines[-1]) if status.status == RUNNING else f"after {progress_text(lines[-1])}"
    ended = status.ended or (time.time() if status.status == RUNNING else None)
    if status.started is None or ended is None:
        return status.error or ""
    return f"in {duration_text(ended - status.started)}"

"""Ending the process of a job: asked first, then with all its children."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

from ...errors import InputError
from ..job_folder import STOP_REQUEST
from ..record import RUNNING, recorded_status
from .job_process import host_name, is_alive
from .queue_file import read_queue


def running_process(folder: Path) -> int | None:
    """The pid of the living process of this computer that runs a job, or is about to.

    None for a job that a cluster has: its scheduler ends it.
    """
    status = recorded_status(folder)
    entry = next((entry for entry in read_queue(folder.parent) if entry.job == folder.name), None)
    if entry is not None and entry.cluster:
        return None
    if entry is not None and entry.alive:
        return entry.pid
    if status.status == RUNNING and status.host == host_name() and is_alive(status.pid, status.process_start):
        return status.pid
    return None


def other_computer(folder: Path) -> str | None:
    """The name of another computer on which the job runs, or is about to; None where it does not."""
    status = recorded_status(folder)
    entry = next((entry for entry in read_queue(folder.parent) if entry.job == folder.name), None)
    host = None
    if status.status == RUNNING:
        host = status.host
    elif entry is not None and not entry.cluster and not entry.waiting:
        host = entry.host  # it is about to begin there
    return host if host != host_name() else None


def ask_from_afar(folder: Path) -> None:
    """Ask a job that runs on another computer to write a checkpoint and end."""
    (folder / STOP_REQUEST).touch()


def ask_to_stop(folder: Path, pid: int) -> None:
    """Ask the job to write a checkpoint and end. Its children are left to it."""
    if os.name == "nt":
        ask_from_afar(folder)
    else:
        _signal(os.kill, pid, signal.SIGTERM)


def end_group(pid: int) -> None:
    """End a process and all of its group at once."""
    if os.name == "nt":
        _end_family(pid)
    elif _leads_a_group(pid):
        _signal(os.killpg, pid, signal.SIGKILL)
    else:
        _signal(os.kill, pid, signal.SIGKILL)


def _leads_a_group(pid: int) -> bool:
    """A job that a script runs belongs to the script's group, which is not ours to end."""
    try:
        return os.getpgid(pid) == pid
    except ProcessLookupError:
        return False


def _signal(send: Callable[[int, int], None], pid: int, number: int) -> None:
    try:
        send(pid, number)
    except ProcessLookupError:
        return
    except PermissionError:
        raise InputError(f"process {pid} belongs to another user, who alone can stop it.") from None


def _end_family(pid: int) -> None:
    import psutil

    try:
        process = psutil.Process(pid)
        for member in (*process.children(recursive=True), process):
            member.kill()
    except psutil.NoSuchProcess:
        return

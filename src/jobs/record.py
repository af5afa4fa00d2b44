"""What a job folder says of itself: job.json (what was asked) and status.json (what became of it)."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..atomic import atomic_path
from ..errors import InputError
from .queue.heartbeat import SILENT, silence
from .queue.job_process import host_name, is_alive

QUEUED, RUNNING, DONE, FAILED, STOPPED = "queued", "running", "done", "failed", "stopped"
_DIED = "its process ended without a word (killed, the disk was full, or the computer was restarted)"


@dataclass(frozen=True)
class Status:
    """The contents of status.json.

    ``status`` is queued, running, done, failed or stopped. ``pid``, ``process_start`` and ``host`` identify the
    process; ``started`` and ``ended`` are seconds since 1970; ``error`` is the sentence that says why it failed.
    """

    status: str
    pid: int | None = None
    process_start: str | None = None
    host: str | None = None
    device: str | None = None
    started: float | None = None
    ended: float | None = None
    error: str | None = None


def write_new(folder: Path, record: dict[str, Any]) -> None:
    """The record of a job that waits to be started."""
    write_json(folder / "job.json", record)
    write_status(folder, Status(QUEUED))


def read_record(folder: Path) -> dict[str, Any]:
    """job.json: verb, parameters, inputs (paths relative to the project), seed, FlexRec's version, time of creation."""
    record = read_json(folder / "job.json")
    if record is None:
        raise InputError(f"{folder} is no job folder: it has no job.json.")
    missing = [name for name in ("verb", "parameters", "inputs", "seed") if name not in record]
    if missing:
        raise InputError(f"{folder / 'job.json'} lacks {', '.join(missing)}; start a new job.")
    wrong = [name for name, fits in _FITS.items() if not fits(record[name])]
    if wrong:
        raise InputError(f"{folder / 'job.json'}: {', '.join(wrong)} cannot be so; restore it, or start a new job.")
    return record


def _are_paths(value: Any) -> bool:
    return isinstance(value, dict) and all(path is None or isinstance(path, str) for path in value.values())


_FITS = {
    "verb": lambda value: isinstance(value, str),
    "parameters": lambda value: isinstance(value, dict),
    "inputs": _are_paths,
    "seed": lambda value: isinstance(value, int),
}


def write_status(folder: Path, status: Status) -> None:
    """Replace status.json."""
    write_json(folder / "status.json", asdict(status))


def recorded_status(folder: Path) -> Status:
    """status.json as it stands; a job without one counts as stopped."""
    values = read_json(folder / "status.json")
    if values is None:
        return Status(STOPPED, error="it has no status.json")
    if values.get("status") not in (QUEUED, RUNNING, DONE, FAILED, STOPPED):
        raise InputError(f"{folder / 'status.json'} names no known status; remove it to resume the job.")
    for name in ("started", "ended"):
        if not isinstance(values.get(name), (int, float, type(None))):
            raise InputError(f"{folder / 'status.json'}: {name} is no time; remove the file to resume the job.")
    return Status(**{name: values[name] for name in Status.__dataclass_fields__ if name in values})


def read_status(folder: Path) -> Status:
    """The status as it is: a job that calls itself running, but whose process on this computer is gone, was stopped."""
    status = recorded_status(folder)
    if status.status != RUNNING or status.host != host_name() or is_alive(status.pid, status.process_start):
        return status
    return Status(**{**asdict(status), "status": STOPPED, "error": _DIED})


def is_silent(folder: Path) -> bool:
    """Whether a job that calls itself running, on another computer, has written nothing for long."""
    status = recorded_status(folder)
    return status.status == RUNNING and status.host != host_name() and silence(folder) > SILENT


def write_json(path: Path, values: dict[str, Any]) -> None:
    """Write a JSON file, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(values, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def read_json(path: Path) -> dict[str, Any] | None:
    """The object in a JSON file, or None where there is no file."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError as error:
        raise InputError(f"{path} is not readable as JSON ({error}); restore it, or start a new job.") from error
    if not isinstance(values, dict):
        raise InputError(f"{path} holds no JSON object; restore it, or start a new job.")
    return values

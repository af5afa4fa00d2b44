"""queue.json: the background jobs of a project, in the order in which they were asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ...errors import InputError
from ...file_locks import locked_path
from ..record import read_json, write_json
from .job_process import host_name, is_alive

NAME = "queue.json"
_PATIENCE = 20.0  # seconds: whoever holds the lock does so for milliseconds


@dataclass(frozen=True)
class Entry:
    """One job in the queue, from the moment it is asked for until its process has ended.

    ``job`` is the folder's name and ``host`` the computer that shall run it. Once it is started, ``slot`` is what it
    occupies and ``pid`` with ``process_start`` its process. ``stop`` says that somebody asked it to stop. A job that
    was given to a cluster names it in ``cluster`` (slurm), and its id there in ``cluster_job``; no computer's queue
    runs it.
    """

    job: str
    host: str
    slot: str | None = None
    pid: int | None = None
    process_start: str | None = None
    stop: bool = False
    cluster: str | None = None
    cluster_job: str | None = None

    @property
    def here(self) -> bool:
        """Whether this computer's queue runs it."""
        return self.host == host_name() and not self.cluster

    @property
    def waiting(self) -> bool:
        """Whether it was not started yet."""
        return self.pid is None

    @property
    def alive(self) -> bool:
        """Whether its process lives on this computer."""
        return self.host == host_name() and is_alive(self.pid, self.process_start)


class Queue:
    """The entries of one project while its lock is held; changes are written by ``save``."""

    def __init__(self, project: Path, entries: list[Entry]) -> None:
        self.project = project
        self.entries = entries
        self._written = list(entries)

    def find(self, job: str) -> Entry | None:
        """The entry of a job, by its folder's name."""
        return next((entry for entry in self.entries if entry.job == job), None)

    def put(self, entry: Entry) -> None:
        """Add an entry at the end, or replace the one of the same job where it stands."""
        for place, other in enumerate(self.entries):
            if other.job == entry.job:
                self.entries[place] = entry
                return
        self.entries.append(entry)

    def change(self, entry: Entry, **values: Any) -> Entry:
        """Replace an entry by one with other values, and return that."""
        changed = replace(entry, **values)
        self.put(changed)
        return changed

    def drop(self, job: str) -> None:
        """Take a job out."""
        self.entries = [entry for entry in self.entries if entry.job != job]

    def save(self) -> None:
        """Write queue.json, if anything changed."""
        if self.entries != self._written:
            for left in self.project.glob(".queue.*.part*"):  # of a process that was killed while it held the lock
                left.unlink(missing_ok=True)
            write_json(self.project / NAME, {"jobs": [asdict(entry) for entry in self.entries]})
            self._written = list(self.entries)


def read_queue(project: Path) -> list[Entry]:
    """The entries as they stand; a file that cannot be read holds none, since its jobs can be queued again."""
    try:
        values = read_json(project / NAME) or {}
        known = Entry.__dataclass_fields__
        entries = [Entry(**{name: entry[name] for name in known if name in entry}) for entry in values.get("jobs", [])]
        return [entry for entry in entries if isinstance(entry.job, str)]
    except (InputError, TypeError):
        return []


@contextmanager
def locked_queue(project: Path) -> Iterator[Queue]:
    """The project's queue, which nobody else can change inside the block; it is saved when the block ends.

    The operating system frees the lock of a process that dies. ``InputError`` where somebody holds it for long.
    """
    with locked_path(project / ".queue.lock", _PATIENCE) as held:
        if not held:
            raise InputError(f"{project / NAME} is held by another FlexRec process that does not go on; end it and try "
                             "again.")  # fmt: skip
        queue = Queue(project, read_queue(project))
        try:
            yield queue
        finally:
            queue.save()

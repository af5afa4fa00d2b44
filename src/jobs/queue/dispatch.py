"""The queue at work: jobs are put in, started in turn, taken out. No daemon: whoever looks, or ends, starts the next.

At most one background job runs in each slot of a computer. Every change is made under the queue's lock.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from ...errors import InputError
from ..job_folder import append_log
from ..project import job_folders
from ..record import (
    FAILED,
    QUEUED,
    RUNNING,
    STOPPED,
    Status,
    is_silent,
    read_record,
    read_status,
    recorded_status,
    write_status,
)
from .job_process import host_name, process_start, sole_runner
from .queue_file import Entry, Queue, locked_queue, read_queue
from .slots import CPU, TOGETHER, choose_slot, device_name, only_gpu, parts_of, slots_of_device, visible_gpus
from .spawn import OUTPUT, start_worker
from .waiting import blocking_job


def enqueue(folder: Path, python: Path | str | None = None) -> None:
    """Put a job at the end of its project's queue, and start what can start; ``InputError`` if it is there already."""
    with locked_queue(folder.parent) as queue:
        _put_in(queue, Entry(folder.name, host_name()), folder)
        _start_waiting(queue, python)


def put_in(entry: Entry, folder: Path) -> None:
    """Put a job that somebody else will start in its project's queue; ``InputError`` if it is there already."""
    with locked_queue(folder.parent) as queue:
        _put_in(queue, entry, folder)


def _put_in(queue: Queue, entry: Entry, folder: Path) -> None:
    _remove_ended(queue)
    status = read_status(folder)
    queued = queue.find(folder.name)
    lost = (queued is None or not queued.cluster) and is_silent(folder)
    if not lost and (queued is not None or status.status == RUNNING):
        raise InputError(f"{folder.name} is already {status.status}; flexrec jobs shows how far it is.")
    if status.status != QUEUED:
        write_status(folder, Status(QUEUED))
    queue.put(entry)


def start_next(project: Path, python: Path | str | None = None) -> None:
    """Start every waiting job of this computer whose slot is free and whose inputs are done.

    Also takes note of processes that ended without a word. Cheap where nothing waits.
    """
    if read_queue(project):
        with locked_queue(project) as queue:
            _remove_ended(queue)
            _start_waiting(queue, python)


def withdraw(folder: Path, python: Path | str | None = None) -> bool:
    """Stop a job that waits, here or for another computer; False where it does not wait (then ask its process).

    ``python`` runs what may start in its place (this one if None).
    """
    with locked_queue(folder.parent) as queue:
        _remove_ended(queue)
        entry = queue.find(folder.name)
        if entry is None or entry.cluster:
            return False
        if not entry.waiting:
            queue.change(entry, stop=True)
            return False
        queue.drop(folder.name)
        end_unseen(folder, STOPPED, "stopped before it began")
        _start_waiting(queue, python)
        return True


def claim(folder: Path, pid: int) -> Entry | None:
    """The queue's entry of the job that the worker with this pid shall run; it then names it as the one that does.

    None if the job was withdrawn meanwhile, or another worker came first.
    """
    with locked_queue(folder.parent) as queue:
        entry = queue.find(folder.name)
        if entry is None or entry.stop or (entry.alive and entry.pid != pid):
            return None
        if entry.cluster:
            return queue.change(entry, pid=pid, process_start=process_start(pid), host=host_name())
        return queue.change(entry, pid=pid, process_start=process_start(pid), slot=entry.slot or CPU)


def finish(folder: Path, pid: int, error: str | None) -> None:
    """What the worker does last: take its job out of the queue, and start the next.

    ``error`` is why a job did not even begin; None: it was told to stop. A cluster's node starts nothing further: what
    the scheduler gave it ends with the job.
    """
    with locked_queue(folder.parent) as queue:
        entry = queue.find(folder.name)
        if entry is not None and entry.pid == pid and entry.host == host_name():
            _close(folder, entry if error else replace(entry, stop=True), error or "")
            queue.drop(folder.name)
        if entry is None or not entry.cluster:
            _remove_ended(queue)
            _start_waiting(queue, None)


def _remove_ended(queue: Queue) -> None:
    """Take out this computer's jobs that are no longer queued, or whose process is gone."""
    for entry in list(queue.entries):
        folder = queue.project / entry.job
        if not entry.here or entry.alive:
            continue
        if not entry.waiting:
            _close(folder, entry, f"its process ended before the job began; {folder / OUTPUT} may say why.")
        elif folder.is_dir() and _state(folder) == QUEUED:
            continue
        queue.drop(entry.job)


def _state(folder: Path) -> str | None:
    """What status.json says; None where it cannot be read."""
    with suppress(InputError, OSError):
        return recorded_status(folder).status
    return None


def _close(folder: Path, entry: Entry, error: str) -> None:
    """Write the end of a job whose process could not, unless another process runs it now."""
    if not folder.is_dir():
        return
    with suppress(InputError, OSError), sole_runner(folder):
        if _state(folder) == QUEUED:
            end_unseen(folder, STOPPED if entry.stop else FAILED, "stopped before it began" if entry.stop else error)
        elif _state(folder) == RUNNING and entry.stop:
            end_unseen(folder, STOPPED, "stopped: it did not end in the time given, and was ended")


def end_unseen(folder: Path, status: str, message: str, shown: bool = False) -> None:
    """Write how a job ended that did not write it itself; a full disk does not keep the queue from going on.

    The message goes to the log; that of a job that failed, or if it shall be ``shown``, also into the list.
    """
    with suppress(InputError, OSError):
        error = message if shown or status == FAILED else None
        write_status(folder, replace(recorded_status(folder), status=status, ended=round(time.time(), 3), error=error))
        append_log(folder, f"failed: {message}" if status == FAILED else message)


def _start_waiting(queue: Queue, python: Path | str | None) -> None:
    gpus = visible_gpus()
    taken = _taken_slots(queue, gpus)
    for entry in list(queue.entries):
        if entry.here and entry.waiting:
            slot = _start(queue, entry, taken, gpus, python)
            taken.update(parts_of(slot) if slot else ())


def _taken_slots(queue: Queue, gpus: tuple[str, ...]) -> set[str]:
    """The slots in which this computer's jobs run, those that somebody started in a terminal among them."""
    slots = [entry.slot for entry in queue.entries if entry.here and not entry.waiting and entry.slot]
    taken = {part for slot in slots for part in parts_of(slot)}
    for folder in job_folders(queue.project):
        if _state(folder) == RUNNING and queue.find(folder.name) is None:
            status = read_status(folder)
            if status.status == RUNNING and status.host == host_name():
                used = (status.device or asked_device(folder) or CPU).split(TOGETHER)
                taken.update(slots_of_device(device.split()[0], len(gpus))[0] for device in used)
    return taken


def asked_device(folder: Path) -> str | None:
    """The device that a job's parameters name, or several with a plus between; None where they name none."""
    with suppress(InputError, OSError):
        parameters = read_record(folder)["parameters"]
        several = [device_name(word) for word in parameters.get("devices") or ()]
        return TOGETHER.join(several) or parameters.get("device")
    return None


def _start(queue: Queue, entry: Entry, taken: set[str], gpus: tuple[str, ...], python: Path | str | None) -> str | None:
    """Start one waiting job if it can; returns the slot that it now occupies."""
    folder = queue.project / entry.job
    try:
        if blocking_job(folder, queue.entries) is not None:
            return None
        device = asked_device(folder)
        slot = choose_slot(device, taken, gpus)
        if slot is None:
            return None
        pid = start_worker(folder, python, only_gpu(device, slot, gpus))
    except (InputError, OSError) as error:
        sentence = str(error) if isinstance(error, InputError) else f"its process could not be started ({error})"
        end_unseen(folder, FAILED, sentence)
        queue.drop(entry.job)
        return None
    queue.change(entry, slot=slot, pid=pid, process_start=process_start(pid))
    return slot

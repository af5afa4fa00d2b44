"""The process of one background job: ``python -m chimerax.flexrec.jobs.queue.worker FOLDER``.

It runs the job, writes everything in the job's folder, and before it ends starts the job that waits next.
"""

from __future__ import annotations

import faulthandler
import os
import sys
import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path

from ...errors import InputError
from .. import runner
from ..declare import Job
from ..job_folder import JobStopped, append_log
from ..record import read_record
from ..registry import find_job
from ..signals import stop_on_signals
from ..slurm import cluster
from . import dispatch
from .machine import device_alone
from .queue_file import Entry
from .slots import CPU
from .waiting import blocking_job


def main(words: list[str], find: Callable[[str], Job] = find_job) -> int:
    """Run the job of a folder, if it is still wanted; the exit status is 0 done or stopped, 1 failed, 2 wrong input."""
    faulthandler.enable()
    stop_signal = _StopSignal()
    with stop_on_signals(stop_signal.at_once):
        return _work(Path(words[0]), find, stop_signal)


class _StopSignal:
    """What a signal does before the job itself listens, and after: it ends the first, and cannot disturb the second."""

    def __init__(self) -> None:
        self.begun = False

    def at_once(self) -> None:
        if not self.begun:
            raise JobStopped


def _work(folder: Path, find: Callable[[str], Job], stop_signal: _StopSignal) -> int:
    error: str | None = "it did not begin"
    try:
        cluster.claim_again(folder)
        entry = dispatch.claim(folder, os.getpid())
        if entry is not None:
            with _device(folder, entry):
                runner.start(find(read_record(folder)["verb"]), folder)
        return 0
    except JobStopped:
        error = None
        return 0
    except InputError as mistake:
        error = str(mistake)
        print(error, file=sys.stderr)
        return 2
    except Exception as crash:
        error = f"{type(crash).__name__}: {crash}"
        traceback.print_exc()
        return 1
    finally:
        stop_signal.begun = True
        dispatch.finish(folder, os.getpid(), error)


def _device(folder: Path, entry: Entry) -> AbstractContextManager[None]:
    """What keeps others off the job's device; a cluster's scheduler does that itself. Its inputs must be done there."""
    if not entry.cluster:
        return device_alone(entry.slot or CPU, partial(append_log, folder))
    other = blocking_job(folder, [])
    if other is not None:
        raise InputError(f"{folder.name} needs {other}, which is not done; resume that one first, then this one.")
    return nullcontext()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

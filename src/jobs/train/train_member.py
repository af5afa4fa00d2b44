"""One of the processes of a job that is parted: ``train_member FOLDER DEVICES HOST PID START``."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

from ..inputs import join_record
from ..job_folder import JobRun
from ..queue.job_process import host_name, is_alive
from ..record import read_record
from ..registry import find_job
from .train_run import choose_device

SECONDS_BETWEEN_LOOKS = 1.0


def main(words: list[str]) -> None:
    """Work as one of the team.

    ``words`` are the job's folder, the devices of each node, and host, pid and start of the job's own process.
    """
    folder, devices, host, pid, start = Path(words[0]), words[1].split(","), words[2], int(words[3]), words[4]
    if host == host_name():
        _exit_with_job(pid, start)
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, signal.SIG_IGN)  # the job's process passes a request to stop on, so that all end together
    device = choose_device(devices[int(os.environ["LOCAL_RANK"])])
    record = read_record(folder)
    job = find_job(record["verb"])
    job.member_function()(join_record(job, record, folder.parent), JobRun(folder, record["seed"]), device)


def _exit_with_job(pid: int, start: str) -> None:
    """End this process when the job's is gone: its lock is free then, and another may run the job."""

    def watch() -> None:
        while is_alive(pid, start):
            time.sleep(SECONDS_BETWEEN_LOOKS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    main(sys.argv[1:])

"""Training in several processes: torchrun starts them, the job's own process waits and watches."""

from __future__ import annotations

import os
import subprocess
import sys
import time

from .folder import STOP_REQUEST, JobRun
from .process import process_start
from .progress import last_progress

SECONDS_BETWEEN_LOOKS = 0.3
MEMBER = f"{__package__}.train_member"


def run_team(devices: tuple[str, ...], job: JobRun) -> None:
    """Run a process on each of ``devices`` until all have ended; ``RuntimeError`` where they fail.

    The leader writes the job's outputs, log and progress. Being asked to stop is passed on by a file in the folder,
    and should this process be killed, the others notice and end.
    """
    job.on_device(" + ".join(devices))
    me = os.getpid()
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(len(devices))]
    member = ["-m", MEMBER, str(job.folder), ",".join(devices), str(me), str(process_start(me))]
    watch = _Watch(job)
    # a session of its own: Ctrl-C is for this process, which lets the others finish what they are at
    process = subprocess.Popen(
        [*torchrun, *member], stdin=subprocess.DEVNULL, env=_environment(len(devices)), start_new_session=True
    )
    try:
        while process.poll() is None:
            if job.stop_requested():
                (job.folder / STOP_REQUEST).touch()
            watch.look()
            time.sleep(SECONDS_BETWEEN_LOOKS)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()
    watch.look()
    if process.returncode:
        raise RuntimeError(f"the {len(devices)} training processes ended with status {process.returncode}")


def _environment(processes: int) -> dict[str, str]:
    """Processors shared out evenly, unless the user has said how many threads each shall have."""
    each = max(1, (os.cpu_count() or 1) // processes)
    return {"OMP_NUM_THREADS": str(each), "NUMBA_NUM_THREADS": str(each)} | os.environ


class _Watch:
    """Shows a person what the leader adds to log.txt and progress.jsonl."""

    def __init__(self, job: JobRun) -> None:
        self._job, self._path, self._last = job, job.folder / "log.txt", None
        self._offset = self._path.stat().st_size if self._path.exists() else 0

    def look(self) -> None:
        """Show what is new."""
        with open(self._path, "rb") as file:
            file.seek(self._offset)
            text = file.read()
        text = text[: text.rfind(b"\n") + 1]
        self._offset += len(text)
        for line in text.decode("utf-8", errors="replace").splitlines():
            self._job.show(line.partition("  ")[2])
        line = last_progress(self._job.folder)
        if line is not None and line != self._last:
            self._last = line
            self._job.show_progress(line)

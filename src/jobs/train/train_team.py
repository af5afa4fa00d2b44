"""A job in several processes, which the job's own process starts, waits for and watches.

In a Slurm job of several nodes, srun starts a torchrun on each; they meet at a port of the node of the job's process.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Any

from ...environment import booted
from ...particles.free_memory import free_memory
from ...particles.prefetch import threads_here
from ..job_folder import STOP_REQUEST, JobRun
from ..progress import last_progress
from ..queue.job_process import host_name, process_start
from .team_processes import start_here, start_on_nodes
from .train_memory import times_lowered

SECONDS_BETWEEN_LOOKS = 0.3
LEAST_PARTICLES = 250  # for each process that a training is parted into by itself
MOST_PROCESSES = 8
MEMORY_EACH = 1.5e9  # bytes that a process may take
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
MEMBER = f"{__package__}.train_member"


def processes_for(particles: int, in_memory: bool = False) -> int:
    """Into how many processes a training on the processors is parted, by itself.

    Threads of one process wait for one another in each of thousands of small operations, which where other programs
    want the processors too costs most of the time; processes meet once in a batch. Beyond some eight of them a batch
    is too small to be parted further, and they take threads. Few particles are not worth starting others for, and
    images that are held in memory would be held by each.
    """
    if in_memory or sys.platform != "linux":  # elsewhere a computer's own name is often not found
        return 1
    most = min(threads_here(), MOST_PROCESSES, particles // LEAST_PARTICLES)
    return max(1, min(most, int(free_memory() // MEMORY_EACH)))


def run_team(devices: tuple[str, ...], job: JobRun, threads_each: int | None = None) -> None:
    """Run a process on each of ``devices``, on every node, until all have ended; ``RuntimeError`` where they fail.

    The leader writes the job's outputs, log and progress. Being asked to stop is passed on by a file in the folder,
    and should this process be killed, those on its node notice and end, and with them, by srun, all others. Where
    memory runs out in one, all begin again from the last whole pass, with fewer images at once.
    """
    nodes = nodes_here()
    several = len(devices) > 1 and set(devices) == {"cpu"}
    names = f"cpu, {len(devices)} processes" if several else " + ".join(devices)
    job.on_device(names + (f" × {nodes} nodes" if nodes > 1 else ""))
    while True:
        lowered = times_lowered(job)
        status = _run_once(devices, nodes, job, _environment(len(devices), threads_each))
        if status == 0 or job.stop_requested():
            return
        if times_lowered(job) == lowered:
            raise RuntimeError(f"the {nodes * len(devices)} processes of the job ended with status {status}")


def _run_once(devices: tuple[str, ...], nodes: int, job: JobRun, environment: dict[str, str]) -> int:
    """Start the processes and wait for them; their exit status."""
    me = os.getpid()
    member = [*booted(MEMBER), str(job.folder), ",".join(devices), host_name(), str(me), str(process_start(me))]
    follower = _LogFollower(job)
    if nodes == 1:
        team = start_here(member, len(devices), environment)
    else:
        team = start_on_nodes(member, nodes, len(devices), environment)
    try:
        while (status := team.poll()) is None:
            if job.stop_requested():
                (job.folder / STOP_REQUEST).touch()
            follower.look()
            time.sleep(SECONDS_BETWEEN_LOOKS)
    finally:
        team.end()
    follower.look()
    return status


def nodes_here() -> int:
    """How many nodes the job may use: those of the Slurm job whose batch script this process runs in, or one."""
    in_script = os.environ.get("SLURM_NODEID") == "0" and "SLURM_STEP_ID" not in os.environ
    return int(os.environ.get("SLURM_JOB_NUM_NODES", "1")) if in_script else 1


def _environment(processes: int, threads_each: int | None = None) -> dict[str, str]:
    """Processors shared out evenly, unless it has been said how many threads each shall have."""
    if threads_each is not None:
        return os.environ | dict.fromkeys(_THREADS, str(threads_each))
    in_task = os.environ.get("SLURM_CPUS_PER_TASK")
    share = str(max(1, int(in_task or os.cpu_count() or 1) // processes))
    threads = dict.fromkeys(_THREADS, share)
    # a batch script names the threads of the whole task
    return os.environ | threads if in_task else threads | os.environ


class _LogFollower:
    """Shows a person what the leader adds to log.txt and progress.jsonl."""

    def __init__(self, job: JobRun) -> None:
        self._job, self._path = job, job.folder / "log.txt"
        self._last: dict[str, Any] | None = None
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
        progress = last_progress(self._job.folder)
        if progress is not None and progress != self._last:
            self._last = progress
            self._job.show_progress(progress)

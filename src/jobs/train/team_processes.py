"""The processes of a team: on this computer, or by srun and torchrun on the nodes of a cluster.

On one computer they are started as torchrun does, with a place for each in the environment and a store of the parent's
in which they meet, but without torchrun, whose own start takes as long as that of a process which trains.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from ..queue.job_process import host_name

LOOPBACK = "127.0.0.1"


class TeamProcesses:
    """Processes that work together: when one fails, the others are ended."""

    def __init__(self, processes: Sequence[subprocess.Popen], store: Any = None) -> None:
        """``store`` is where they meet, which lives as long as they do."""
        self._processes, self._store = processes, store

    def poll(self) -> int | None:
        """None while they work; 0 when all have ended well, or the status of one that has not."""
        statuses = [process.poll() for process in self._processes]
        failed = next((status for status in statuses if status), None)
        if failed is not None:
            self.end()
        return failed if failed is not None or None in statuses else 0

    def end(self) -> None:
        """End those that are left, and wait for it."""
        left = [process for process in self._processes if process.poll() is None]
        for process in left:
            if self._store is None:
                process.terminate()  # srun, which ends those that it has started
            else:
                process.kill()  # a member ignores SIGTERM
        for process in left:
            process.wait()


def start_here(words: Sequence[str], count: int, environment: Mapping[str, str]) -> TeamProcesses:
    """``count`` processes on this computer, of what follows a Python's name."""
    from torch.distributed import TCPStore

    store = TCPStore(LOOPBACK, 0, is_master=True, wait_for_workers=False)  # at a port that it finds free
    team = {"WORLD_SIZE": str(count), "LOCAL_WORLD_SIZE": str(count), "MASTER_ADDR": LOOPBACK,
            "MASTER_PORT": str(store.port), "TORCHELASTIC_USE_AGENT_STORE": "True"}  # fmt: skip
    processes = [_started([sys.executable, *words], {**environment, **team, "RANK": rank, "LOCAL_RANK": rank})
                 for rank in map(str, range(count))]  # fmt: skip
    return TeamProcesses(processes, store)


def start_on_nodes(words: Sequence[str], nodes: int, each: int, environment: Mapping[str, str]) -> TeamProcesses:
    """``each`` processes on each of the ``nodes`` of this Slurm job, of what follows a Python's name."""
    # srun does not take over by itself how many processors the tasks of the job have
    cpus = os.environ.get("SLURM_CPUS_PER_TASK")
    share = [f"--cpus-per-task={cpus}"] if cpus else []
    srun = ["srun", f"--nodes={nodes}", f"--ntasks={nodes}", "--ntasks-per-node=1", *share, "--kill-on-bad-exit=1"]
    port = _free_port()
    meeting = ["--rdzv-backend", "c10d", "--rdzv-endpoint", f"{host_name()}:{port}"]
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(each), "--nnodes", str(nodes),
                *meeting, "--rdzv-id", f"{os.environ['SLURM_JOB_ID']}-{port}"]  # fmt: skip
    return TeamProcesses([_started([*srun, *torchrun, *words], environment)])


def _started(words: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen:
    """In a session of its own: Ctrl-C is for the job's process, which lets the others finish what they are at."""
    return subprocess.Popen(words, stdin=subprocess.DEVNULL, env=dict(environment), start_new_session=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("", 0))
        return probe.getsockname()[1]

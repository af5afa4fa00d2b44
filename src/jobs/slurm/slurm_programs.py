"""Slurm's own programs: sbatch, squeue, sacct, scancel. Each is a list of words, never a line for a shell."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Collection
from pathlib import Path

from ...errors import InputError
from ..job_environment import worker_environment
from ..queue.slots import GPUS

_PATIENCE = 60.0  # seconds for one answer: a busy controller takes its time
_WAITING_OR_RUNNING = (
    "PENDING", "CONFIGURING", "RUNNING", "COMPLETING", "SUSPENDED", "STOPPED", "REQUEUED", "RESIZING", "SIGNALING",
    "STAGE_OUT", "SPECIAL_EXIT", "REQUEUE_HOLD", "REQUEUE_FED", "RESV_DEL_HOLD",
)  # fmt: skip


def submit(script: Path, folder: Path, python: str, after: Collection[str] = ()) -> str:
    """Give a batch script to Slurm from the project's folder; returns the job's id (``12``, or ``12;cluster``).

    It starts when the Slurm jobs ``after`` have ended well; Slurm forgets it if one does not. ``InputError`` with
    sbatch's own words.
    """
    ids = ":".join(job.partition(";")[0] for job in after)
    order = [f"--dependency=afterok:{ids}", "--kill-on-invalid-dep=yes"] if ids else []
    done = _run("sbatch", ["--parsable", *order, str(script)], folder.parent, submit_environment(python))
    lines = done.stdout.strip().splitlines()
    if done.returncode or not lines or not re.fullmatch(r"\d+(;\S+)?", lines[-1]):
        raise InputError(f"sbatch refused {folder.name}: {_words(done)}; change the template or --cluster-set.")
    return lines[-1]


def submit_environment(python: str) -> dict[str, str]:
    """What sbatch is given, and by default hands on to the job: a worker's environment without this computer's GPUs.

    Nor what Slurm set around this process, if it runs in a job itself: sbatch would take it for options.
    """
    environment = worker_environment(python)
    for name in list(environment):
        if name in (GPUS, "CUDA_VISIBLE_DEVICES") or (name.startswith("SLURM_") and name != "SLURM_CONF"):
            del environment[name]
    return environment | {name: value for name, value in os.environ.items() if name.startswith("SBATCH_")}


def ended_jobs(jobs: Collection[str]) -> dict[str, str]:
    """Those of the jobs that Slurm no longer runs or will run, with the state in which they ended ("" if unknown).

    A job of which nothing is known for certain (no controller answers) is not among them.
    """
    ended = {}
    for job in jobs:
        if _is_listed(job) is False:
            state = _accounted(job)
            if state not in _WAITING_OR_RUNNING:
                ended[job] = state
    return ended


def _is_listed(job: str) -> bool | None:
    """Whether squeue knows the job as one to come or at work; None if it cannot tell."""
    try:
        done = _run("squeue", ["--noheader", "--format=%T", *_named(job, "--jobs=")])
    except InputError:
        return None
    if done.returncode:
        return False if "Invalid job id" in done.stderr else None
    return any(line.strip() in _WAITING_OR_RUNNING for line in done.stdout.splitlines())


def _accounted(job: str) -> str:
    """The state that sacct has of a job; "" where there is no accounting."""
    try:
        done = _run("sacct", ["--noheader", "--allocations", "--parsable2", "--format=State", *_named(job, "--jobs=")])
    except InputError:
        return ""
    states = done.stdout.split()
    return "" if done.returncode or not states else states[-1] if states[0] != "CANCELLED" else states[0]


def ask_to_end(job: str) -> None:
    """Send SIGTERM to a running job's batch script, which is the job itself; what it started it ends in order."""
    _scancel(["--signal=TERM", "--batch", *_named(job)], job)


def cancel(job: str) -> None:
    """Take a job out of Slurm, whether it waits or runs."""
    _scancel(_named(job), job)


def _scancel(words: list[str], job: str) -> None:
    done = _run("scancel", words)
    if done.returncode and "Invalid job id" not in done.stderr and "already completing" not in done.stderr:
        raise InputError(f"scancel refused to stop the Slurm job {job}: {_words(done)}; stop it yourself.")


def _named(job: str, option: str = "") -> list[str]:
    number, _, cluster = job.partition(";")
    return [*([f"--clusters={cluster}"] if cluster else []), option + number]


def _words(done: subprocess.CompletedProcess) -> str:
    """What a program said, as part of a sentence."""
    lines = (done.stderr.strip() or done.stdout.strip()).splitlines()
    messages = [line.partition("error: ")[2] or line for line in lines]
    return "; ".join(line.strip().rstrip(".") for line in messages) or f"exit status {done.returncode}"


def _run(
    program: str, words: list[str], folder: Path | None = None, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess:
    try:
        return subprocess.run(
            [program, *words], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
            capture_output=True, encoding="utf-8", errors="replace", timeout=_PATIENCE,
        )  # fmt: skip
    except FileNotFoundError:
        raise InputError(f"there is no {program} on this computer; log in where the cluster takes jobs.") from None
    except OSError as error:
        raise InputError(f"{program} cannot be run ({error.strerror}); ask the cluster's staff.") from error
    except subprocess.TimeoutExpired:
        raise InputError(f"{program} did not answer within {_PATIENCE:g} s; try again later.") from None

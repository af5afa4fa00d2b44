"""Run FlexRec's jobs from a benchmark: once for each set of parameters, here or in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from chimerax.flexrec.errors import InputError
from chimerax.flexrec.jobs import runner
from chimerax.flexrec.jobs.record import DONE, read_status
from chimerax.flexrec.jobs.registry import find_job

VERBS = ("simulate", "prep", "mesh", "train")


class Stopped(InputError):
    """A job was stopped before its end."""


@dataclass(frozen=True)
class Child:
    """What a process of its own did.

    returncode : of the process; output : the last line it printed (a job's folder); seconds : from start to end
    peak : bytes, the largest resident memory; samples : (s, 2) seconds since the start and resident bytes
    """

    returncode: int
    output: str
    seconds: float
    peak: int
    samples: list[tuple[float, int]]


def read_settings(words: list[str]) -> dict[str, dict[str, str]]:
    """The parameters of each job from words ``VERB.NAME=VALUE``, as text."""
    values: dict[str, dict[str, str]] = {verb: {} for verb in VERBS}
    for word in words:
        key, _, value = word.partition("=")
        verb, _, name = key.partition(".")
        if verb not in values or not name:
            raise InputError(f"--set {word}: write VERB.NAME=VALUE with one of {', '.join(VERBS)}.")
        values[verb][name] = value
    return values


def run_job(verb: str, values: dict[str, str], project: Path, seed: int = 0) -> Path:
    """Run one job in this process, or find it if the project has it done with the same parameters; its folder.

    `Stopped` where it ends too early.
    """
    job = find_job(verb)
    options = {option.name: option for option in job.options()}
    unknown = set(values) - set(options)
    if unknown:
        raise InputError(f"{verb} has no parameter {', '.join(sorted(unknown))}.")
    parameters = job.build({name: options[name].parse(text) for name, text in values.items()})
    stamp = project / f".{verb}.json"
    asked = json.dumps({"values": values, "seed": seed}, sort_keys=True)
    if stamp.exists():
        done = json.loads(stamp.read_text())
        if done["asked"] == asked and Path(done["folder"]).is_dir():
            return Path(done["folder"])
    before = sum(os.times()[:4])
    folder = runner.run(job, parameters, project, seed)
    if read_status(folder).status != DONE:
        raise Stopped(f"{folder} was stopped; what hangs on it is not run.")
    processor = sum(os.times()[:4]) - before
    stamp.write_text(json.dumps({"asked": asked, "folder": str(folder), "processor": processor}))
    return folder


def processor_seconds(verb: str, project: Path) -> float:
    """Seconds of all processors that the job took which `run_job` ran last in a project; NaN where it did not say."""
    return float(json.loads((project / f".{verb}.json").read_text()).get("processor", "nan"))


def run_jobs(values: dict[str, dict[str, str]], project: Path, seed: int = 0, last: str = "train") -> dict[str, Path]:
    """Run the jobs up to ``last``, each on what the ones before it made; their folders."""
    folders: dict[str, Path] = {}
    for verb in VERBS[: VERBS.index(last) + 1]:
        folders[verb] = run_job(verb, {**input_values(verb, folders), **values[verb]}, project, seed)
    return folders


def input_values(verb: str, folders: dict[str, Path]) -> dict[str, str]:
    """What a job takes from those before it."""
    if verb == "simulate":
        return {}
    if verb == "train":
        return {"particles": str(folders["prep"]), "mesh": str(folders["mesh"])}
    consensus = {"consensus": str(folders["simulate"] / "consensus.mrc")}
    return consensus | ({"particles": str(folders["simulate"] / "particles.star")} if verb == "prep" else {})


def job_seconds(folder: Path) -> float:
    """How long a finished job took."""
    status = read_status(folder)
    return status.ended - status.started


def command(verb: str, values: dict[str, str], project: Path, seed: int = 0) -> list[str]:
    """The command line of a job, in this Python; of what is ``true`` or ``false`` the option alone, or its no-."""

    def option(name: str, text: str) -> str:
        flag = name.replace("_", "-")
        return {"true": f"--{flag}", "false": f"--no-{flag}"}.get(text, f"--{flag}={text}")

    options = [option(name, text) for name, text in values.items()]
    where = ["--project", str(project), "--seed", str(seed)]
    return [sys.executable, "-m", "chimerax.flexrec.cli", verb, *options, *where]


def thread_environment(threads: int) -> dict[str, str]:
    """This environment, with the same number of threads for every library that a program may compute with."""
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
    return {**os.environ, **dict.fromkeys(names, str(threads))}


def run_child(
    words: list[str], environment: dict[str, str] | None = None, limit: float | None = None, every: float = 0.25
) -> Child:
    """Run a command to its end, or ask it to stop (SIGTERM) after ``limit`` seconds; watch its resident memory.

    Samples are of the process alone and, outside Linux, are not taken; the peak is the system's own account of it,
    without the last ``every`` seconds.
    What the command writes to standard error passes through.
    """
    began, samples, peak = time.perf_counter(), [], 0
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environment)
    ended = threading.Event()

    def watch() -> None:
        nonlocal peak
        asked = False
        while not ended.wait(every):
            now = time.perf_counter() - began
            samples.append((now, resident_bytes(process.pid)))
            peak = max(peak, peak_bytes(process.pid))
            if limit is not None and now > limit and not asked:
                asked = True
                process.send_signal(signal.SIGTERM)

    watcher = threading.Thread(target=watch)
    watcher.start()
    output = process.stdout.read()
    # wait4 alone tells the peak of this child and no other, but on Linux it counts what the parent had when it began
    _, status, usage = os.wait4(process.pid, 0)
    ended.set()
    watcher.join()
    process.returncode = os.waitstatus_to_exitcode(status)
    unit = 1 if sys.platform == "darwin" else 1024
    seconds = time.perf_counter() - began
    last = (output.strip().splitlines() or [""])[-1]
    return Child(process.returncode, last, seconds, peak or usage.ru_maxrss * unit, [s for s in samples if s[1]])


def peak_bytes(pid: int) -> int:
    """The most resident memory that a process' program has had; 0 where the system does not tell."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0)


def resident_bytes(pid: int) -> int:
    """Resident memory of a process now; 0 where the system does not tell."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def stage_seconds(folder: Path) -> dict[str, float]:
    """Seconds that a job spent in each stage, by its progress.jsonl."""
    spent: dict[str, float] = {}
    before = read_status(folder).started
    for text in (folder / "progress.jsonl").read_text().splitlines():
        line = json.loads(text)
        name = line.get("stage") or "-"
        # what passes before the first line of a stage is that stage's own beginning
        spent[name] = spent.get(name, 0.0) + line["time"] - before
        before = line["time"]
    ended = read_status(folder).ended
    spent["end"] = (ended or before) - before
    return spent


def newest_job(project: Path, verb: str) -> Path:
    """The folder of the newest job of a verb in a project, finished or not."""
    folders = sorted(project.glob(f"*-{verb}"))
    if not folders:
        raise InputError(f"{project} has no {verb} job.")
    return folders[-1]

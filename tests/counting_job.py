"""A small real job, declared like every other: a pseudo-random walk with a checkpoint after each step.

One that waits goes no further than two steps until a file ``go`` is in its folder.

Run as a script it starts (``PROJECT STEPS [deaf]``) or resumes (``PROJECT resume``) one, as a terminal would.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from chimerax.flexrec.errors import InputError
from chimerax.flexrec.jobs import runner
from chimerax.flexrec.jobs.declare import Job
from chimerax.flexrec.jobs.job_folder import JobRun
from chimerax.flexrec.parameters import parameter


@dataclass(frozen=True)
class CountParameters:
    steps: int = parameter(5, help="how far to count", unit="steps", low=1, high=10000)
    pause: float = parameter(0.0, help="time between steps", unit="s", low=0)
    listens: bool = parameter(True, help="whether it asks if it shall stop")
    origin: tuple[float, ...] = parameter((0.0, 0.0), help="where it starts", advanced=True)
    kind: str = parameter("walk", help="what it does", choices=("walk", "fail", "crash"))
    start_from: Path | None = parameter(None, help="a file to read")
    before: Path | None = parameter(None, help="an earlier count", job="count")


@dataclass(frozen=True)
class WalkParameters:
    steps: int = parameter(5, help="how far to count", unit="steps", low=1, high=10000)
    pause: float = parameter(0.0, help="time between steps", unit="s", low=0)
    listens: bool = parameter(True, help="whether it asks if it shall stop")
    kind: str = parameter("walk", help="what it does", choices=("walk", "fail", "crash", "memory", "hang", "wait"))
    batch_size: int = parameter(64, help="has no effect", low=1)
    device: str = parameter("auto", help="where to compute")


@dataclass(frozen=True)
class AfterParameters:
    count: Path = parameter(help="the count to look at", job=("count", "walk"))


def count(parameters: CountParameters, job: JobRun) -> None:
    step, value = _checkpoint(job.folder, job.seed)
    job.log(f"counting from {step}")
    if parameters.kind == "fail":
        raise InputError("volume.mrc has no density; give another map.")
    if parameters.kind == "crash":
        raise ZeroDivisionError("nothing to divide by")
    if parameters.kind == "memory":
        raise RuntimeError("CUDA error: out of memory")
    while parameters.kind == "hang":
        job.stop_requested()
        time.sleep(0.05)
    while step < parameters.steps:
        if parameters.listens and job.stop_requested():
            return
        if parameters.kind == "wait" and step == 2 and not (job.folder / "go").exists():
            time.sleep(0.02)
            continue
        time.sleep(parameters.pause)
        step, value = step + 1, (value * 6364136223846793005 + 1442695040888963407) % 2**64
        with job.output("checkpoint.json") as path:
            path.write_text(json.dumps([step, value]))
        job.progress(step, parameters.steps, value=float(value % 1000))
    with job.output("result.json") as path:
        path.write_text(json.dumps(value))


def _checkpoint(folder: Path, seed: int) -> tuple[int, int]:
    path = folder / "checkpoint.json"
    return tuple(json.loads(path.read_text())) if path.exists() else (0, seed)


def after(parameters: AfterParameters, job: JobRun) -> None:
    job.log(f"after {parameters.count.name}")


COUNT = Job("count", "Count, slowly", CountParameters, "counting_job:count")
WALK = Job("walk", "Count, needing no other job", WalkParameters, "counting_job:count")
AFTER = Job("after", "Look at a count", AfterParameters, "counting_job:after")


if __name__ == "__main__":
    try:
        if sys.argv[2] == "resume":
            runner.resume(COUNT, "1", sys.argv[1])
        else:
            options = CountParameters(steps=int(sys.argv[2]), pause=0.02, listens="deaf" not in sys.argv)
            runner.run(COUNT, options, sys.argv[1], seed=7)
    except InputError as error:
        print(error, file=sys.stderr)
        sys.exit(2)

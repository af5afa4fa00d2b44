"""Peak memory of prep and train with few and with many images: it must not grow with the data set.

Simulated antibodies, a real stack of each size, both jobs in processes of their own. Train is asked to stop after
`--seconds` (SIGTERM, as Ctrl-C: it leaves in good order); `peak` is the largest resident memory that the system
recorded, `last tenth` the mean over the end of the run, and `reached` the part of the job that was under way.
With one epoch, the default here, train works at the images' own box at once, where it needs most memory.

    python benchmarks/bench_memory.py --counts 5000 100000 --seconds 120

The stacks need 4 · box² bytes for each image, twice (simulated, prepared): 13 GB for 100,000 of 128 pixels.
"""

from __future__ import annotations

import argparse
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.jobs.progress import read_progress
from chimerax.flexrec.jobs.record import DONE, STOPPED, read_status
from job_runs import Child, command, input_values, newest_job, read_settings, run_child, run_job, thread_environment

FIELD_OF_VIEW = 384.0  # Å


@dataclass(frozen=True)
class Use:
    """One line of the table; memory in MB."""

    verb: str
    images: int
    peak: float
    late: float
    seconds: float
    reached: str


def main() -> None:
    """Measure every size; print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path("bench/memory"), help="folder for everything")
    parser.add_argument("--counts", type=int, nargs="+", default=[5000, 100000], help="images (default: 5000 100000)")
    parser.add_argument("--box", type=int, default=128, help="pixels (default: 128)")
    parser.add_argument("--epochs", type=int, default=1, help="of train (default: 1)")
    parser.add_argument("--seconds", type=float, default=120, help="limit of train; 0: none (default: 120)")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="(default: one per core)")
    parser.add_argument("--set", action="append", default=[], metavar="VERB.NAME=VALUE", help="a job's parameter")
    arguments = parser.parse_args()
    uses = [use for count in arguments.counts for use in measure(count, arguments)]
    print(f"resident memory with images of {arguments.box} pixels, {arguments.threads} threads")
    print(f"{'job':<6} {'images':>8} {'stack':>9} {'peak':>9} {'last tenth':>11} {'time':>7}  reached")
    for use in uses:
        stack = use.images * arguments.box**2 * 4 / 1e6
        print(f"{use.verb:<6} {use.images:8d} {stack:6.0f} MB {use.peak:6.0f} MB {use.late:8.0f} MB {use.seconds:6.0f}s"
              f"  {use.reached}")  # fmt: skip


def measure(count: int, arguments: argparse.Namespace) -> list[Use]:
    """Prep and train of one data set, each in a process of its own; what they made is removed."""
    project, values = arguments.work.resolve() / f"{arguments.box}px-{count}", read_settings(arguments.set)
    box = {"box": str(arguments.box)}
    size = {"particles": str(count), "pixel_size": str(FIELD_OF_VIEW / arguments.box)} | box
    check_space(project, 2 * count * arguments.box**2 * 4)
    folders = {"simulate": run_job("simulate", size | values["simulate"], project)}
    folders["mesh"] = run_job("mesh", input_values("mesh", folders) | values["mesh"], project)
    folders["prep"], prep = measured("prep", box | values["prep"], folders, count, arguments.threads, None)
    # one process: its memory is what is watched, and of several parted by itself only the one that waits would be
    alone, limit = {"epochs": str(arguments.epochs), "devices": "cpu"}, arguments.seconds or None
    folders["train"], train = measured("train", alone | values["train"], folders, count, arguments.threads, limit)
    for verb in ("prep", "train"):
        shutil.rmtree(folders[verb])
    return [prep, train]


def measured(
    verb: str, values: dict[str, str], folders: dict[str, Path], count: int, threads: int, limit: float | None
) -> tuple[Path, Use]:
    """Run a job under watch, for ``limit`` seconds at most; its folder and what it used."""
    project = folders["simulate"].parent
    child = run_child(command(verb, input_values(verb, folders) | values, project), thread_environment(threads), limit)
    folder = newest_job(project, verb)
    stopped = read_status(folder).status == STOPPED
    if child.returncode and read_status(folder).status not in (STOPPED, DONE):
        raise InputError(f"flexrec {verb} ended with {child.returncode}; see {folder}.")
    reached = f"stopped at {progress(folder)}" if stopped else "done"
    return folder, Use(verb, count, child.peak / 1e6, late_megabytes(child), child.seconds, reached)


def progress(folder: Path) -> str:
    """The last line of a job's progress in words."""
    lines = read_progress(folder)
    return f"{lines[-1].get('stage') or 'step'} {lines[-1]['step']} of {lines[-1]['total']}" if lines else "its start"


def late_megabytes(child: Child) -> float:
    """Mean resident memory over the last tenth of a process' life, MB; NaN where it was not watched."""
    late = [size for when, size in child.samples if when > 0.9 * child.seconds]
    return float(np.mean(late)) / 1e6 if late else float("nan")


def check_space(folder: Path, needed: int) -> None:
    """``InputError`` where the disk is too small for both stacks (what is there already is not counted)."""
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if free < needed and not list(folder.glob("*-simulate/particles.mrcs")):
        raise InputError(f"{folder} has {free / 1e9:.1f} GB free and needs {needed / 1e9:.1f}; see --counts, --work.")


if __name__ == "__main__":
    main()

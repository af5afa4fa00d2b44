"""What other programs cost a training: with nothing beside it, then with a busy process for each core.

    python benchmarks/bench_busy.py --particles 2000 --box 64 --epochs 4

For each way of sharing out the work: seconds from start to end and processor seconds, both times. `speed` is the
undisturbed time over the disturbed one, of which half is all that a computer shared with as many others has to give;
`processor time` the ratio of the disturbed to the undisturbed. The busy processes are started here and count numbers.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
from contextlib import contextmanager
from pathlib import Path

from job_runs import command, input_values, run_child, run_jobs, thread_environment


def main() -> None:
    """Train each way without and with competitors; print the table."""
    arguments = parse_arguments()
    project = arguments.work.resolve()
    count, box = arguments.particles, arguments.box
    simulated = {"particles": str(count), "box": str(box), "pixel_size": str(320 / box)}
    folders = run_jobs({"simulate": simulated, "prep": {}, "mesh": {}, "train": {}}, project, last="mesh")
    print(f"{count} images of {box} px, {arguments.epochs} passes, {arguments.threads} threads, "
          f"{arguments.competitors} busy processes; load before {os.getloadavg()[0]:.1f}")  # fmt: skip
    print(f"{'shared out':<24} {'alone, s':>9} {'busy, s':>9} {'speed':>6} {'CPU, s':>12} {'busy':>7} {'times':>6}")
    for name in arguments.ways:
        alone = trained(name, folders, project, arguments)
        with busy(arguments.competitors):
            shared = trained(name, folders, project, arguments)
        print(f"{name:<24} {alone[0]:9.1f} {shared[0]:9.1f} {alone[0] / shared[0]:6.2f} {alone[1]:12.1f} "
              f"{shared[1]:7.1f} {shared[1] / alone[1]:6.2f}", flush=True)  # fmt: skip


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path("bench/busy"), help="the project's folder")
    parser.add_argument("--particles", type=int, default=2000)
    parser.add_argument("--box", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--competitors", type=int, default=os.cpu_count(), help="busy processes (default: one a core)")
    parser.add_argument("--ways", nargs="+", default=["default"], help="default, or values of --devices: cpu, cpu,cpu")
    return parser.parse_args()


def trained(way: str, folders: dict[str, Path], project: Path, arguments: argparse.Namespace) -> tuple[float, float]:
    """Seconds from start to end of one training, and processor seconds of all its processes."""
    asked = {**input_values("train", folders), "epochs": str(arguments.epochs), "device": "cpu"}
    if way != "default":
        asked["devices"] = way
        del asked["device"]
    each = arguments.threads // len(way.split(","))
    before = processor_seconds()
    child = run_child(command("train", asked, project), thread_environment(each))
    if child.returncode:
        raise SystemExit(child.output)
    return child.seconds, processor_seconds() - before


def processor_seconds() -> float:
    """Of all children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@contextmanager
def busy(count: int):
    """So many processes that never wait."""
    processes = [multiprocessing.Process(target=count_on, daemon=True) for _ in range(count)]
    for process in processes:
        process.start()
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.join()


def count_on() -> None:
    """Keep a core busy."""
    number = 0
    while True:
        number += 1


if __name__ == "__main__":
    main()

"""Images per second of training in one process and in several, the same images, one thread each.

    python benchmarks/bench_team.py --processes 1 2 --particles 3000 --box 64
"""

from __future__ import annotations

import argparse
import os
import statistics
from pathlib import Path

import numpy as np
from job_runs import command, input_values, newest_job, run_child, run_jobs


def main() -> None:
    """Train with each number of processes; print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path("bench/team"), help="the project's folder")
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--particles", type=int, default=3000)
    parser.add_argument("--box", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=4)
    arguments = parser.parse_args()
    project = arguments.work.resolve()
    values = {"particles": str(arguments.particles), "box": str(arguments.box), "pixel_size": str(256 / arguments.box)}
    folders = run_jobs({"simulate": values, "prep": {}, "mesh": {}, "train": {}}, project, last="mesh")
    one = os.environ | {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
    print(f"{'processes':>9} {'full, images/s':>15} {'times one':>10} {'whole run, images/s':>19} {'times one':>10}")
    base = None
    for processes in arguments.processes:
        asked = {**input_values("train", folders), "epochs": str(arguments.epochs), "start": "modes"}
        if processes > 1:
            asked["devices"] = ",".join(["cpu"] * processes)
        child = run_child(command("train", asked, project), one)
        if child.returncode:
            raise SystemExit(child.output)
        with np.load(newest_job(project, "train") / "training.npz") as file:
            full = statistics.median(file["images_per_second"][file["box"] == arguments.box])
        whole = arguments.particles * arguments.epochs / child.seconds
        base = base or (full, whole)
        print(f"{processes:9d} {full:15.0f} {full / base[0]:10.2f} {whole:19.0f} {whole / base[1]:10.2f}", flush=True)


if __name__ == "__main__":
    main()

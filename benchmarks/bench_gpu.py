"""How busy training keeps a GPU, and how many images a second it trains on, streamed from disk.

Simulated antibodies of 128 pixels are prepared and meshed, then `flexrec train` runs on them while nvidia-smi is asked
ten times a second what share of the time the GPU computed. `full box` is the median over the passes that compare
images at their own box; `busy` the mean over the second half of the run, when those passes run, map solutions and
checkpoints between them included, and `busy in passes` the median of the samples, which those do not touch.

    python benchmarks/bench_gpu.py
    python benchmarks/bench_gpu.py --set train.devices=0,1 --set train.batch_size=256
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
from chimerax.flexrec.errors import InputError
from job_runs import command, newest_job, read_settings, run_child, run_jobs

FIELD_OF_VIEW = 320.0  # Å
QUERY = ["nvidia-smi", "--query-gpu=utilization.gpu,memory.used", "--format=csv,noheader,nounits", "-lms", "100"]


def main() -> int:
    """Print one line for every box."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path("bench/gpu"), help="folder for everything")
    parser.add_argument("--boxes", type=int, nargs="+", default=[128])
    parser.add_argument("--particles", type=int, default=20_000)
    parser.add_argument("--set", action="append", default=[], metavar="VERB.NAME=VALUE", help="a job's parameter")
    arguments = parser.parse_args()
    if shutil.which("nvidia-smi") is None:
        print("no NVIDIA GPU is here; nothing was measured")
        return 1
    values = read_settings(arguments.set)
    heads = ("images", "full box", "whole run", "busy", "busy in passes", "GPU GB")
    print(" box" + "".join(f" {head:>{width}}" for head, width in zip(heads, (8, 9, 10, 6, 15, 7))))
    for box in arguments.boxes:
        print(measure(box, arguments.particles, values, arguments.work.resolve() / f"{box}px"), flush=True)
    return 0


def measure(box: int, particles: int, values: dict[str, dict[str, str]], project: Path) -> str:
    """Train at one box; a line of the table."""
    made = {verb: dict(given) for verb, given in values.items()}
    size = {"particles": str(particles), "box": str(box), "pixel_size": str(FIELD_OF_VIEW / box)}
    made["simulate"], made["prep"] = size | made["simulate"], {"box": str(box)} | made["prep"]
    folders = run_jobs(made, project, last="mesh")
    inputs = {"particles": str(folders["prep"]), "mesh": str(folders["mesh"])}
    device = {} if "devices" in values["train"] else {"device": "cuda"}
    log = project / "utilisation.csv"
    with open(log, "w", encoding="ascii") as file:
        watching = subprocess.Popen(QUERY, stdout=file)
        try:
            child = run_child(command("train", inputs | device | values["train"], project), dict(os.environ))
        finally:
            watching.terminate()
            watching.wait()
    if child.returncode:
        raise InputError(f"flexrec train ended with {child.returncode}; see {project}.")
    folder = newest_job(project, "train")
    record = json.loads((folder / "model.json").read_text())
    with np.load(folder / "training.npz") as history:
        full = np.median(history["images_per_second"][history["box"] == box])
    busy, memory = np.loadtxt(log, delimiter=",", ndmin=2).T
    late, whole = busy[len(busy) // 2 :], record["particles"] * record["epochs"] / child.seconds
    return (f"{box:>4} {particles:>8} {full:>9.0f} {whole:>10.0f} {late.mean():>5.0f}% {np.median(late):>14.0f}% "
            f"{memory.max() / 1024:>7.1f}")  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(main())

"""Speed of training, FlexRec's and cryoDRGN's: the same images, poses, CTFs, computer and number of threads.

Simulated antibodies are prepared and meshed, then

- cryoDRGN (the Python that has it stands in FLEXREC_CRYODRGN_PYTHON) trains `train_vae --enc-dim 256 --dec-dim 256
  --zdim 8`, all else by default, on the first of the images for two epochs. Its rate is images over the time that its
  log gives for the second epoch: no start-up, no loading, no evaluation of latents.
- FlexRec runs `flexrec train` on all of them from start to end. `full box` is the median over its passes that compare
  images at their own box, as cryoDRGN does, of the images per second that it records: latents and flow, without the
  map's half-map solutions between passes. `whole run` is particles times epochs over all seconds from start to end:
  the coarse passes, start-up and compilation, start of the latents, half maps, checkpoints and figures included.

Nothing else should run meanwhile: the two are measured one after the other.

    python benchmarks/bench_training_speed.py --boxes 64 128 --set train.epochs=4
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from chimerax.flexrec.errors import InputError
from job_runs import command, newest_job, read_settings, run_child, run_jobs, thread_environment

FIELD_OF_VIEW = 320.0  # Å
PARTICLES = {64: 3000, 128: 1000, 256: 300}
CRYODRGN_IMAGES = {64: 1000, 128: 250, 256: 50}
CRYODRGN = "from cryodrgn.command_line import main_commands; main_commands()"
EPOCH = re.compile(r"=====> Epoch: (\d+) .*Finished in (?:(\d+) days?, )?(\d+):(\d+):([\d.]+)")


@dataclass(frozen=True)
class Rate:
    """One line of the table; images per second, NaN where not known."""

    program: str
    box: int
    particles: int
    full_box: float
    whole_run: float
    note: str


def main() -> None:
    """Measure every box; print the table line by line."""
    arguments = parse_arguments()
    python = os.environ.get("FLEXREC_CRYODRGN_PYTHON")
    load = f", load before {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    print(f"training on {where(python)}, {arguments.threads} threads{load}, images/s")
    print(f"{'box':>4} {'program':<16} {'images':>7} {'full box':>9} {'whole run':>10}  what", flush=True)
    for box in arguments.boxes:
        folders = prepare(box, arguments)
        other = cryodrgn_rate(python, folders["prep"], box, arguments) if python else None
        if other:
            print_rate(other)
        print_rate(flexrec_rate(folders, box, arguments), other)
    if not python:
        print("cryoDRGN is not measured: name a Python that has it in FLEXREC_CRYODRGN_PYTHON")


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path("bench/training_speed"), help="folder for everything")
    parser.add_argument("--boxes", type=int, nargs="+", default=[64, 128], choices=sorted(PARTICLES))
    parser.add_argument("--particles", type=int, help=f"images to train on (default: {PARTICLES})")
    parser.add_argument("--images", type=int, help=f"of them, cryoDRGN's (default: {CRYODRGN_IMAGES})")
    parser.add_argument("--epochs", type=int, default=2, help="of cryoDRGN; the last is timed (default: 2)")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of both (default: one per core)")
    parser.add_argument("--set", action="append", default=[], metavar="VERB.NAME=VALUE", help="a job's parameter")
    arguments = parser.parse_args()
    arguments.values = read_settings(arguments.set)
    return arguments


def prepare(box: int, arguments: argparse.Namespace) -> dict[str, Path]:
    """Folders of the simulate, prep and mesh jobs; made once."""
    count, values = arguments.particles or PARTICLES[box], {verb: dict(v) for verb, v in arguments.values.items()}
    size = {"particles": str(count), "box": str(box), "pixel_size": str(FIELD_OF_VIEW / box)}
    values["simulate"] = size | values["simulate"]
    values["prep"] = {"box": str(box)} | values["prep"]
    return run_jobs(values, arguments.work.resolve() / f"{box}px-{count}", last="mesh")


def cryodrgn_rate(python: str, prepared: Path, box: int, arguments: argparse.Namespace) -> Rate:
    """Train cryoDRGN on the first of the prepared images and read its log."""
    there = json.loads((prepared / "prep.json").read_text())["count"]
    count, folder = min(arguments.images or CRYODRGN_IMAGES[box], there), prepared.parent / "cryodrgn"
    folder.mkdir(exist_ok=True)
    (folder / "run.log").unlink(missing_ok=True)
    (folder / "first.pkl").write_bytes(pickle.dumps(np.arange(count)))

    def cryodrgn(*words: object) -> None:
        call = [python, "-c", CRYODRGN, *map(str, words)]
        done = subprocess.run(call, env=thread_environment(arguments.threads), capture_output=True, text=True)
        if done.returncode:
            raise InputError(f"cryodrgn {words[0]} failed: {done.stderr.strip().splitlines()[-1:]}")

    cryodrgn("parse_pose_star", prepared / "particles.star", "-o", folder / "pose.pkl")
    cryodrgn("parse_ctf_star", prepared / "particles.star", "-o", folder / "ctf.pkl")
    cryodrgn(
        "train_vae", prepared / "particles.mrcs", "-o", folder, "--poses", folder / "pose.pkl", "--ctf",
        folder / "ctf.pkl", "--ind", folder / "first.pkl", "--zdim", 8, "--enc-dim", 256, "--dec-dim", 256,
        "--uninvert-data", "-n", arguments.epochs, "--checkpoint", 0, "--no-analysis",
    )  # fmt: skip
    log = (folder / "run.log").read_text()
    version = re.search(r"cryoDRGN (\S+)", log)
    name = f"cryoDRGN {version.group(1) if version else ''}"
    return Rate(name, box, count, count / epoch_seconds(log)[-1], float("nan"), "enc 256, dec 256, zdim 8")


def epoch_seconds(log: str) -> list[float]:
    """Seconds of each epoch's training, as cryoDRGN logs them."""
    matches = EPOCH.findall(log)
    if not matches:
        raise InputError("cryoDRGN's log names no finished epoch; give it fewer images with --images.")
    return [86400 * int(days or 0) + 3600 * int(h) + 60 * int(m) + float(s) for _, days, h, m, s in matches]


def flexrec_rate(folders: dict[str, Path], box: int, arguments: argparse.Namespace) -> Rate:
    """Run ``flexrec train`` in a process of its own and read its progress."""
    project, values = folders["prep"].parent, arguments.values["train"]
    inputs = {"particles": str(folders["prep"]), "mesh": str(folders["mesh"])}
    words = command("train", inputs | values, project)
    child = run_child(words, thread_environment(arguments.threads))
    if child.returncode:
        raise InputError(f"flexrec train ended with {child.returncode}; see {project}.")
    folder = newest_job(project, "train")
    record = json.loads((folder / "model.json").read_text())
    with np.load(folder / "training.npz") as history:
        full = history["images_per_second"][history["box"] == box]
    particles, epochs = record["particles"], record["epochs"]
    note = f"{epochs} epochs, latents {record['latent_dims']}" + "".join(
        f", {name} {value}" for name, value in values.items() if name not in ("epochs", "latent_dims")
    )
    return Rate("FlexRec", box, particles, float(np.median(full)), particles * epochs / child.seconds, note)


def where(python: str | None) -> str:
    """What both programs compute on; ``InputError`` where only one has the GPU."""
    import torch

    gpu = torch.cuda.is_available()
    if python:
        ask = "import torch; print(torch.cuda.is_available())"
        theirs = subprocess.run([python, "-c", ask], capture_output=True, text=True).stdout.strip() == "True"
        if theirs != gpu:
            raise InputError("One of the two programs sees a GPU and the other does not; set CUDA_VISIBLE_DEVICES=''.")
    return torch.cuda.get_device_name() if gpu else "the CPU"


def print_rate(rate: Rate, other: Rate | None = None) -> None:
    """One line, with how many times faster than ``other`` the full box is."""
    times = f"{rate.full_box / other.full_box:.1f} times as fast; " if other else ""
    print(f"{rate.box:4d} {rate.program:<16} {rate.particles:7d} {rate.full_box:9.1f} {rate.whole_run:10.1f}  "
          f"{times}{rate.note}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()

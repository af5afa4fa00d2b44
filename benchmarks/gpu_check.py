"""What only an NVIDIA card can tell, in one table: right, fast, and the same result as the processor's.

Kernels: Triton's against the reference, at sizes that training uses, beside the tests of the kernels. Speed: images a
second of every backend. Training: 20,000 simulated antibodies of 128 pixels from particles to a model on the card, how
busy it was, where the time went, latents and maps against the truth; the same on the processor for as long as is left
(stopped then, and said so). Both once more on few particles, for as many passes, so that the results can be compared
number by number. Then decoding and reconstruction. `--minutes` is kept by what comes last: the processor's training.

    python benchmarks/gpu_check.py --work bench/gpu
    python benchmarks/gpu_check.py --device cpu --particles 600 --few 200 --box 32     # try the script without a card
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from bench_decode import milliseconds, random_model
from bench_projector import COARSENESS, PASSES, gpu_name, rate, workload
from chimerax.flexrec.engine.projector.mesh_projector import OVERSAMPLING
from chimerax.flexrec.engine.projector.splat import gather, splat
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.models import open_model
from chimerax.flexrec.particles.prepared import load_prepared
from chimerax.flexrec.simulate import load_truth
from job_runs import command, newest_job, run_child, run_jobs, stage_seconds
from motion import source_rows
from score import even_particles, score_latents, score_maps

FIELD_OF_VIEW = 320.0  # Å
QUERY = ["nvidia-smi", "--query-gpu=utilization.gpu,memory.used", "--format=csv,noheader,nounits", "-lms", "100"]
SCORED = 8  # particles whose maps are compared with the true ones
CLOSE = {torch.float32: 1e-4, torch.float64: 1e-10}  # of the largest value of the reference
HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Trained:
    """A training: its folder, whether it came to its end, seconds, images a second, share of the card and GB used."""

    folder: Path
    ended: bool
    seconds: float
    full_box: float
    busy: float
    memory: float


def main() -> int:
    """Print the table; 1 where the kernels are wrong or a job failed."""
    arguments = parse_arguments()
    ends = time.monotonic() + 60 * arguments.minutes
    if arguments.device == "cuda" and not torch.cuda.is_available():
        print("no NVIDIA GPU is here; nothing was measured")
        return 1
    print(f"torch {torch.__version__}, {gpu_name()}, {os.cpu_count()} cores")
    right = kernels(arguments.device)
    speeds(arguments)
    if arguments.tests:
        right &= kernel_tests()
    training(arguments, ends)
    return 0 if right else 1


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path("bench/gpu"), help="folder for everything")
    parser.add_argument("--device", default="cuda", help="cuda; cpu to try the script")
    parser.add_argument("--particles", type=int, default=20_000)
    parser.add_argument("--few", type=int, default=2_000, help="particles of the trainings that are compared")
    parser.add_argument("--box", type=int, default=128)
    parser.add_argument("--minutes", type=float, default=8.0, help="when the processor's training is stopped")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a parameter of train")
    parser.add_argument("--no-tests", dest="tests", action="store_false", help="leave out the tests of the kernels")
    parser.add_argument("--no-cpu", dest="cpu", action="store_false", help="leave out the processor's trainings")
    return parser.parse_args()


def say(what: str, value: str, note: str = "") -> None:
    """A line of the table."""
    print(f"{what:<58} {value:>22}  {note}", flush=True)


# ----- kernels -----


def kernels(device: str) -> bool:
    """Whether the fast backend of the device gives the reference's images and gradients at training's sizes."""
    right = True
    for box in sorted(COARSENESS)[:2]:
        for dtype, most in CLOSE.items():
            cloud, density, affine = workload(box, 8, device)
            density, affine, points = density.to(dtype), affine.to(dtype), cloud.points.to(dtype)
            sides = [
                images_and_gradients(density, points, cloud.offsets, affine, OVERSAMPLING * box, name)
                for name in ("torch", "auto")
            ]
            apart = [float((a - b).abs().max() / a.abs().max()) for a, b in zip(*sides, strict=True)]
            right &= max(apart) < most
            names = ("d density", "d affine", "gather")
            words = ", ".join(f"{name} {value:.0e}" for name, value in zip(names, apart[1:]))
            say(f"kernels against the reference, {box} px, {str(dtype)[6:]}", f"images {apart[0]:.0e}",
                words + ("" if max(apart) < most else f"   WRONG: more than {most:.0e}"))  # fmt: skip
    return right


def images_and_gradients(density, points, offsets, affine, size: int, backend: str) -> list[torch.Tensor]:
    """Images, both gradients for a fixed weighting of them, and the gather of that weighting."""
    density, affine = density.clone().requires_grad_(), affine.clone().requires_grad_()
    images = splat(density, points, offsets, affine, size, backend)
    probe = torch.sin(torch.arange(images.numel(), device=images.device).to(images.dtype)).view_as(images)
    (images * probe).sum().backward()
    return [images.detach(), density.grad, affine.grad, gather(probe, points, offsets, affine.detach(), backend)]


def kernel_tests() -> bool:
    """The tests of the kernels, run on this card."""
    began = time.monotonic()
    test = HERE.parent / "tests/test_splat_triton.py"
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(test)]
    done = subprocess.run(words, capture_output=True, text=True, cwd=HERE.parent)
    last = (done.stdout.strip().splitlines() or [done.stderr[-300:]])[-1]
    say("tests/test_splat_triton.py", f"{time.monotonic() - began:.0f} s", last)
    if done.returncode:
        print(done.stdout[-3000:])
    return done.returncode == 0


def speeds(arguments: argparse.Namespace) -> None:
    """Images a second of every backend, forward and with gradients."""
    on_gpu = [("torch", "cuda", 64), ("triton", "cuda", 256)] if arguments.device == "cuda" else []
    for box in sorted(COARSENESS)[:2] if arguments.device == "cpu" else sorted(COARSENESS):
        for backend, device, count in [("numba", "cpu", 64), *on_gpu]:
            cloud, density, affine = workload(box, count if box < 256 else count // 4, device)
            rates = {name: rate(cloud, density, affine, box, backend, wanted) for name, wanted in PASSES.items()}
            words = ", ".join(f"{name} {value:,.0f}" for name, value in list(rates.items())[1:])
            say(f"projector, {box} px, {len(cloud):,} voxels, {backend} on {device}",
                f"{rates['forward']:,.0f} images/s", words)  # fmt: skip


# ----- jobs -----


def training(arguments: argparse.Namespace, ends: float) -> None:
    """Train on the card and on the processor, and say how they compare; then decode and reconstruct."""
    many, few = (prepare(arguments, count) for count in (arguments.particles, arguments.few))
    for name, seconds in many["seconds"].items():
        say(f"{name}, {arguments.particles:,} × {arguments.box} px (processor)", f"{seconds:.0f} s")
    trained = train(many, arguments, arguments.device)
    report(trained, many, arguments, arguments.device)
    devices = [arguments.device, *(["cpu"] if arguments.cpu and arguments.device != "cpu" else [])]
    compared = {device: train(few, arguments, device) for device in devices}
    for device, one in compared.items():
        report(one, few, arguments, device)
    if len(compared) == 2:
        compare(*(open_model(one.folder) for one in compared.values()))
    decoding(trained)
    reconstruction(many, arguments)
    left = ends - time.monotonic()
    if arguments.cpu and arguments.device != "cpu" and left > 20:
        report(train(many, arguments, "cpu", limit=left - 10), many, arguments, "cpu")


def prepare(arguments: argparse.Namespace, count: int) -> dict:
    """Folders of the simulate, prep and mesh jobs of ``count`` particles, made once, and the seconds each took."""
    size = {"particles": str(count), "box": str(arguments.box), "pixel_size": str(FIELD_OF_VIEW / arguments.box)}
    values = {"simulate": size, "prep": {"box": str(arguments.box)}, "mesh": {}}
    began, folders, seconds = time.monotonic(), {}, {}
    for verb in values:
        folders = run_jobs(values, arguments.work.resolve() / f"{arguments.box}px-{count}", last=verb)
        seconds[verb], began = time.monotonic() - began, time.monotonic()
    return {**folders, "seconds": seconds}


def train(data: dict, arguments: argparse.Namespace, device: str, limit: float | None = None) -> Trained:
    """Run ``flexrec train`` in a process of its own, watching the card."""
    project = data["prep"].parent
    given = dict(word.split("=", 1) for word in arguments.set)
    inputs = {"particles": str(data["prep"]), "mesh": str(data["mesh"]), "device": device}
    log = project / "utilisation.csv"
    watched = device == "cuda" and shutil.which("nvidia-smi") is not None
    with open(log, "w", encoding="ascii") as file:
        watching = subprocess.Popen(QUERY, stdout=file) if watched else None
        try:
            child = run_child(command("train", inputs | given, project), dict(os.environ), limit)
        finally:
            if watching:
                watching.terminate()
                watching.wait()
    folder = newest_job(project, "train")
    stopped = limit is not None and child.seconds > limit
    if child.returncode and not stopped:
        raise InputError(f"flexrec train ended with {child.returncode}: {(folder / 'log.txt').read_text()[-2000:]}")
    busy, memory = np.loadtxt(log, delimiter=",", ndmin=2).T if watched else (np.zeros(1), np.zeros(1))
    return Trained(folder, not stopped, child.seconds, full_box_rate(folder, arguments.box),
                   float(busy[len(busy) // 2 :].mean()), float(memory.max()) / 1024)  # fmt: skip


def full_box_rate(folder: Path, box: int) -> float:
    """Images a second, median over the passes at the images' own box; NaN before the first."""
    if not (folder / "training.npz").is_file():
        return float("nan")
    with np.load(folder / "training.npz") as history:
        rates = history["images_per_second"][history["box"] == box]
    return float(np.median(rates)) if len(rates) else float("nan")


def report(trained: Trained, data: dict, arguments: argparse.Namespace, device: str) -> None:
    """Lines of the table about one training."""
    count = len(load_prepared(data["prep"]).particles)
    head = f"train, {count:,} × {arguments.box} px, {device}"
    how = f"full box {trained.full_box:,.0f} images/s"
    if device == "cuda":
        how += f", card busy {trained.busy:.0f} %, {trained.memory:.1f} GB"
    say(head, f"{trained.seconds:.0f} s" + ("" if trained.ended else " (stopped)"), how)
    spent = sorted(stage_seconds(trained.folder).items(), key=lambda item: -item[1])
    say("  where the time went", "", ", ".join(f"{name} {seconds:.0f}" for name, seconds in spent if seconds >= 0.5))
    if (trained.folder / "model.json").is_file():
        scores(trained, data)


def scores(trained: Trained, data: dict) -> None:
    """How near latents and maps are to the truth."""
    prepared, truth, model = load_prepared(data["prep"]), load_truth(data["simulate"]), open_model(trained.folder)
    angles = truth.angles[source_rows(prepared.particles)]
    latents = score_latents(model.latents, angles[:, 0])
    rows = even_particles(len(angles), SCORED)
    maps = score_maps(truth, angles[rows], (model.decode(model.latents[row]) for row in rows), prepared.pixel_size)
    epoch = json.loads((trained.folder / "model.json").read_text())["epoch"]
    say(f"  after pass {epoch}", f"Spearman {latents.spearman:.4f}",
        f"predicted {latents.predicted:.4f}, FSC area in the moving part {maps.moving_area:.4f}")  # fmt: skip


def compare(first, second) -> None:
    """Two models of the same particles: do latents and maps agree?"""
    design = np.column_stack([first.latents, np.ones(len(first.latents))])
    fitted = design @ np.linalg.lstsq(design, second.latents, rcond=None)[0]
    alike = [np.corrcoef(fitted[:, i], second.latents[:, i])[0, 1] for i in range(second.latents.shape[1])]
    rows = even_particles(len(design), SCORED)
    maps = [np.corrcoef(*(model.decode(model.latents[row]).ravel() for model in (first, second)))[0, 1] for row in rows]
    say("  card and processor: latents; maps of the same particles", f"{min(alike):.4f}; {min(maps):.4f}",
        "least correlation")  # fmt: skip


def decoding(trained: Trained) -> None:
    """Milliseconds of a map at a new point."""
    model = open_model(trained.folder)
    z = np.random.default_rng(0).normal(size=(20, model.latents.shape[1])).astype(np.float32)
    say("decode a new map, trained model (processor)", f"{milliseconds(lambda i: model.decode(z[i])):.1f} ms")
    big = random_model(256)
    z = np.random.default_rng(0).normal(size=(20, big.latents.shape[1])).astype(np.float32)
    say("decode a new map, 256 px (processor)", f"{milliseconds(lambda i: big.decode(z[i])):.1f} ms")


def reconstruction(data: dict, arguments: argparse.Namespace) -> None:
    """Seconds of a rigid reconstruction of all particles."""
    project = data["prep"].parent
    child = run_child(command("reconstruct", {"particles": str(data["prep"])}, project), dict(os.environ))
    log = (newest_job(project, "reconstruct") / "log.txt").read_text()
    match = re.search(r"agree to ([\d.]+ Å)", log)
    say(f"reconstruct, {arguments.particles:,} × {arguments.box} px, rigid (processor)", f"{child.seconds:.0f} s",
        f"halves agree to {match.group(1)}" if match else log[-200:])  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(main())

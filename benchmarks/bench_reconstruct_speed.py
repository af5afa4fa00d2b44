"""How fast `reconstruct --model` passes over images of 128, 192 and 256 pixels, and in how much memory.

    FLEXREC_CRYODRGN_PYTHON=/path/to/python python benchmarks/bench_reconstruct_speed.py --work bench/reconstruct-speed

Particles of one field of view are simulated at each box, prepared and trained at 64 pixels for one pass, and
reconstructed under motion, without the rigid twin, on one thread, each in a process of its own; once with few and once
with many images. Speed is by what the many take longer of a processor, so that what does not depend on the number of
images (starting, resolution, reports) is left out, and other work on the machine hardly matters. ``volumes`` is the
peak of resident memory, less that of a Python that has imported the engine, over 4 · box³ bytes. Beside it cryoDRGN's
`backproject_voxel` of the same images, which passes over them once (motion is unknown to it).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from job_runs import Child, command, read_settings, run_child, run_jobs, thread_environment
from peer_programs import CRYODRGN, Program, child_seconds

FIELD_OF_VIEW = 320.0  # Å
IMPORTED = "import torch, numba, scipy, chimerax.flexrec.engine.training.stage"


@dataclass(frozen=True)
class Run:
    """A reconstruction: ``seconds`` of a processor, ``passes`` over the images, ``peak`` of memory in bytes."""

    images: int
    seconds: float
    passes: int
    peak: int


def main() -> None:
    """Measure every box; print the table line by line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="folder for everything")
    parser.add_argument("--boxes", type=int, nargs="+", default=[128, 192, 256])
    parser.add_argument("--counts", type=int, nargs=2, default=[400, 1600], help="images: few and many")
    arguments = parser.parse_args()
    python = os.environ.get("FLEXREC_CRYODRGN_PYTHON")
    empty = measured([sys.executable, "-c", IMPORTED])[1].peak
    print(f"a Python with the engine: {empty / 1e6:.0f} MB")
    print(f"{'box':>4} {'images':>12} {'passes':>7} {'images/s':>9} {'peak, few':>10} {'many':>9} {'volumes':>14} "
          f"{'cryoDRGN images/s':>18}")  # fmt: skip
    for box in arguments.boxes:
        few, many = (reconstructed(project_of(arguments.work, box, count), count) for count in arguments.counts)
        rate = (many.passes * many.images - few.passes * few.images) / (many.seconds - few.seconds)
        volumes = " ".join(f"{(run.peak - empty) / (4 * box**3):.1f}" for run in (few, many))
        peer = f"{cryodrgn_rate(python, arguments, box):.0f}" if python else "-"
        print(f"{box:4} {few.images:5} {many.images:6} {many.passes:7} {rate:9.0f} {few.peak / 1e6:7.0f} MB "
              f"{many.peak / 1e6:6.0f} MB {volumes:>14} {peer:>18}", flush=True)  # fmt: skip


def project_of(work: Path, box: int, images: int) -> Path:
    """The folder of a box and a number of images."""
    return work / f"{box}px-{images}"


def measured(words: list[str]) -> tuple[float, Child]:
    """A command's processor seconds and what it did; an error where it failed."""
    before = child_seconds()
    child = run_child(words, thread_environment(1))
    if child.returncode:
        raise SystemExit(f"{' '.join(words)} failed")
    return child_seconds() - before, child


def reconstructed(project: Path, images: int) -> Run:
    """Simulate, train, and reconstruct in a process of its own."""
    values = read_settings(["prep.box=64", "train.latent_dims=1", "train.epochs=1"])
    box = int(project.name.partition("px")[0])
    values["simulate"] = {"particles": str(images), "box": str(box), "pixel_size": f"{FIELD_OF_VIEW / box:.6g}",
                          "snr": "0.05", "hinges": "fab1: ±15"}  # fmt: skip
    folders = run_jobs(values, project)
    asked = {"particles": str(folders["prep"]), "model": str(folders["train"]), "twin": "false"}
    seconds, child = measured(command("reconstruct", asked, project))
    about = json.loads((Path(child.output) / "reconstruct.json").read_text())
    return Run(images, seconds, about["solved"]["moved"]["passes"], child.peak)


def cryodrgn_rate(python: str, arguments: argparse.Namespace, box: int) -> float:
    """Images a second of a processor that cryoDRGN's `backproject_voxel` takes in."""
    seconds = []
    for count in arguments.counts:
        project = project_of(arguments.work, box, count)
        star = next(project.glob("*-simulate")) / "particles.star"
        folder = project / "cryodrgn"
        program = Program(python, CRYODRGN, folder, 1)
        program.run("parse_pose_star", star, "-o", folder / "pose.pkl")
        program.run("parse_ctf_star", star, "-o", folder / "ctf.pkl")
        seconds.append(program.run("backproject_voxel", star.with_suffix(".mrcs"), "--poses", folder / "pose.pkl",
                                   "--ctf", folder / "ctf.pkl", "-o", folder / "map"))  # fmt: skip
    few, many = arguments.counts
    return (many - few) / (seconds[1] - seconds[0])


if __name__ == "__main__":
    main()

"""A whole training by each of several checkouts of FlexRec: the same images, computer and number of threads.

    git worktree add /tmp/before v0.1
    python benchmarks/bench_versions.py --trees /tmp/before . --boxes 64 128

The images are simulated once, by the FlexRec that runs this script, with poses off by 1.4 degrees and 1.2 Å and 15 % of
images that hold no particle. Each checkout then runs its own `prep`, `mesh` and `train` with its own defaults, each job
in a process of its own. Printed of each: seconds of prep and mesh together, seconds of the training from start to end,
seconds of a processor that all of the training's processes used, passes, and how well the latents order the particles
(Spearman, single latent, of those that are particles). Nothing else should run meanwhile: the load average is printed
beside each line.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import tempfile
from pathlib import Path

import numpy as np
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.simulate import load_truth
from job_runs import command, newest_job, run_child, run_jobs, thread_environment
from score import score_latents

FIELD_OF_VIEW = 320.0  # Å
HEADS = " box tree                      load  prep, mesh  train, s   CPU, s  passes Spearman"
ASKED = {"pose_error": "1.4,1.2", "junk": "0.15", "snr": "0.1"}


def main() -> None:
    """Simulate each box once and train it by every tree; print the table line by line."""
    arguments = parse_arguments()
    print(HEADS, flush=True)
    for box in arguments.boxes:
        work = arguments.work.resolve() / f"{box}px-{arguments.particles}"
        size = {"particles": str(arguments.particles), "box": str(box), "pixel_size": str(FIELD_OF_VIEW / box)}
        empty = {verb: {} for verb in ("prep", "mesh", "train")}
        made = run_jobs({"simulate": size | ASKED, **empty}, work, arguments.seed, last="simulate")["simulate"]
        for tree in arguments.trees:
            measure_tree(tree.resolve(), made, work / tree.resolve().name, box, arguments)


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trees", type=Path, nargs="+", default=[Path()], help="checkouts; each has src/")
    parser.add_argument("--work", type=Path, default=Path("bench/versions"), help="folder for everything")
    parser.add_argument("--boxes", type=int, nargs="+", default=[64, 128])
    parser.add_argument("--particles", type=int, default=5000)
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of each job (default: one per core)")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def measure_tree(tree: Path, simulated: Path, project: Path, box: int, arguments: argparse.Namespace) -> None:
    """Run prep, mesh and train of one checkout; print its line."""
    if not (tree / "src").is_dir():
        raise InputError(f"{tree}: has no src folder; name checkouts of FlexRec.")
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as site:
        (Path(site) / "chimerax").mkdir()
        (Path(site) / "chimerax" / "flexrec").symlink_to(tree / "src")
        environment = thread_environment(arguments.threads) | {"PYTHONPATH": site}

        def run(verb: str, **values: object) -> tuple[Path, float, float]:
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            words = command(verb, {name: str(value) for name, value in values.items()}, project, arguments.seed)
            child = run_child(words, environment)
            if child.returncode:
                raise InputError(f"{verb} of {tree} ended with {child.returncode}; see {project}.")
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            return newest_job(project, verb), child.seconds, used

        consensus = simulated / "consensus.mrc"
        prep, first, _ = run("prep", particles=simulated / "particles.star", consensus=consensus, box=box)
        mesh, second, _ = run("mesh", consensus=consensus)
        train, wall, used = run("train", particles=prep, mesh=mesh, latent_dims=1)
    passes = json.loads((train / "model.json").read_text())["epochs"]
    print(f"{box:4d} {tree.name:<24} {load:5.1f} {first + second:11.1f} {wall:9.1f} {used:8.1f} {passes:7d} "
          f"{spearman(train, simulated):8.3f}", flush=True)  # fmt: skip


def spearman(train: Path, simulated: Path) -> float:
    """Rank correlation of the latent with the true angle, over the images that show a particle."""
    truth = load_truth(simulated)
    with np.load(train / "latents.npz", allow_pickle=False) as file:
        latents = file["z"]
    particles = truth.kind == 0
    return score_latents(latents[particles], truth.angles[particles, 0]).spearman


if __name__ == "__main__":
    main()

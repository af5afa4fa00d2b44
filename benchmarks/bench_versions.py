"""A whole training by each of several checkouts of FlexRec: the same images, computer and number of threads.

    git worktree add /tmp/before v0.1
    python benchmarks/bench_versions.py --trees /tmp/before . --boxes 64 128

The images are simulated once, by the FlexRec that runs this script, with poses off by 1.4 degrees and 1.2 Å and 15 % of
images that hold no particle. Each checkout then runs its own `prep`, `mesh` and `train` with its own defaults, each job
in a process of its own. Printed of each: seconds of prep and mesh together, seconds of the training from start to end,
seconds of a processor that all of the training's processes used, passes, and how well the latents order the particles
(Spearman of the true angle with the best single latent, and with the angle that the latents predict, of those that are
particles). Nothing else should run meanwhile: the load average is printed beside each line.

With ``--cryodrgn-epochs N`` cryoDRGN (the Python that has it stands in FLEXREC_CRYODRGN_PYTHON) trains `train_vae` on
the same images for N epochs on one thread. Its line is of the epoch whose latents predict the angle best: the seconds
are those of a processor up to that epoch, of N equal ones.
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
from peer_programs import CRYODRGN, Program, cryodrgn_latents, train_cryodrgn
from score import LatentScore, score_latents

FIELD_OF_VIEW = 320.0  # Å
HEADS = " box tree                      load  prep, mesh  train, s   CPU, s  passes Spearman; predicted"
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
        if arguments.cryodrgn_epochs:
            measure_cryodrgn(made, work / "cryodrgn", box, arguments)


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trees", type=Path, nargs="*", default=[Path()], help="checkouts; each has src/")
    parser.add_argument("--work", type=Path, default=Path("bench/versions"), help="folder for everything")
    parser.add_argument("--boxes", type=int, nargs="+", default=[64, 128])
    parser.add_argument("--particles", type=int, default=5000)
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of each job (default: one per core)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cryodrgn-epochs", type=int, default=0, help="passes of cryoDRGN (default: it is not run)")
    parser.add_argument("--zdim", type=int, default=8, help="of cryoDRGN (default: 8)")
    parser.add_argument("--cryodrgn", default="", metavar="OPTIONS", help="more words for train_vae")
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
          f"{score_text(score(latents_of(train), simulated))}", flush=True)  # fmt: skip


def measure_cryodrgn(simulated: Path, folder: Path, box: int, arguments: argparse.Namespace) -> None:
    """Train cryoDRGN on the same images; print the line of its best epoch."""
    python = os.environ.get("FLEXREC_CRYODRGN_PYTHON")
    if not python:
        raise InputError("cryoDRGN: name a Python that has it in FLEXREC_CRYODRGN_PYTHON.")
    program, load = Program(python, CRYODRGN, folder, 1), os.getloadavg()[0]
    epochs = train_cryodrgn(
        program, simulated / "particles.star", arguments.zdim, arguments.cryodrgn, 0, arguments.cryodrgn_epochs
    )
    scores = [score(cryodrgn_latents(program, epoch), simulated) for epoch in range(1, epochs + 1)]
    best = max(range(epochs), key=lambda k: scores[k].predicted)
    used, name = program.seconds * (best + 1) / epochs, f"cryoDRGN {program.version('cryodrgn')}"
    print(f"{box:4d} {name:<24} {load:5.1f} {'-':>11} {'-':>9} {used:8.1f} {best + 1:7d} "
          f"{score_text(scores[best])} (of {epochs} epochs, {program.seconds:.0f} s)", flush=True)  # fmt: skip


def latents_of(train: Path) -> np.ndarray:
    """Latents ``(n, k)`` of a train job, by whichever version."""
    with np.load(train / "latents.npz", allow_pickle=False) as file:
        return file["z"]


def score_text(result: LatentScore) -> str:
    """Both rank correlations."""
    return f"{result.spearman:8.3f}; {result.predicted:.3f}"


def score(latents: np.ndarray, simulated: Path) -> LatentScore:
    """Latents ``(n, k)`` against the true angle, over the images that show a particle."""
    truth = load_truth(simulated)
    particles = truth.kind == 0
    return score_latents(latents[particles], truth.angles[particles, 0])


if __name__ == "__main__":
    main()

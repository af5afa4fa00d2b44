"""Does FlexRec find a known motion? Simulate, prepare, mesh, train; then score maps and latents against the truth.

    python benchmarks/motion.py --work bench/motion --particles 5000 --box 64 --pixel-size 5 --snr 0.1 --seeds 0,1
        --hinges "fab1: ±15" --set train.epochs=8 --set mesh.coarseness=12

As CryoBench's IgG-1D (one Fab of PDB 1HZH turned by 360° in 100 conformations; its SNR of 0.01 is that of images
twice as large, which is 0.04 here):

    python benchmarks/motion.py --work bench/igg1d --molecule 1hzh.pdb --hinges "L,H:1-230: 360" --states 100
        --particles 100000 --box 128 --pixel-size 3 --snr 0.04 --set simulate.resolution=3 --set simulate.shift=17

Every parameter of every job can be given by ``--set VERB.NAME=VALUE``. Jobs that are already done in ``--work`` with
the same parameters are not run again. Prints one line per seed and writes scores.json.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from chimerax.flexrec.engine.simulate import load_truth
from chimerax.flexrec.models import open_model
from chimerax.flexrec.particles.prepared import load_prepared
from job_runs import job_seconds, read_settings, run_jobs
from reference_maps import PreparedTruth, oracle_maps, rigid_map
from score import even_particles, score_latents, score_maps, way

ALIKE = 25  # particles whose latents are averaged for a state


@dataclass(frozen=True)
class Result:
    """One seed's scores: areas under the FSC, whole and in the moving part; way to the oracle; latents per hinge.

    The model's maps are those at the latents of states; ``image_way`` is for maps at the latents of single images.
    """

    seed: int
    whole: dict[str, float]
    moving: dict[str, float]
    whole_way: float
    moving_way: float
    image_way: float
    spearman: list[float]
    predicted: list[float]
    error: list[float]
    seconds: dict[str, float]


def main() -> None:
    """Run and score every seed; print a table."""
    arguments = parse_arguments()
    results = []
    for seed in arguments.seeds:
        results.append(run_seed(arguments, seed))
        print_table(results)
    scores = arguments.work / "scores.json"
    scores.write_text(json.dumps([asdict(result) for result in results], indent=1) + "\n")


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="folder for one project per seed")
    parser.add_argument("--seeds", type=lambda text: [int(word) for word in text.split(",")], default=[0])
    parser.add_argument("--scored", type=int, default=20, help="particles whose maps are compared, evenly spaced")
    parser.add_argument("--set", action="append", default=[], metavar="VERB.NAME=VALUE", help="a job's parameter")
    for name in ("particles", "box", "pixel-size", "snr", "hinges", "molecule", "states"):
        parser.add_argument(f"--{name}", help="as of flexrec simulate")
    return parser.parse_args()


def job_values(arguments: argparse.Namespace) -> dict[str, dict[str, str]]:
    """What was asked of each job, as text."""
    values = read_settings(arguments.set)
    for name in ("particles", "box", "pixel_size", "snr", "hinges", "molecule", "states"):
        if getattr(arguments, name) is not None:
            values["simulate"][name] = getattr(arguments, name)
    return values


def run_seed(arguments: argparse.Namespace, seed: int) -> Result:
    """All jobs of one seed, then the scores."""
    folders = run_jobs(job_values(arguments), arguments.work / f"seed{seed}", seed)
    seconds = {verb: job_seconds(folder) for verb, folder in folders.items()}
    return score(folders, arguments.scored, seed, seconds)


def score(folders: dict[str, Path], scored: int, seed: int, seconds: dict[str, float]) -> Result:
    """Maps at the states of evenly spaced particles, and all latents, against the truth."""
    prepared, truth = load_prepared(folders["prep"]), load_truth(folders["simulate"])
    data = PreparedTruth(prepared, truth, source_rows(prepared.particles))
    model = open_model(folders["train"])
    rows = even_particles(len(data.row), scored)
    rigid, oracle = rigid_map(data), oracle_maps(data)
    maps = {
        "rigid": (rigid for _ in rows),
        "model": (model.decode(z) for z in state_latents(model.latents, data.angles, rows)),
        "image": (model.decode(model.latents[row]) for row in rows),
        "oracle": (oracle(row) for row in rows),
    }
    scores = {name: score_maps(truth, data.angles[rows], each, prepared.pixel_size) for name, each in maps.items()}
    whole = {name: each.whole_area for name, each in scores.items()}
    moving = {name: each.moving_area for name, each in scores.items()}
    latents = [
        score_latents(model.latents, data.angles[:, column], hinge.circular)
        for column, hinge in enumerate(truth.hinges)
    ]
    image_way = way(moving["image"], moving["rigid"], moving["oracle"])
    return Result(
        seed, whole, moving, way(**order(whole)), way(**order(moving)), image_way, [each.spearman for each in latents],
        [each.predicted for each in latents], [each.error for each in latents], seconds,
    )  # fmt: skip


def state_latents(latents: np.ndarray, angles: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Where the model has the true states of these particles: the mean latent ``(m, k)`` of the particles most alike.

    A single image tells its state to within a degree or two, and no model can know better: what the model knows of a
    state is where it puts that state's particles on average (so CryoBench's score per conformation).
    """
    spread = angles.std(axis=0)
    alike = [np.argsort((((angles - angles[row]) / spread) ** 2).sum(axis=1))[:ALIKE] for row in rows]
    return np.array([latents[near].mean(axis=0) for near in alike])


def order(areas: dict[str, float]) -> dict[str, float]:
    """The three areas as ``way`` names them."""
    return {name: areas[name] for name in ("model", "rigid", "oracle")}


def source_rows(particles) -> np.ndarray:
    """Row in the simulated data set of each prepared particle."""
    return np.asarray(particles.columns["flexrecSourceRow"], np.int64)


def print_table(results: list[Result]) -> None:
    """One line per seed."""
    print(f"{'seed':>4} {'whole rigid/model/oracle':>26} {'way':>6} {'moving rigid/model/oracle':>26} {'way':>6} "
          f"{'image':>6} {'Spearman':>12} {'predicted':>12} {'error':>12} {'train':>7}")  # fmt: skip
    for r in results:
        print(f"{r.seed:4d} {triple(r.whole):>26} {r.whole_way:6.2f} {triple(r.moving):>26} {r.moving_way:6.2f} "
              f"{r.image_way:6.2f} {several(r.spearman, '.3f'):>12} {several(r.predicted, '.3f'):>12} "
              f"{several(r.error, '.1f'):>11}° {r.seconds['train']:6.0f}s", flush=True)  # fmt: skip


def triple(areas: dict[str, float]) -> str:
    """Rigid, model and oracle, side by side."""
    return " / ".join(f"{areas[name]:.3f}" for name in ("rigid", "model", "oracle"))


def several(values: list[float], form: str) -> str:
    """One number per hinge."""
    return " ".join(format(value, form) for value in values) or "-"


if __name__ == "__main__":
    main()

"""Motion and composition at once: some particles lack a part, while another part swings.

    python benchmarks/bench_composition.py --work bench/composition --particles 5000 --box 64 --pixel-size 5 --snr 0.1

Two sets of the same seed are simulated: in one, particles lack a part (``--drop "fab2: 0.5"``), in the other none does.
The first is trained on with occupancy and with the plain flow, the second with the plain flow of one latent dimension
less; all else is by default. *told* is the share of particles whose presence is on the right side of one half,
*Spearman* the rank correlation of the true angle with the best latent or its prediction from all, the lesser of those
of particles with and without the part. Maps at the states of six particles of each kind are compared with the true maps
by the area under the FSC, in the moving part and in the mask of the complete molecule, where what a particle lacks
counts if the map has it; ``way`` is from the rigid map (0) to the oracle (1), which knows motion, pose and presence.
``diagnose composition`` is asked of all three.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from chimerax.flexrec.models import open_model
from chimerax.flexrec.models.interface import Model
from chimerax.flexrec.particles.prepared import load_prepared
from chimerax.flexrec.simulate import load_truth
from job_runs import input_values, job_seconds, read_settings, run_job, run_jobs
from motion import job_values, state_latents, true_copies
from reference_maps import PreparedTruth, oracle_maps, rigid_map
from score import even_particles, predict, score_maps, spearman, way

SCORED = 6


def main() -> None:
    """Simulate, train, score and diagnose; print a line for each training."""
    arguments = parse_arguments()
    print(f"{'particles':<10} {'decoder':<10} {'told':>6} {'Spearman':>8}  {'there: way moving, whole':>24} "
          f"{'absent: way moving, whole':>25} {'minutes':>7}  what diagnose says", flush=True)  # fmt: skip
    for seed in arguments.seeds:
        lacking, complete = (prepared_set(arguments, seed, drop) for drop in (True, False))
        hinges = str(len(load_truth(lacking["simulate"]).hinges))
        dims = str(int(hinges) + 1)
        trainings = ((lacking, "occupancy", dims), (lacking, "flow", dims), (complete, "flow", hinges))
        for folders, decoder, size in trainings:
            own = {"decoder": decoder, "latent_dims": size} | read_settings(arguments.set)["train"]
            values = input_values("train", folders) | own
            train = run_job("train", values, folders["prep"].parent, seed)
            name = "lacking" if folders is lacking else "complete"
            print(f"{name:<10} {decoder:<10} {scored(folders, train)} {job_seconds(train) / 60:7.1f}  "
                  f"{diagnosed(train)}", flush=True)  # fmt: skip


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="folder for two projects per seed")
    parser.add_argument("--seeds", type=lambda text: [int(word) for word in text.split(",")], default=[0])
    parser.add_argument("--set", action="append", default=[], metavar="VERB.NAME=VALUE", help="a job's parameter")
    for name in ("particles", "box", "pixel-size", "snr", "molecule"):
        parser.add_argument(f"--{name}", help="as of flexrec simulate")
    parser.add_argument("--hinges", default="fab1: ±15")
    parser.add_argument("--drop", default="fab2: 0.5", help="as of flexrec simulate")
    return parser.parse_args()


def prepared_set(arguments: argparse.Namespace, seed: int, drop: bool) -> dict[str, Path]:
    """The folders of simulate, prep and mesh of one of the two sets."""
    values = job_values(arguments)
    if drop:
        values["simulate"]["drop"] = arguments.drop
    return run_jobs(values, arguments.work / ("lacking" if drop else "complete") / f"seed{seed}", seed, last="mesh")


def scored(folders: dict[str, Path], train: Path) -> str:
    """What the table says of a training."""
    prepared = load_prepared(folders["prep"])
    data = PreparedTruth(prepared, *true_copies(load_truth(folders["simulate"]), prepared.particles))
    model, absent = open_model(train), data.truth.absent[data.row]
    kinds = [rows for rows in (np.flatnonzero(~absent), np.flatnonzero(absent)) if len(rows)]
    rigid, oracle = rigid_map(data), oracle_maps(data)
    ways = [ways_of(data, model, rows, rigid, oracle) for rows in kinds] + [(np.nan, np.nan)]
    accuracy = f"{100 * presence_accuracy(model, absent):5.1f}%" if model.fading else "-"
    best = min(best_direction(model.latents[rows], data.angles[rows]) for rows in kinds)
    return (f"{accuracy:>6} {best:8.3f}  {ways[0][0]:17.2f}, {ways[0][1]:5.2f} {ways[1][0]:18.2f}, {ways[1][1]:5.2f}")


def presence_accuracy(model: Model, absent: np.ndarray) -> float:
    """The share of the particles of which the part that fades the most is rightly told to be there or not."""
    present = model.presence(model.latents)[:, list(model.fading)] > 0.5
    return float((present == ~absent[:, None]).mean(axis=0).max())


def best_direction(latents: np.ndarray, angles: np.ndarray) -> float:
    """The rank correlation of the first hinge's angle with its prediction, or with the best latent, if that is more."""
    each = [abs(spearman(latents[:, column], angles[:, 0])) for column in range(latents.shape[1])]
    return max(*each, spearman(predict(latents, angles[:, :1])[:, 0], angles[:, 0]))


def ways_of(data: PreparedTruth, model: Model, rows: np.ndarray, rigid: np.ndarray, oracle) -> tuple[float, float]:
    """Of particles of one kind: the way from the rigid map to the oracle, in the moving part and of all."""
    scored_rows = rows[even_particles(len(rows), SCORED)]
    lacks = data.truth.absent[data.row[rows[0]]]
    truth = replace(data.truth, moving=data.truth.moving.incomplete()) if lacks else data.truth
    angles, pixel_size = data.angles[scored_rows], data.prepared.pixel_size
    states = state_latents(model.latents[rows], data.angles[rows], angles)
    maps = ((rigid for _ in states), (model.decode(z) for z in states), (oracle(row) for row in scored_rows))
    scores = [score_maps(truth, angles, each, pixel_size) for each in maps]
    areas = ([each.moving_area for each in scores], [each.whole_area for each in scores])
    moving, whole = (way(model=own, rigid=still, oracle=best) for still, own, best in areas)
    return moving, whole


def diagnosed(train: Path) -> str:
    """What `diagnose composition` says of a training."""
    job = run_job("diagnose", {"test": "composition", "model": str(train)}, train.parent)
    record = json.loads((job / "composition.json").read_text())
    return f"{record['level']}: {record['sentence']}"


if __name__ == "__main__":
    main()

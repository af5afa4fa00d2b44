"""Motion and composition at once: some particles lack a part, while another part swings.

    python benchmarks/bench_composition.py --work bench/composition --particles 5000 --box 64 --pixel-size 5 --snr 0.1

Two sets of the same seed are simulated: in one, particles lack parts (``--drop "fab2: 0.5"``), in the other none does.
The first is trained on with occupancy and with the plain flow, of a latent dimension for each hinge and each part that
may be lacking; the second with the plain flow of one for each hinge; all else is by default. *told* is, of each such
part, the share of particles whose presence is on the right side of one half, *Spearman* the rank correlation of the
true angle with the best latent or its prediction from all, the lesser of those of complete and of incomplete particles.
Maps at the states of six particles of each kind are compared with the true maps by the area under the FSC, in the
moving part and in the mask of the complete molecule, where what a particle lacks counts if the map has it; ``way`` is
from the rigid map (0) to the oracle (1), which knows motion, pose and presence. ``diagnose composition`` is asked of
all three.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from chimerax.flexrec.models import open_model
from chimerax.flexrec.models.interface import Model
from chimerax.flexrec.particles.prepared import load_prepared
from chimerax.flexrec.simulate import load_truth
from job_runs import input_values, job_seconds, read_settings, run_job, run_jobs
from motion import job_values, state_latents, true_copies
from reference_maps import PreparedTruth, oracle_maps, rigid_map
from score import even_particles, predict, presence_told, score_maps, spearman, way

SCORED = 6


def main() -> None:
    """Simulate, train, score and diagnose; print a line for each training."""
    arguments = parse_arguments()
    print(f"{'particles':<10} {'decoder':<10} {'Spearman':>8}  {'complete: way moving, whole':>27} "
          f"{'incomplete: way moving, whole':>29} {'minutes':>7}  told; what diagnose says", flush=True)  # fmt: skip
    for seed in arguments.seeds:
        lacking, complete = (prepared_set(arguments, seed, drop) for drop in (True, False))
        truth = load_truth(lacking["simulate"])
        hinges, dims = max(len(truth.hinges), 1), str(len(truth.hinges) + len(truth.dropped))
        trainings = ((lacking, "occupancy", dims), (lacking, "flow", dims), (complete, "flow", str(hinges)))
        for folders, decoder, size in trainings:
            own = {"decoder": decoder, "latent_dims": size} | read_settings(arguments.set)["train"]
            values = input_values("train", folders) | own
            train = run_job("train", values, folders["prep"].parent, seed)
            name = "lacking" if folders is lacking else "complete"
            scores, told = scored(folders, train)
            print(f"{name:<10} {decoder:<10} {scores} {job_seconds(train) / 60:7.1f}  {told}{diagnosed(train)}",
                  flush=True)  # fmt: skip


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


def scored(folders: dict[str, Path], train: Path) -> tuple[str, str]:
    """What the table says of a training: scores, and which parts were rightly told to be there or not."""
    prepared = load_prepared(folders["prep"])
    data = PreparedTruth(prepared, *true_copies(load_truth(folders["simulate"]), prepared.particles))
    model, incomplete = open_model(train), data.absent.any(axis=1)
    kinds = [rows for rows in (np.flatnonzero(~incomplete), np.flatnonzero(incomplete)) if len(rows)]
    rigid, oracle = rigid_map(data), oracle_maps(data)
    ways = [ways_of(data, model, rows, rigid, oracle) for rows in kinds] + [(np.nan, np.nan)]
    best = min(best_direction(model.latents[rows], data.angles[rows]) for rows in kinds)
    presence = model.presence(model.latents)[:, list(model.fading)] if model.fading else None
    told = zip(data.truth.dropped, () if presence is None else presence_told(presence, data.absent))
    return (f"{best:8.3f}  {ways[0][0]:20.2f}, {ways[0][1]:5.2f} {ways[1][0]:22.2f}, {ways[1][1]:5.2f}",
            "".join(f"{name} {100 * share:.1f}%; " for name, share in told))  # fmt: skip


def best_direction(latents: np.ndarray, angles: np.ndarray) -> float:
    """The rank correlation of the first hinge's angle with its prediction, or with the best latent, if that is more.

    NaN where nothing moves.
    """
    if not angles.shape[1]:
        return np.nan
    each = [abs(spearman(latents[:, column], angles[:, 0])) for column in range(latents.shape[1])]
    return max(*each, spearman(predict(latents, angles[:, :1])[:, 0], angles[:, 0]))


def ways_of(data: PreparedTruth, model: Model, rows: np.ndarray, rigid: np.ndarray, oracle) -> tuple[float, float]:
    """Of particles of one kind: the way from the rigid map to the oracle, in the moving part and of all."""
    chosen, pixel_size = rows[even_particles(len(rows), SCORED)], data.prepared.pixel_size
    states = [state_of(data, model, row) for row in chosen]
    maps = ((rigid for _ in states), (model.decode(z) for z in states), (oracle(row) for row in chosen))
    scores = [score_maps(data.truth, data.angles[chosen], each, pixel_size, data.absent[chosen]) for each in maps]
    areas = ([each.moving_area for each in scores], [each.whole_area for each in scores])
    moving, whole = (way(model=own, rigid=still, oracle=best) for still, own, best in areas)
    return moving, whole


def state_of(data: PreparedTruth, model: Model, row: int) -> np.ndarray:
    """Where the model has the true state of a particle ``(k,)``, among those that lack the same as it does."""
    same = (data.absent == data.absent[row]).all(axis=1)
    return state_latents(model.latents[same], data.angles[same], data.angles[[row]])[0]


def diagnosed(train: Path) -> str:
    """What `diagnose composition` says of a training."""
    job = run_job("diagnose", {"test": "composition", "model": str(train)}, train.parent)
    record = json.loads((job / "composition.json").read_text())
    return f"{record['level']}: {record['sentence']}"


if __name__ == "__main__":
    main()

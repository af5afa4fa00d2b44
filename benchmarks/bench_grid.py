"""Every pair of latent source and decoder on the same particles: latents and maps against the truth, and what it took.

    python benchmarks/bench_grid.py --work bench/grid --particles 5000 --box 64 --pixel-size 5 --snr 0.1

One hinge, one latent dimension (two classes), all else as it is by default, each training in a process of its own on
one thread. Correlations are Spearman's with the true angle, of the latent itself and of its cross-validated
prediction. ``way`` is the area under the FSC with the true maps, of the moving part, at the states of six particles,
from the rigid map (0) to the oracle's (1). ``--pairs flow,table field,encoder`` does some of them alone.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.jobs.train.train_parts import DECODERS, SOURCES
from chimerax.flexrec.models import open_model
from chimerax.flexrec.particles.prepared import load_prepared
from chimerax.flexrec.simulate import load_truth
from job_runs import command, input_values, run_child, run_jobs, thread_environment
from motion import job_values, state_latents, true_copies
from peer_programs import child_seconds
from reference_maps import PreparedTruth, oracle_maps, rigid_map
from score import even_particles, score_latents, score_maps, way

SCORED = 6


@dataclass(frozen=True)
class Scale:
    """The areas of the rigid map and of the oracle's maps, at the states of ``rows``."""

    data: PreparedTruth
    rows: np.ndarray
    rigid: float
    oracle: float


def main() -> None:
    """Train and score every pair; print the table line by line."""
    arguments = parse_arguments()
    values = job_values(arguments)
    project = arguments.work / f"seed{arguments.seed}"
    folders = run_jobs(values, project, arguments.seed, last="mesh")
    scale = scale_of(folders)
    print(f"{'decoder':<10} {'latents':<12} {'Spearman':>8} {'predicted':>9} {'way':>6} {'processor':>10}")
    for decoder, source in arguments.pairs:
        print(f"{decoder:<10} {source:<12} {measured(folders, decoder, source, project, arguments, scale)}", flush=True)


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="folder for one project per seed")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", action="append", default=[], metavar="VERB.NAME=VALUE", help="a job's parameter")
    parser.add_argument("--train", action="append", default=[], metavar="NAME=VALUE", help="of every training")
    every = [(decoder, source) for decoder in DECODERS for source in SOURCES]
    parser.add_argument("--pairs", nargs="+", type=lambda text: tuple(text.split(",")), default=every)
    for name in ("particles", "box", "pixel-size", "snr", "molecule"):
        parser.add_argument(f"--{name}", help="as of flexrec simulate")
    parser.add_argument("--hinges", default="fab1: ±15")
    return parser.parse_args()


def scale_of(folders: dict[str, Path]) -> Scale:
    """What maps are scored by."""
    prepared = load_prepared(folders["prep"])
    data = PreparedTruth(prepared, *true_copies(load_truth(folders["simulate"]), prepared.particles))
    rows, oracle, rigid = even_particles(len(data.row), SCORED), oracle_maps(data), rigid_map(data)
    areas = (score_maps(data.truth, data.angles[rows], maps, prepared.pixel_size).moving_area
             for maps in ((rigid for _ in rows), (oracle(row) for row in rows)))  # fmt: skip
    return Scale(data, rows, *areas)


def measured(
    folders: dict[str, Path], decoder: str, source: str, project: Path, arguments: argparse.Namespace, scale: Scale
) -> str:
    """Train a pair, and what the table says of it."""
    values = {**input_values("train", folders), "decoder": decoder, "latents": source, "latent_dims": "1"}
    values |= dict(word.split("=", 1) for word in arguments.train)
    before = child_seconds()
    child = run_child(command("train", values, project, arguments.seed), thread_environment(1))
    if child.returncode:
        raise InputError(f"training {decoder} with {source} latents failed; its job's log says why.")
    seconds, model, data = child_seconds() - before, open_model(Path(child.output)), scale.data
    score = score_latents(model.latents, data.angles[:, 0])
    states = state_latents(model.latents, data.angles, data.angles[scale.rows])
    maps = (model.decode(z) for z in states)
    area = score_maps(data.truth, data.angles[scale.rows], maps, data.prepared.pixel_size).moving_area
    return (f"{score.spearman:8.3f} {score.predicted:9.3f} {way(area, scale.rigid, scale.oracle):6.2f} "
            f"{seconds / 60:6.1f} min")  # fmt: skip


if __name__ == "__main__":
    main()

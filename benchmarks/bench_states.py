"""Maps at points from the images alone, against the best hard selection of the same particles.

    python benchmarks/bench_states.py --work bench/states --particles 10000

Particles of known motion are simulated, prepared and, with ``--latents trained``, a model is trained with few passes;
``--latents true`` takes the true angles instead, with noise of ``--latent-noise`` of their spread. At each true state
the map by `flexrec reconstruct --at` is compared with the truth, and with it the maps of the k particles nearest to the
point, for all k of a fine series: the best of them, by the truth, that nobody could choose without knowing it. Nearest
is by the flow's ångströms, or by the angles themselves. Also shown: the map of all particles (rigid), and that of the
best single kernel. Areas under the FSC (CryoBench's, at most just under 0.5), in the moving part and in the whole
molecule. Jobs that are already done in ``--work`` are not run again.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from chimerax.flexrec.engine.maps.backproject import BackProjector
from chimerax.flexrec.engine.maps.kernel_choice import Halves
from chimerax.flexrec.engine.maps.kernel_map import state_map
from chimerax.flexrec.engine.maps.kernel_shells import KernelShells, kernel_shells
from chimerax.flexrec.engine.maps.reconstruction import reconstruct
from chimerax.flexrec.jobs.job_folder import JobRun
from chimerax.flexrec.jobs.reconstruct.reconstruct_parameters import RECONSTRUCT
from chimerax.flexrec.jobs.reconstruct.state_latents import StateLatents, state_latents
from chimerax.flexrec.jobs.reconstruct.state_sums import StateSums, sum_states
from chimerax.flexrec.particles.prepared import Prepared, load_prepared
from chimerax.flexrec.simulate import load_truth
from job_runs import read_settings, run_jobs
from motion import state_latents as latents_of_states
from reference_maps import PreparedTruth
from score import area, fsc_curve

SERIES = 24  # sizes of hard selections, from 60 particles to all


def main() -> None:
    """Run every seed; print a table."""
    arguments = parse_arguments()
    print("seed    state |  rigid   hard   kept by truth   kept | kernel   --at | whole:   hard   --at | "
          "              widths seconds")  # fmt: skip
    rows = [row for seed in arguments.seeds for row in seed_rows(arguments, seed)]
    means = {
        name: np.mean([row[name] for row in rows]) for name in ("hard", "by_truth", "at", "hard_whole", "at_whole")
    }
    better = sum(row["at"] > row["hard"] for row in rows)
    print(f"mean: hard {means['hard']:.4f}, by truth {means['by_truth']:.4f}, --at {means['at']:.4f}; whole: hard "
          f"{means['hard_whole']:.4f}, --at {means['at_whole']:.4f}; --at is above the best hard selection in {better} "
          f"of {len(rows)}")  # fmt: skip
    (arguments.work / "states.json").write_text(json.dumps(rows, indent=1) + "\n")


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="folder for one project per seed")
    parser.add_argument("--seeds", type=lambda text: [int(word) for word in text.split(",")], default=[0])
    parser.add_argument("--quantiles", type=lambda text: [float(word) for word in text.split(",")],
                        default=[0.05, 0.275, 0.5, 0.725, 0.95], help="of the true angles: the states")  # fmt: skip
    parser.add_argument("--latents", choices=("trained", "true"), default="trained")
    parser.add_argument("--latent-noise", type=float, default=0.15, help="of true latents, in their spreads")
    parser.add_argument("--set", action="append", default=[], metavar="VERB.NAME=VALUE", help="a job's parameter")
    for name, default in {"particles": "10000", "box": "64", "pixel-size": "5", "snr": "0.1",
                          "hinges": "fab1: ±15"}.items():  # fmt: skip
        parser.add_argument(f"--{name}", default=default, help="as of flexrec simulate")
    return parser.parse_args()


def seed_rows(arguments: argparse.Namespace, seed: int) -> list[dict]:
    """One line of the table for each state."""
    values = read_settings(arguments.set)
    asked = ("particles", "box", "pixel_size", "snr", "hinges")
    values["simulate"] |= {name: getattr(arguments, name) for name in asked}
    project = arguments.work / f"seed{seed}"
    project.mkdir(parents=True, exist_ok=True)
    folders = run_jobs(values, project, seed, last="train" if arguments.latents == "trained" else "prep")
    truth, prepared = load_truth(folders["simulate"]), load_prepared(folders["prep"])
    data = PreparedTruth(prepared, truth, np.asarray(prepared.particles.columns["flexrecSourceRow"], np.int64))
    latents = read_latents(arguments, folders, prepared, data)
    side = sides(prepared, seed)
    return [state_row(seed, quantile, data, latents, side) for quantile in arguments.quantiles]


def read_latents(
    arguments: argparse.Namespace, folders: dict[str, Path], prepared: Prepared, data: PreparedTruth
) -> StateLatents:
    """The trained model's latents, or the true angles with noise."""
    if arguments.latents == "trained":
        asked = {"model": folders["train"]}
    else:
        spread = data.angles.std(axis=0)
        noise = np.random.default_rng(1).normal(scale=arguments.latent_noise, size=data.angles.shape)
        asked = {"latents": arguments.work / "true.npz"}
        np.savez(asked["latents"], z=data.angles / spread + noise)
    return state_latents(RECONSTRUCT.build({"particles": prepared.folder, "at": (0.0,), **asked}), prepared)


def sides(prepared: Prepared, seed: int) -> np.ndarray:
    """``(n,)`` int8: 0 or 1, the half of each particle."""
    half = prepared.particles.half
    drawn = 1 + np.random.default_rng(seed).permutation(len(half)) % 2
    return (np.where(half > 0, half, drawn) - 1).astype(np.int8)


def state_row(seed: int, quantile: float, data: PreparedTruth, latents: StateLatents, side: np.ndarray) -> dict:
    """Scores at the state that has this share of the true angles below it; prints its line."""
    prepared = replace(data.prepared, particles=latents.particles)
    box, pixel_size = prepared.box, prepared.pixel_size
    state = np.quantile(data.angles, quantile, axis=0)
    point = latents_of_states(latents.z, data.angles, state[None])[0]
    true = data.truth.map_at(state, box, pixel_size)
    masks = data.truth.moving_mask(state, box, pixel_size), data.truth.moving.mask(state, box, pixel_size)

    def areas(volume: np.ndarray) -> tuple[float, float]:
        moving, whole = (area(fsc_curve(true, volume, mask)) for mask in masks)
        return moving, whole

    distance = latents.distance()
    motion_only = replace(distance, precision=None).squared(point)
    spread = data.angles.std(axis=0)
    hard = [areas(volume) for volume in selections(prepared, motion_only, side)]
    by_truth = [areas(volume) for volume in selections(prepared, (((data.angles - state) / spread) ** 2).sum(1), side)]
    began = time.perf_counter()
    shells = kernel_shells(distance.squared(point), latents.weight)
    sums = summed(prepared, shells, side, latents.weight)
    result = state_map(shells, sums, pixel_size)
    seconds = time.perf_counter() - began
    at = areas(result.maps.mean)
    kernels = [areas(reconstruct(kernel(shells, sums, width), pixel_size).mean)[0] for width in shells.widths]
    best, best_truth = (max(range(SERIES), key=lambda i: each[i][0]) for each in (hard, by_truth))
    sizes = selection_sizes(len(side))
    row = {"seed": seed, "state": state.tolist(), "rigid": hard[-1][0], "hard": hard[best][0],
           "hard_kept": int(sizes[best]), "by_truth": by_truth[best_truth][0],
           "by_truth_kept": int(sizes[best_truth]), "kernel": max(kernels), "at": at[0],
           "hard_whole": max(each[1] for each in hard), "at_whole": at[1], "widths": result.typical,
           "seconds": seconds}  # fmt: skip
    widths = "/".join(f"{width:.2f}" for width in row["widths"])
    print(f"{seed:4d} {state[0]:7.1f}° | {row['rigid']:.4f} {row['hard']:.4f} {row['hard_kept']:6d} "
          f"{row['by_truth']:8.4f} {row['by_truth_kept']:6d} | {row['kernel']:.4f} {row['at']:.4f} | whole: "
          f"{row['hard_whole']:.4f} {row['at_whole']:.4f} | {widths:>18} {seconds:4.0f}", flush=True)  # fmt: skip
    return row


def selection_sizes(count: int) -> np.ndarray:
    """How many particles the hard selections have."""
    return np.geomspace(60, count, SERIES).round().astype(int)


def selections(prepared: Prepared, square: np.ndarray, side: np.ndarray) -> list[np.ndarray]:
    """Maps of the particles of the smallest ``square`` ``(n,)``, of each size of the series."""
    order, shell = np.argsort(square, kind="stable"), np.empty(len(square), np.int8)
    sizes = selection_sizes(len(square))
    for number, (first, last) in enumerate(zip([0, *sizes[:-1]], sizes, strict=True)):
        shell[order[first:last]] = number
    layers = KernelShells(shell, np.arange(SERIES, dtype=float), np.ones((SERIES, 2)))
    maps, before = [], None
    for halves in summed(prepared, layers, side, np.ones(len(side))):
        before = halves if before is None else (before[0].merged(halves[0]), before[1].merged(halves[1]))
        maps.append(reconstruct(before, prepared.pixel_size).mean)
    return maps


def kernel(shells: KernelShells, sums: list[Halves], width: float) -> Halves:
    """The sums of one kernel for the whole map."""
    weights = shells.weights(width)
    first, second = (BackProjector.weighted([halves[half] for halves in sums], weights) for half in (0, 1))
    return first, second


def summed(prepared: Prepared, shells: KernelShells, side: np.ndarray, weight: np.ndarray) -> list[Halves]:
    """The sums of each shell's halves."""
    sums = StateSums(prepared.box, [shells], side, weight)
    with tempfile.TemporaryDirectory() as folder:
        sum_states(sums, prepared, JobRun(folder), "images", {})
    return sums.of_state(0)


if __name__ == "__main__":
    main()

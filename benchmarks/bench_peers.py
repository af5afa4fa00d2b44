"""FlexRec beside cryoDRGN and RECOVAR: the same simulated images, about the same processor time, the same score.

    python benchmarks/motion.py --work bench/hard --particles 5000 --box 64 --pixel-size 5 --snr 0.1
        --set train.latent_dims=1 --hard
    FLEXREC_CRYODRGN_PYTHON=/path/to/python FLEXREC_RECOVAR_PYTHON=/path/to/python
        python benchmarks/bench_peers.py --work bench/hard --minutes 5

For each case of motion.py --hard that its folder has, both programs get the simulated particles (STAR file and stack,
poses as the STAR file has them) and run on one thread with their defaults but for what the table says:

- cryoDRGN reads poses and CTFs by its own parse_pose_star and parse_ctf_star and trains `train_vae` for as many passes
  as come nearest to ``--minutes`` of a processor (``--epochs``: for so many), at least one;
- RECOVAR runs `pipeline` once, whatever it takes, within the mask that FlexRec's mesh was made from. Its maps are the
  mean and the principal components times the latent, or with ``--states`` also those of `compute_state`.

Scored as in motion.py: latents of the true particles against the true angle; maps at the mean latents of the particles
most alike to each of 20 states, by the area under the FSC with the true map, from the rigid map (0) to the oracle's
(1). *map* is the correlation of the mean of those maps with that of the true ones: near 1 only if hand, origin, axes
and contrast are right. FlexRec's line is that of the newest train job in the folder.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from chimerax.flexrec.particles.prepared import load_prepared
from chimerax.flexrec.simulate import load_truth
from hard_cases import CASES
from job_runs import job_seconds, newest_job
from motion import slug, source_rows, state_latents
from peer_programs import PeerResult
from peer_runs import PROGRAMS, add_peer_options, own_result, peer_pythons, run_cryodrgn, run_recovar
from reference_maps import PreparedTruth, oracle_maps, rigid_map
from score import even_particles, score_latents, score_maps, way

DEFAULT_CASES = ("clean", "poses 1.4° 1.2 Å", "junk 25 %", "strangers 15 %")


@dataclass(frozen=True)
class Case:
    """A case's particles, the truth, the rows whose states are scored, and the areas of rigid map and oracle."""

    name: str
    project: Path
    data: PreparedTruth
    rows: np.ndarray
    rigid: tuple[float, float]
    oracle: tuple[float, float]


def main() -> None:
    """Run and score every program on every case; print the table line by line."""
    arguments = parse_arguments()
    pythons = peer_pythons(list(PROGRAMS))
    if not pythons:
        return
    print_head()
    for name in arguments.cases:
        case = open_case(name, arguments)
        if (case.project / ".train.json").exists() or list(case.project.glob("*-train")):
            train = newest_job(case.project, "train")
            print_line(case, own_result(train, case.data.row, job_seconds(train) / 60), ours=True)
        if "cryodrgn" in pythons:
            print_line(case, run_cryodrgn(case.project, pythons["cryodrgn"], arguments.zdim, arguments))
        if "recovar" in pythons:
            for result in run_recovar(case.project, pythons["recovar"], arguments):
                print_line(case, result)


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path("bench/hard"), help="that of motion.py --hard")
    parser.add_argument("--cases", nargs="+", default=list(DEFAULT_CASES), choices=list(CASES), metavar="CASE")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--scored", type=int, default=20, help="states whose maps are compared (default: 20)")
    add_peer_options(parser)
    parser.add_argument("--zdim", type=int, default=1, help="of cryoDRGN (default: 1)")
    parser.add_argument("--zdims", type=int, nargs="+", default=[1, 4], help="of RECOVAR (default: 1 4)")
    parser.set_defaults(minutes=5)
    return parser.parse_args()


def open_case(name: str, arguments: argparse.Namespace) -> Case:
    """The case as motion.py made it; the areas of the references are computed once."""
    project = (arguments.work / slug(name) / f"seed{arguments.seed}").resolve()
    prepared, truth = load_prepared(newest_job(project, "prep")), load_truth(newest_job(project, "simulate"))
    data = PreparedTruth(prepared, truth, source_rows(prepared.particles))
    own = np.flatnonzero(data.own)
    case = Case(name, project, data, own[even_particles(len(own), arguments.scored)], (0, 0), (0, 0))
    kept = project / f"references{arguments.scored}.json"
    if not kept.exists():
        oracle, rigid = oracle_maps(data), rigid_map(data)
        areas = {
            "rigid": map_areas(case, [rigid] * len(case.rows)), "oracle": map_areas(case, map(oracle, case.rows)),
        }  # fmt: skip
        kept.write_text(json.dumps(areas))
    return replace(case, **{key: tuple(areas) for key, areas in json.loads(kept.read_text()).items()})


def map_areas(case: Case, maps) -> tuple[float, float]:
    """Mean area under the FSC of maps of the scored states with the true ones: whole and moving part."""
    data = case.data
    scores = score_maps(data.truth, data.angles[case.rows], maps, data.prepared.pixel_size, data.absent[case.rows])
    return scores.whole_area, scores.moving_area


def likeness(case: Case, maps: np.ndarray) -> float:
    """Correlation of the mean of the scored maps with that of the true ones."""
    data = case.data
    true = [data.truth.map_at(data.angles[row], data.prepared.box, data.prepared.pixel_size) for row in case.rows]
    return float(np.corrcoef(np.mean(true, axis=0).ravel(), maps.mean(axis=0).ravel())[0, 1])


def print_head() -> None:
    """The table's head."""
    print(f"{'case':<18} {'program':<16} {'what':<46} {'minutes':>7} {'Spearman':>8} {'predicted':>9} {'error':>6} "
          f"{'whole':>6} {'way':>6} {'moving':>6} {'way':>6} {'map':>6}", flush=True)  # fmt: skip


def print_line(case: Case, result: PeerResult, ours: bool = False) -> None:
    """Score what a program found and print it."""
    data = case.data
    own, latents = data.own, result.latents[data.row]
    score = score_latents(latents[own], data.angles[own, 0])
    maps = result.maps(state_latents(latents[own], data.angles[own], data.angles[case.rows]))
    whole, moving = map_areas(case, maps)
    minutes = f"({result.minutes:.1f})" if ours else f"{result.minutes:.1f}"
    print(f"{case.name:<18} {result.name:<16} {result.what:<46} {minutes:>7} {score.spearman:8.3f} "
          f"{score.predicted:9.3f} {score.error:5.1f}° {whole:6.3f} {way(whole, case.rigid[0], case.oracle[0]):6.2f} "
          f"{moving:6.3f} {way(moving, case.rigid[1], case.oracle[1]):6.2f} {likeness(case, maps):6.3f}",
          flush=True)  # fmt: skip


if __name__ == "__main__":
    main()

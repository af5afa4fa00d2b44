"""Is a motion called real where it is, and only there? Verdicts and maps of rigid molecules and of small motions.

    python benchmarks/bench_verdicts.py --work bench/verdicts --molecule other.pdb "H:240-500,K:240-500"

For each line of the table particles are simulated, prepared, trained with `--halves` and reconstructed under the motion
that was found, all with defaults but for one latent dimension. Rigid molecules: every second pair with poses that are
off by 1.4° and 1.2 Å. Motions: a hinge of ±6° to ±15°; the arm's middle, some 60 Å from the hinge, moves by a pixel of
6 Å at ±6°. A verdict is right where it says *not beyond noise* of a rigid molecule and
*supported* of a motion. ``area`` is the area under the FSC (0.5 at most), moved less rigid twin: with the true map, at
the states of six particles, and of the half-maps within their mask, phase randomisation allowed for.
"""

from __future__ import annotations

import argparse
import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from bench_reconstruct import FINE, load, truth_of
from chimerax.flexrec.explore.verdict import NOT_BEYOND_NOISE, SUPPORTED, judge_motion
from chimerax.flexrec.jobs.reconstruct.moving_solver import MOVED, RIGID
from chimerax.flexrec.jobs.reports.training_facts import TrainingFacts
from chimerax.flexrec.models import open_model
from job_runs import read_settings, run_job, run_jobs
from motion import state_latents
from score import even_particles, score_maps

RIGID_MOLECULE = "rigid"
ANGLES = (6, 8, 10, 12, 15)  # degrees
HINGE = "fab1"


@dataclass(frozen=True)
class Molecule:
    """``path`` of a PDB file, None for the one that ships; ``part`` is what turns, as `--hinges` has it."""

    path: Path | None
    part: str


@dataclass(frozen=True)
class Line:
    """A molecule, by how many degrees its part turns (None: rigid), errors of its poses, and a seed."""

    molecule: Molecule
    angle: int | None
    pose_error: str
    seed: int

    @property
    def name(self) -> str:
        """A folder."""
        what = "rigid" if self.angle is None else f"{self.angle}deg"
        return f"{what}{'-poses' if self.pose_error else ''}-{'other' if self.molecule.path else 'own'}-{self.seed}"


def main() -> None:
    """Run all lines; print the table line by line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="folder for one project per line")
    parser.add_argument("--molecule", nargs=2, metavar=("PDB", "PART"), help="every second line has this molecule")
    parser.add_argument("--particles", default="2000")
    parser.add_argument("--runs", type=int, default=10, help="rigid molecules, and as many motions")
    arguments = parser.parse_args()
    molecules = [Molecule(None, HINGE)]
    if arguments.molecule:
        molecules.append(Molecule(Path(arguments.molecule[0]), arguments.molecule[1]))
    print(f"{'molecule':<9} {'motion':<10} {'poses off':<10} {'seed':>4} {'right':<6} {'area, truth':>11} "
          f"{'half-maps':>10}  verdict")  # fmt: skip
    right = 0
    for line in lines(molecules, arguments.runs):
        right += print_line(line, run_line(line, arguments.work / line.name, arguments.particles))
    print(f"{right} of {2 * arguments.runs} verdicts are right")


def lines(molecules: list[Molecule], runs: int) -> list[Line]:
    """Rigid molecules and motions in turn, of each molecule in turn, each with a seed of its own."""
    result = []
    for run in range(runs):
        molecule = molecules[run % len(molecules)]
        poses = "1.4,1.2" if run // len(molecules) % 2 else ""
        result += [Line(molecule, None, poses, 100 + run), Line(molecule, ANGLES[run % len(ANGLES)], "", 200 + run)]
    return result


def run_line(line: Line, project: Path, particles: str) -> dict[str, Path]:
    """All jobs of a line; their folders."""
    values = read_settings(["train.latent_dims=1", "train.halves=true"])
    hinges = RIGID_MOLECULE if line.angle is None else f"{line.molecule.part}: ±{line.angle}"
    values["simulate"] = {"particles": particles, "box": "48", "pixel_size": "6", "snr": "0.1", "hinges": hinges}
    if line.molecule.path:
        values["simulate"]["molecule"] = str(line.molecule.path)
    if line.pose_error:
        values["simulate"]["pose_error"] = line.pose_error
    folders = run_jobs(values, project, line.seed)
    asked = {"particles": str(folders["prep"]), "model": str(folders["train"])}
    folders["reconstruct"] = run_job("reconstruct", asked, project, line.seed)
    return folders


def print_line(line: Line, folders: dict[str, Path]) -> bool:
    """A line of the table; whether its verdict is right."""
    verdict = judge_motion(TrainingFacts(folders["train"]).motion)
    right = verdict.level == (NOT_BEYOND_NOISE if line.angle is None else SUPPORTED)
    print(f"{'other' if line.molecule.path else 'own':<9} {'rigid' if line.angle is None else f'±{line.angle}°':<10} "
          f"{line.pose_error or '-':<10} {line.seed:4} {'yes' if right else 'NO':<6} {true_area(folders):11.4f} "
          f"{half_area(folders['reconstruct']):10.4f}  {verdict.sentence}", flush=True)  # fmt: skip
    return right


def true_area(folders: dict[str, Path]) -> float:
    """How much more area under the FSC with the truth the moved map has than its rigid twin, of the whole molecule."""
    data, model = truth_of(folders), open_model(folders["train"])
    own = np.flatnonzero(data.own)
    rows = own[even_particles(len(own), 6)]
    states = state_latents(model.latents[own], data.angles[own], data.angles[rows])
    pixel_size, moved = load(folders["reconstruct"], MOVED)
    _, rigid = load(folders["reconstruct"], RIGID)
    moving = model.with_map(moved.mean, pixel_size)
    flexible = score_maps(data.truth, data.angles[rows], (moving.decode(z, FINE) for z in states), pixel_size)
    twin = score_maps(data.truth, data.angles[rows], (rigid.mean for _ in rows), pixel_size)
    return flexible.whole_area - twin.whole_area


def half_area(folder: Path) -> float:
    """The same by the half-maps' own FSC, as fsc.csv has it."""
    with (folder / "fsc.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    moved, rigid = (np.array([float(row[name]) for row in rows]) for name in ("corrected", "rigid corrected"))
    return float(0.5 * (moved - rigid).mean())


if __name__ == "__main__":
    main()

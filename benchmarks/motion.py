"""Does FlexRec find a known motion? Simulate, prepare, mesh, train; then score maps and latents against the truth.

    python benchmarks/motion.py --work bench/motion --particles 5000 --box 64 --pixel-size 5 --snr 0.1 --seeds 0,1
        --hinges "fab1: ±15" --set train.epochs=8 --set mesh.coarseness=12

As CryoBench's IgG-1D (one Fab of PDB 1HZH turned by 360° in 100 conformations; its SNR of 0.01 is that of images
twice as large, which is 0.04 here):

    python benchmarks/motion.py --work bench/igg1d --molecule 1hzh.pdb --hinges "L,H:1-230: 360" --states 100
        --particles 100000 --box 128 --pixel-size 3 --snr 0.04 --set simulate.resolution=3 --set simulate.shift=17

``--hard`` runs the cases of hard_cases.py, or those named, and tells besides how far off the poses were and are, how
many images were told right, the nats an image that motion explains, and the share of the latents' variance that is
known:

    python benchmarks/motion.py --work bench/hard --particles 5000 --box 64 --pixel-size 5 --snr 0.1 --hard

With a symmetry, of the case or by ``--set simulate.symmetry=C3 --set prep.symmetry=C3``, there are so many fewer images
that there are ``--particles`` subunits; a copy is scored by the angle of its own subunit. The SNR is that of the whole
complex.

Every parameter of every job can be given by ``--set VERB.NAME=VALUE``. Jobs that are already done in ``--work`` with
the same parameters are not run again. Prints one line per seed and writes scores.json.
"""

from __future__ import annotations

import argparse
import json
import re
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from chimerax.flexrec.models import open_model
from chimerax.flexrec.particles.prepared import load_prepared
from chimerax.flexrec.particles.symmetry import operators
from chimerax.flexrec.simulate import Truth, load_truth
from hard_cases import ALSO, CASES, Findings, findings
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
    findings: Findings
    case: str = ""


def main() -> None:
    """Run and score every seed; print a table."""
    arguments = parse_arguments()
    results: list[Result] = []
    for case in arguments.hard if arguments.hard is not None else [""]:
        for seed in arguments.seeds:
            results.append(run_seed(arguments, seed, case))
            print_table(results)
            kept = [{**asdict(result), "findings": listed(result.findings)} for result in results]
            (arguments.work / "scores.json").write_text(json.dumps(kept, indent=1) + "\n")


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="folder for one project per seed")
    parser.add_argument("--seeds", type=lambda text: [int(word) for word in text.split(",")], default=[0])
    parser.add_argument("--scored", type=int, default=20, help="particles whose maps are compared, evenly spaced")
    parser.add_argument("--hard", nargs="*", choices=["", *CASES], metavar="CASE", help="cases of hard_cases.py; all")
    parser.add_argument("--set", action="append", default=[], metavar="VERB.NAME=VALUE", help="a job's parameter")
    for name in ("particles", "box", "pixel-size", "snr", "hinges", "molecule", "states"):
        parser.add_argument(f"--{name}", help="as of flexrec simulate")
    arguments = parser.parse_args()
    if arguments.hard == []:
        arguments.hard = list(CASES)
    return arguments


def job_values(arguments: argparse.Namespace) -> dict[str, dict[str, str]]:
    """What was asked of each job, as text."""
    values = read_settings(arguments.set)
    for name in ("particles", "box", "pixel_size", "snr", "hinges", "molecule", "states"):
        if getattr(arguments, name, None) is not None:
            values["simulate"][name] = getattr(arguments, name)
    return values


def run_seed(arguments: argparse.Namespace, seed: int, case: str = "") -> Result:
    """All jobs of one seed, then the scores."""
    values = job_values(arguments)
    for verb, more in ({"simulate": CASES[case]} | ALSO.get(case, {}) if case else {}).items():
        values[verb] |= more
    subunits = len(operators(values["simulate"].get("symmetry", "C1")))
    if subunits > 1:  # as many subunits as there would be particles
        count = int(values["simulate"].get("particles", 10000))
        values["simulate"]["particles"] = str(-(-count // subunits))
    work = arguments.work / slug(case) if case else arguments.work
    folders = run_jobs(values, work / f"seed{seed}", seed)
    seconds = {verb: job_seconds(folder) for verb, folder in folders.items()}
    return replace(score(folders, arguments.scored, seed, seconds), case=case)


def slug(case: str) -> str:
    """A case's name as that of a folder."""
    return "-".join(re.findall(r"[A-Za-z0-9.]+", case))


def listed(findings: Findings) -> dict[str, object]:
    """Findings as JSON holds them."""
    return {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in vars(findings).items()}


def score(folders: dict[str, Path], scored: int, seed: int, seconds: dict[str, float]) -> Result:
    """Maps at the states of evenly spaced particles, and all latents, against the truth."""
    prepared, truth = load_prepared(folders["prep"]), load_truth(folders["simulate"])
    data = PreparedTruth(prepared, *true_copies(truth, prepared.particles))
    truth = data.truth
    model = open_model(folders["train"])
    own = np.flatnonzero(data.own)
    rows = own[even_particles(len(own), scored)]
    rigid, oracle = rigid_map(data), oracle_maps(data)
    maps = {
        "rigid": (rigid for _ in rows),
        "model": (model.decode(z) for z in state_latents(model.latents[own], data.angles[own], data.angles[rows])),
        "image": (model.decode(model.latents[row]) for row in rows),
        "oracle": (oracle(row) for row in rows),
    }
    scores = {name: score_maps(truth, data.angles[rows], each, prepared.pixel_size, data.absent[rows])
              for name, each in maps.items()}  # fmt: skip
    whole = {name: each.whole_area for name, each in scores.items()}
    moving = {name: each.moving_area for name, each in scores.items()}
    latents = [
        score_latents(model.latents[own], data.angles[own, column], hinge.circular)
        for column, hinge in enumerate(truth.hinges)
    ]
    image_way = way(moving["image"], moving["rigid"], moving["oracle"])
    return Result(
        seed, whole, moving, way(**order(whole)), way(**order(moving)), image_way, [each.spearman for each in latents],
        [each.predicted for each in latents], [each.error for each in latents], seconds,
        findings(data, folders["train"]),
    )  # fmt: skip


def state_latents(latents: np.ndarray, angles: np.ndarray, states: np.ndarray) -> np.ndarray:
    """Where the model has the true ``states`` ``(m, h)``: the mean latent ``(m, k)`` of the particles most alike.

    A single image tells its state to within a degree or two, and no model can know better: what the model knows of a
    state is where it puts that state's particles on average (so CryoBench's score per conformation).
    """
    spread = angles.std(axis=0)
    alike = [np.argsort((((angles - state) / spread) ** 2).sum(axis=1))[:ALIKE] for state in states]
    return np.array([latents[near].mean(axis=0) for near in alike])


def order(areas: dict[str, float]) -> dict[str, float]:
    """The three areas as ``way`` names them."""
    return {name: areas[name] for name in ("model", "rigid", "oracle")}


def source_rows(particles) -> np.ndarray:
    """Row in the simulated data set of each prepared particle."""
    return np.asarray(particles.columns["flexrecSourceRow"], np.int64)


def true_copies(truth: Truth, particles) -> tuple[Truth, np.ndarray]:
    """The truth of each prepared particle, and its row there ``(n,)``: of expanded ones, that of the copy.

    Which copy a particle is is told by its view, since the file may have been expanded elsewhere.
    """
    row, group = source_rows(particles), truth.group
    if len(group) == 1:
        return truth, row
    between = truth.rotation[row].swapaxes(1, 2) @ particles.rotation
    copy = np.einsum("sij,nij->ns", group, between).argmax(axis=1)
    return truth.expanded(), row * len(group) + copy


def print_table(results: list[Result]) -> None:
    """One line per case and seed."""
    print(f"{'case':<22} {'seed':>4} {'whole rigid/model/oracle':>24} {'way':>5} {'moving rigid/model/oracle':>26} "
          f"{'way':>5} {'image':>5} {'Spearman':>9} {'predicted':>9} {'error':>6} {'poses before, after: ° and Å':>30} "
          f"{'told':>6} {'gain':>6} {'spread':>7} {'train':>6}")  # fmt: skip
    for r in results:
        f = r.findings
        poses = f"{f.before[0]:.2f} {f.before[1]:.2f}, {f.after[0]:.2f} {f.after[1]:.2f}"
        print(f"{r.case:<22} {r.seed:4d} {triple(r.whole):>24} {r.whole_way:5.2f} {triple(r.moving):>26} "
              f"{r.moving_way:5.2f} {r.image_way:5.2f} {several(r.spearman, '.3f'):>9} "
              f"{several(r.predicted, '.3f'):>9} {several(r.error, '.1f'):>5}° {poses:>30} {100 * f.told:5.1f}% "
              f"{f.gain:6.1f} {several(f.spread, '.2f'):>7} {r.seconds['train']:5.0f}s", flush=True)  # fmt: skip


def triple(areas: dict[str, float]) -> str:
    """Rigid, model and oracle, side by side."""
    return " / ".join(f"{areas[name]:.3f}" for name in ("rigid", "model", "oracle"))


def several(values: list[float], form: str) -> str:
    """One number per hinge."""
    return " ".join(format(value, form) for value in values) or "-"


if __name__ == "__main__":
    main()

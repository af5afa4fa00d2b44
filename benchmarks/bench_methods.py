"""FlexRec, cryoDRGN and RECOVAR on the same particles of several kinds, scored by the same code: one table.

    FLEXREC_CRYODRGN_PYTHON=/path/to/python FLEXREC_RECOVAR_PYTHON=/path/to/python
        python benchmarks/bench_methods.py --work bench/methods --molecule 1hzh.pdb --particles 5000

The sets are those of method_sets.py. FlexRec is trained as a user would for the set, all else by default; ``--cells
flow,table field,encoder`` adds other pairs of decoder and latent source. cryoDRGN and RECOVAR get the STAR file and the
stack, and run with their defaults and what ``--cryodrgn`` and ``--recovar`` add, on one thread: cryoDRGN for its 20
epochs (``--cryodrgn-epochs``, or ``--minutes`` of a processor), RECOVAR's pipeline once, in the mask of FlexRec's mesh.
RECOVAR's maps are the mean and the principal components times the latent, or with ``--states`` and some of ``--zdims``
also those of `compute_state`, of ``--few`` of the states.

Columns, those of latents over all particles, with a number for each hinge or part:

- minutes: of one processor, from the particles to the latents, FlexRec's prep and mesh included;
- best latent: |Spearman| of the true angle with the best single latent, of a full turn |circular correlation| with the
  direction in the best two;
- predicted, error: the true angle from all latents by neighbours that were left out: correlation, median error;
- told: share of the particles of which such neighbours rightly tell from all latents whether a part is there, in
  brackets by guessing what is more frequent; by itself: by FlexRec's own presence;
- per conformation, per image: mean area under the FSC with the true map over i / D in one mask, as CryoBench defines
  it, of the map at the particle nearest to a state's mean latent, and of maps at the latents of single images.

The states are those that were simulated or, where motion is continuous, ``--bins`` bins for each choice of parts;
``--scored`` of them, evenly spaced, and as many images are compared. The rigid map takes nothing to move or to be
absent; the oracle knows motion, presence and pose. What is already in ``--work`` is used again.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from chimerax.flexrec.errors import InputError
from chimerax.flexrec.jobs.train.train_parts import DECODERS, SOURCES
from chimerax.flexrec.particles.prepared import load_prepared
from chimerax.flexrec.simulate import load_truth
from conformations import (
    States,
    best_circle,
    central_particles,
    map_areas,
    nearest_particles,
    score_mask,
    true_states,
)
from job_runs import Stopped, input_values, processor_seconds, read_settings, run_job, run_jobs
from method_sets import SETS, simulate_values
from motion import source_rows
from peer_programs import PeerResult
from peer_runs import PROGRAMS, add_peer_options, own_result, peer_pythons, run_cryodrgn, run_recovar
from reference_maps import PreparedTruth, oracle_maps, rigid_map
from score import even_particles, predict, presence_told, score_latents

METHODS = ("references", "flexrec", *PROGRAMS)
COLUMNS = ("set", "method", "how", "minutes", "best latent", "predicted", "error", "told", "by itself",
           "per conformation", "per image")  # fmt: skip
AT_ONCE = 10  # maps in memory
EPOCHS = 20  # cryoDRGN's default


@dataclass(frozen=True)
class Case:
    """A set's particles and the truth that scores them.

    folders : of simulate, prep and mesh; values : of all jobs, as text
    scored : numbers of the states, images : of the particles, whose maps are compared; mask : that of the areas
    """

    name: str
    project: Path
    folders: dict[str, Path]
    values: dict[str, dict[str, str]]
    data: PreparedTruth
    states: States
    scored: np.ndarray
    images: np.ndarray
    mask: np.ndarray

    def true_maps(self, states: np.ndarray) -> Iterator[np.ndarray]:
        """The true maps of states."""
        yield from map(self.true_map, self.states.angles[states], self.states.absent[states])

    def true_images(self, rows: np.ndarray) -> Iterator[np.ndarray]:
        """The true maps of particles."""
        yield from map(self.true_map, self.data.angles[rows], self.data.absent[rows])

    def true_map(self, angles: np.ndarray, absent: np.ndarray) -> np.ndarray:
        """The true map in the box of the prepared particles."""
        return self.data.truth.map_at(angles, self.data.prepared.box, self.data.prepared.pixel_size, absent)


def main() -> None:
    """Run and score every method on every set; print the table line by line."""
    arguments = parse_arguments()
    try:
        run(arguments)
    except InputError as error:
        raise SystemExit(str(error)) from error


def run(arguments: argparse.Namespace) -> None:
    """All sets, those that cannot be made told before any is."""
    if arguments.sets is None:
        arguments.sets = [name for name, one in SETS.items() if arguments.molecule or not one.molecule]
        left_out = [name for name in SETS if name not in arguments.sets]
        if left_out:
            print(f"{', '.join(left_out)} are of PDB entry 1HZH and left out: give its file by --molecule")
    wanted = {name: set_values(name, arguments) for name in arguments.sets}
    pythons = peer_pythons(arguments.methods)
    print(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}", flush=True)
    for name, values in wanted.items():
        with told(name, "particles"):
            case = open_case(name, values, arguments)
            for method, results in methods(case, pythons, arguments):
                with told(name, method):
                    for result in results():
                        print_line(case, result, arguments)


@contextmanager
def told(name: str, method: str) -> Iterator[None]:
    """A line of the table in place of what fails: all else shall be measured. But what is stopped stops the script."""
    try:
        yield
    except Stopped:
        raise
    except (InputError, OSError, ValueError) as error:
        print_row(name, method, f"failed: {error}")


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path("bench/methods"), help="a project for each set")
    parser.add_argument("--sets", nargs="+", choices=list(SETS), metavar="SET", help=", ".join(SETS) + " (all)")
    parser.add_argument(
        "--methods", nargs="+", default=list(METHODS), choices=METHODS, metavar="METHOD", help=", ".join(METHODS)
    )
    parser.add_argument("--molecule", type=Path, help="PDB entry 1HZH (PDB or mmCIF file), for igg1d, linker, assembly")
    parser.add_argument("--particles", type=positive, default=5000, help="(default: 5000)")
    parser.add_argument("--box", type=positive, help="(default: 64)")
    parser.add_argument("--pixel-size", type=float, help="Å (default: so that a set's field of view is seen)")
    parser.add_argument("--snr", type=float, help="(default: 0.1; sets like CryoBench's: 0.01 at 256 pixels)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", action="append", default=[], metavar="VERB.NAME=VALUE", help="a job's parameter")
    parser.add_argument("--cells", nargs="+", type=cell, default=[], metavar="DECODER,LATENTS", help="more of FlexRec")
    parser.add_argument("--bins", type=positive, default=20, help="states of a continuous motion (default: 20)")
    parser.add_argument("--scored", type=positive, default=20, help="states, and images, compared (default: 20)")
    parser.add_argument("--few", type=positive, default=6, help="states of compute_state's maps (default: 6)")
    add_peer_options(parser)
    parser.add_argument("--zdim", type=positive, nargs="+", default=[8], help="of cryoDRGN (default: 8)")
    parser.add_argument("--zdims", type=positive, nargs="+", default=[4, 10], help="of RECOVAR (default: 4 10)")
    arguments = parser.parse_args()
    if arguments.minutes is None:
        arguments.epochs = arguments.epochs or EPOCHS
    return arguments


def positive(text: str) -> int:
    """A number of at least 1."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not at least 1")
    return number


def cell(text: str) -> tuple[str, str]:
    """A pair of decoder and latent source."""
    decoder, _, source = text.partition(",")
    if decoder not in DECODERS or source not in SOURCES:
        known = f"one of {', '.join(DECODERS)}, a comma, and one of {', '.join(SOURCES)}"
        raise argparse.ArgumentTypeError(f"{text} is no pair: write {known}")
    return decoder, source


def set_values(name: str, arguments: argparse.Namespace) -> dict[str, dict[str, str]]:
    """The parameters of a set's jobs, as text."""
    asked = read_settings(arguments.set)
    simulated = simulate_values(
        name, arguments.molecule, arguments.particles, arguments.box, arguments.pixel_size, arguments.snr
    )
    return asked | {"simulate": simulated | asked["simulate"], "prep": {"box": simulated["box"]} | asked["prep"]}


def open_case(name: str, values: dict[str, dict[str, str]], arguments: argparse.Namespace) -> Case:
    """Simulate, prepare and mesh a set, or find it; its states and what is compared."""
    simulated = values["simulate"]
    folder = f"{simulated['particles']}x{simulated['box']}-snr{simulated['snr']}-seed{arguments.seed}"
    project = (arguments.work / name / folder).resolve()
    folders = run_jobs(values, project, arguments.seed, last="mesh")
    prepared, truth = load_prepared(folders["prep"]), load_truth(folders["simulate"])
    data = PreparedTruth(prepared, truth, source_rows(prepared.particles))
    states = true_states(data, arguments.bins)
    scored, images = even_particles(len(states), arguments.scored), even_particles(len(data.row), arguments.scored)
    mask = score_mask(truth, np.unique(data.angles, axis=0), prepared.box, prepared.pixel_size)
    return Case(name, project, folders, values, data, states, scored, images, mask)


def methods(
    case: Case, pythons: dict[str, str], arguments: argparse.Namespace
) -> Iterator[tuple[str, Callable[[], Iterable[PeerResult | Areas]]]]:
    """Every method's name, and what runs it on a case."""
    if "references" in arguments.methods:
        yield "references", lambda: references(case)
    if "flexrec" in arguments.methods:
        asked = case.values["train"]
        usual = (asked.get("decoder", SETS[case.name].decoder), asked.get("latents", "table"))
        for pair in dict.fromkeys([usual, *arguments.cells]):
            yield f"FlexRec, {', '.join(pair)}", lambda pair=pair: [trained(case, *pair, arguments.seed)]
    if "cryodrgn" in pythons:
        for zdim in dict.fromkeys(arguments.zdim):
            yield "cryoDRGN", lambda zdim=zdim: [run_cryodrgn(case.project, pythons["cryodrgn"], zdim, arguments)]
    if "recovar" in pythons:
        yield "RECOVAR", lambda: run_recovar(case.project, pythons["recovar"], arguments)


# ----------------------------------------------------------------------------------------------------------------------
# What is run


@dataclass(frozen=True)
class Areas:
    """Of a reference: its name, and its areas per conformation and per image."""

    name: str
    conformations: float
    images: float


def references(case: Case) -> list[Areas]:
    """The rigid map and the oracle; kept, since the oracle takes a while."""
    asked = {
        "states": len(case.states), "scored": case.scored.tolist(), "images": case.images.tolist(),
        "particles": str(case.folders["prep"]),
    }  # fmt: skip
    kept = case.project / "references.json"
    if kept.exists() and (found := json.loads(kept.read_text()))["asked"] == asked:
        return [Areas(*row) for row in found["areas"]]
    rigid, oracle = rigid_map(case.data), oracle_maps(case.data)
    nearest = nearest_particles(case.data, case.states)[case.scored]
    areas = [
        Areas(
            "rigid map",
            float(map_areas(case.true_maps(case.scored), (rigid for _ in case.scored), case.mask).mean()),
            float(map_areas(case.true_images(case.images), (rigid for _ in case.images), case.mask).mean()),
        ),
        Areas(
            "oracle",
            float(map_areas(case.true_images(nearest), (oracle(row) for row in nearest), case.mask).mean()),
            float(map_areas(case.true_images(case.images), (oracle(row) for row in case.images), case.mask).mean()),
        ),
    ]
    rows = [[each.name, each.conformations, each.images] for each in areas]
    kept.write_text(json.dumps({"asked": asked, "areas": rows}) + "\n")
    return areas


def trained(case: Case, decoder: str, source: str, seed: int) -> PeerResult:
    """FlexRec, trained in a project of the cell's own beside what it is trained on."""
    own = {"decoder": decoder, "latents": source, "latent_dims": str(SETS[case.name].latents)}
    values = input_values("train", case.folders) | own | case.values["train"] | {"decoder": decoder, "latents": source}
    project = case.project / f"{decoder}-{source}"
    train = run_job("train", values, project, seed)
    before = sum(processor_seconds(verb, case.project) for verb in ("prep", "mesh"))
    seconds = before + processor_seconds("train", project)
    result = own_result(train, case.data.row, seconds / 60)
    return replace(result, what=f"{decoder}, {source}, {result.what}")


# ----------------------------------------------------------------------------------------------------------------------
# How it is scored


def print_line(case: Case, result: PeerResult | Areas, arguments: argparse.Namespace) -> None:
    """Score a method and print its line."""
    if isinstance(result, Areas):
        print_row(case.name, result.name, *[""] * 7, f"{result.conformations:.3f}", f"{result.images:.3f}")
        return
    latents = result.latents[case.data.row]
    if not np.isfinite(latents).all():
        raise InputError(f"{result.name}, {result.what}: some latents are no numbers")
    conformations, images = areas(case, latents, result, arguments.few)
    print_row(
        case.name, result.name, result.what, f"{result.minutes:.1f}", *latent_scores(case, latents),
        *presence_scores(case, latents, result.presence), conformations, images,
    )  # fmt: skip


def print_row(*words: str) -> None:
    """A row of the table."""
    print(f"| {' | '.join([*words, *[''] * (len(COLUMNS) - len(words))])} |".replace("  ", " "), flush=True)


def latent_scores(case: Case, latents: np.ndarray) -> tuple[str, str, str]:
    """Best latent, prediction and its error, a number for each hinge."""
    best, predicted, error = [], [], []
    for angle, hinge in zip(case.data.angles.T, case.data.truth.hinges):
        score = score_latents(latents, angle, hinge.circular)
        best.append(f"{best_circle(latents, angle) if hinge.circular else score.spearman:.3f}".replace("nan", "-"))
        predicted.append(f"{score.predicted:.3f}")
        error.append(f"{score.error:.1f}°")
    return ", ".join(best), ", ".join(predicted), ", ".join(error)


def presence_scores(case: Case, latents: np.ndarray, presence: np.ndarray | None) -> tuple[str, str]:
    """Share of the particles rightly told to have a part or not, from all latents and by a model's own word."""
    absent = case.data.absent
    told = []
    for lacks in absent.T:
        guess = predict(latents, lacks[:, None].astype(float))[:, 0] > 0.5
        told.append(f"{percent((guess == lacks).mean())} ({percent(max(lacks.mean(), 1 - lacks.mean()))})")
    own = [] if presence is None else map(percent, presence_told(presence[case.data.row], absent))
    return ", ".join(told), ", ".join(own)


def percent(share: float) -> str:
    """A share as the table has it."""
    return f"{100 * share:.1f} %"


def areas(case: Case, latents: np.ndarray, result: PeerResult, few: int) -> tuple[str, str]:
    """Mean areas per conformation and per image; of maps that take a pass over the particles, of a few states alone."""
    scored = case.scored[even_particles(len(case.scored), few)] if result.kernel else case.scored
    central = central_particles(latents, case.states.of)[scored]
    conformations = map_areas(case.true_maps(scored), decoded(result, latents[central]), case.mask)
    if result.kernel:
        return f"{conformations.mean():.3f} (of {len(scored)})", ""
    images = map_areas(case.true_images(case.images), decoded(result, latents[case.images]), case.mask)
    return f"{conformations.mean():.3f}", f"{images.mean():.3f}"


def decoded(result: PeerResult, latents: np.ndarray) -> Iterator[np.ndarray]:
    """A method's maps at latents ``(m, k)``, some at once."""
    for first in range(0, len(latents), AT_ONCE):
        yield from result.maps(latents[first : first + AT_ONCE])


if __name__ == "__main__":
    main()

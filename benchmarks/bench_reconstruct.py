"""Are maps sharper under motion? `reconstruct --model` beside its rigid twin and the oracle, against the true maps.

    python benchmarks/bench_reconstruct.py --work bench/reconstruct --particles 10000 --box 128 --pixel-size 2.5
        --snr 0.05 --hinges "fab1: ±15" --set prep.box=64 --set train.latent_dims=1 --seeds 0,1,2

Particles are simulated at ``--box``, prepared in a smaller one and trained there; the reconstruction reads the images
as they were simulated. The oracle is solved from the same images in the same halves by the same steps, with the true
motion of the rigid parts and the true poses. Areas under the FSC with the truth are CryoBench's (0.5 at most), at the
states of evenly spaced particles, each at the mean latent of the particles most like it. ``excess`` is the largest
amount by which the FSC of the half-maps, in the mask of the true molecule, is above what the FSC of their mean with the
truth supports, t² / (2 − t²) of the mean's t: up to 0.8 of Nyquist, and at all.

``--curves`` prints instead how the maps of FlexRec's steps and of L-BFGS (torch's, strong Wolfe, on the same problem
without preconditioner) get better with the passes over the images.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from chimerax.flexrec.engine.maps.least_squares import LeastSquares, band_weights
from chimerax.flexrec.engine.maps.moving_pair import Pair, PairProblem, advance_pair, begin_pair, solve_pair
from chimerax.flexrec.engine.maps.reconstruction import Reconstruction, of_halves
from chimerax.flexrec.engine.projector.mesh_projector import VoxelCloud, project
from chimerax.flexrec.engine.training.batches import Batch, ParticleImages, pieces
from chimerax.flexrec.explore.trained_model import open_trained
from chimerax.flexrec.jobs.job_folder import JobRun
from chimerax.flexrec.jobs.reconstruct.full_images import open_full_images
from chimerax.flexrec.jobs.reconstruct.moving_solver import BAND, MOVED, NAMES, RIGID
from chimerax.flexrec.mesh.map_files import read_map
from chimerax.flexrec.models import open_model
from chimerax.flexrec.models.interface import DecodeOptions
from chimerax.flexrec.particles.prepared import load_prepared
from chimerax.flexrec.simulate import load_truth
from chimerax.flexrec.simulate.hinges import motions
from chimerax.flexrec.simulate.moving_molecule import MovingMolecule
from job_runs import job_seconds, read_settings, run_job, run_jobs
from motion import order, slug, state_latents, true_copies
from reference_maps import REACH, PreparedTruth, moved_corners, part_cloud
from score import MapScore, even_particles, fsc_curve, score_maps, way

BATCH = 32
FINE = DecodeOptions(oversampling=2)  # right up to Nyquist
LBFGS_STEPS = 20
LBFGS_LOSS = 1e6  # before the first step: torch's takes no account of curvatures below 1e-10


@dataclass(frozen=True)
class Result:
    """Areas under the FSC inside the moving part and of the whole, Å of FSC 0.5 in the moving part, and the excess."""

    case: str
    seed: int
    moving: dict[str, float]
    whole: dict[str, float]
    half: dict[str, float]
    excess: tuple[float, float]
    seconds: dict[str, float]


def main() -> None:
    """Run and score every case and seed."""
    arguments = parse_arguments()
    results: list[Result] = []
    for seed in arguments.seeds:
        folders = run_all(arguments, seed)
        if arguments.curves:
            print_curves(folders, arguments.scored)
            continue
        results.append(score(folders, arguments.scored, seed, arguments.case))
        print_table(results)
        kept = json.dumps([asdict(each) for each in results], indent=1)
        (arguments.work / "reconstruct.json").write_text(kept + "\n")


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="folder for one project per seed")
    parser.add_argument("--case", default="", help="a word for the table, and a folder of its own")
    parser.add_argument("--seeds", type=lambda text: [int(word) for word in text.split(",")], default=[0])
    parser.add_argument("--scored", type=int, default=6, help="states whose maps are compared, evenly spaced")
    parser.add_argument("--set", action="append", default=[], metavar="VERB.NAME=VALUE", help="a job's parameter")
    parser.add_argument("--curves", action="store_true", help="passes against areas, beside L-BFGS")
    for name in ("particles", "box", "pixel-size", "snr", "hinges", "molecule"):
        parser.add_argument(f"--{name}", help="as of flexrec simulate")
    return parser.parse_args()


def run_all(arguments: argparse.Namespace, seed: int) -> dict[str, Path]:
    """All jobs of one seed, the reconstruction last; their folders."""
    values = read_settings([word for word in arguments.set if not word.startswith("reconstruct.")])
    for name in ("particles", "box", "pixel_size", "snr", "hinges", "molecule"):
        if getattr(arguments, name) is not None:
            values["simulate"][name] = getattr(arguments, name)
    work = arguments.work / slug(arguments.case) if arguments.case else arguments.work
    folders = run_jobs(values, work / f"seed{seed}", seed)
    asked = {"particles": str(folders["prep"]), "model": str(folders["train"])}
    for word in arguments.set:
        if word.startswith("reconstruct."):
            name, _, value = word.removeprefix("reconstruct.").partition("=")
            asked[name] = value
    folders["reconstruct"] = run_job("reconstruct", asked, work / f"seed{seed}", seed)
    return folders


# ---------------------------------------------------------------------------- scores


def score(folders: dict[str, Path], scored: int, seed: int, case: str) -> Result:
    """The reconstruction's maps, its twin's and the oracle's against the truth."""
    data, model = truth_of(folders), open_model(folders["train"])
    own = np.flatnonzero(data.own)
    rows = own[even_particles(len(own), scored)]
    states = state_latents(model.latents[own], data.angles[own], data.angles[rows])
    pixel_size, moved = load(folders["reconstruct"], MOVED)
    _, rigid = load(folders["reconstruct"], RIGID)
    moving = model.with_map(moved.mean, pixel_size)
    oracle = oracle_maps(data, folders)
    scores = {
        "rigid": score_maps(data.truth, data.angles[rows], (rigid.mean for _ in rows), pixel_size),
        "model": score_maps(data.truth, data.angles[rows], (moving.decode(z, FINE) for z in states), pixel_size),
        "oracle": score_maps(data.truth, data.angles[rows], (oracle(row) for row in rows), pixel_size),
    }
    halves = (model.with_map(half, pixel_size) for half in (moved.first, moved.second))
    first, second = (half.decode(states[0], FINE) for half in halves)
    excess = half_excess(data, data.angles[rows[0]], first, second, moving.decode(states[0], FINE), pixel_size)
    return Result(
        case, seed, {name: each.moving_area for name, each in scores.items()},
        {name: each.whole_area for name, each in scores.items()},
        {name: half_crossing(each) for name, each in scores.items()}, excess,
        {verb: job_seconds(folder) for verb, folder in folders.items()},
    )  # fmt: skip


def half_crossing(score: MapScore) -> float:
    """Å, between shells, at which the mean FSC inside the moving part falls below 0.5."""
    curve = score.moving.mean(axis=0)
    below = np.flatnonzero(curve < 0.5)
    if not len(below):
        return 2 * score.pixel_size
    shell = int(below[0])
    part = (curve[shell - 1] - 0.5) / (curve[shell - 1] - curve[shell])
    return 2 * len(curve) * score.pixel_size / (shell - 1 + part)


def half_excess(data: PreparedTruth, state: np.ndarray, first: np.ndarray, second: np.ndarray, mean: np.ndarray,
                pixel_size: float) -> tuple[float, float]:  # fmt: skip
    """How far the FSC of two half-maps is above what the FSC of their mean with the truth supports, at most."""
    box = len(mean)
    mask = data.truth.moving.mask(state, box, pixel_size)
    true = fsc_curve(data.truth.map_at(state, box, pixel_size), mean, mask)
    supported = np.clip(true, 0, 1) ** 2 / (2 - np.clip(true, 0, 1) ** 2)
    above = (fsc_curve(first, second, mask) - supported)[2 : int(BAND * box / 2)]
    return float(above[: int(0.4 * box) - 2].max()), float(above.max())


def load(folder: Path, kind: str) -> tuple[float, Reconstruction]:
    """Pixel size and half-maps of a reconstruct job."""
    (first, pixel_size), (second, _) = (read_map(folder / name) for name in NAMES[kind])
    return pixel_size, of_halves(first, second, (first + second) / 2, pixel_size)


def truth_of(folders: dict[str, Path]) -> PreparedTruth:
    """The prepared particles and what is true of them."""
    prepared = load_prepared(folders["prep"])
    return PreparedTruth(prepared, *true_copies(load_truth(folders["simulate"]), prepared.particles))


def full_images(folders: dict[str, Path]) -> ParticleImages:
    """The images as the reconstruction has read them."""
    prepared, trained = load_prepared(folders["prep"]), open_trained(folders["train"])
    with np.load(folders["reconstruct"] / "halves.npz"):
        return open_full_images(trained, prepared, None, JobRun(folders["reconstruct"]))


def oracle_maps(data: PreparedTruth, folders: dict[str, Path]) -> Callable[[int], np.ndarray]:
    """The reconstruction that knows the true motion and poses: a function from a prepared particle's row to its map."""
    images, moving = full_images(folders), data.truth.moving
    particles = replace(images.particles, rotation=data.truth.rotation[data.row], shift=data.truth.shift[data.row])
    true = ParticleImages(particles, images.whitening, images._stack)
    cloud = part_cloud(moving.labels(images.box, images.pixel_size, max(REACH, 2.5 * images.pixel_size)),
                       images.pixel_size)  # fmt: skip

    def placement(batch: Batch) -> torch.Tensor:
        rows = batch.rows.numpy()
        parts = np.stack([motions(moving.hinges, data.angles[rows], int(code)) for code in moving.codes], axis=1)
        return cloud.affines(moved_corners(parts), batch.rotation, images.box)

    with np.load(folders["reconstruct"] / "halves.npz") as stored:
        halves = tuple(half[data.own[half]] for half in (stored["half1"], stored["half2"]))
    pair = solve_pair(pair_problem(true, cloud, placement, halves), None, lambda pair: None)
    maps = [cloud.scatter(half.density).numpy() for half in (pair.first, pair.second)]
    mean = of_halves(*maps, (maps[0] + maps[1]) / 2, images.pixel_size).mean
    carried = MovingMolecule(
        cloud.points.numpy().astype(np.float64), cloud.gather(torch.from_numpy(mean)).numpy(), moving.codes,
        cloud.offsets.numpy(), moving.hinges, 0.0, 0.5 / images.pixel_size,
    )  # fmt: skip
    return lambda row: carried.map_at(data.angles[row], images.box, images.pixel_size)


def pair_problem(
    images: ParticleImages, cloud: VoxelCloud, placement: Callable[[Batch], torch.Tensor],
    halves: tuple[np.ndarray, ...],
) -> PairProblem:  # fmt: skip
    """The problems of two halves, and of 400 images of each."""
    weights = band_weights(images.box, BAND * images.box / 2, torch.full((images.box // 2 + 1,), float(images.box**2)))

    def problem(rows: np.ndarray) -> LeastSquares:
        def batches() -> Iterator[Batch]:
            return images.batches(pieces(rows, BATCH), images.box)

        return LeastSquares(cloud, batches, placement, weights)

    return PairProblem(*map(problem, halves), *(problem(half[:: max(1, len(half) // 400)]) for half in halves))


# ---------------------------------------------------------------------------- passes


def print_curves(folders: dict[str, Path], scored: int) -> None:
    """Areas in the moving part after each pass, of FlexRec's steps and of L-BFGS's evaluations."""
    images, trained = full_images(folders), open_trained(folders["train"])
    data, model = truth_of(folders), trained.model
    own = np.flatnonzero(data.own)
    rows = own[even_particles(len(own), scored)]
    states = state_latents(model.latents[own], data.angles[own], data.angles[rows])
    mesh_stage = stage_of(images, trained)
    with np.load(folders["reconstruct"] / "halves.npz") as stored:
        halves = stored["half1"], stored["half2"]
    problem = pair_problem(images, mesh_stage[0], mesh_stage[1], halves)

    def area_of(pair: list[torch.Tensor]) -> float:
        first, second = (problem.cloud.scatter(half).numpy() for half in pair)
        mean = of_halves(first, second, (first + second) / 2, images.pixel_size).mean
        maps = (model.with_map(mean, images.pixel_size).decode(z, FINE) for z in states)
        return score_maps(data.truth, data.angles[rows], maps, images.pixel_size).moving_area

    print(f"{'passes':>6} {'FlexRec':>8}")
    pair: Pair = begin_pair(problem)
    for _ in range(8):
        pair = advance_pair(problem, pair)
        print(f"{pair.first.passes:6d} {area_of([pair.first.density, pair.second.density]):8.4f}", flush=True)
    print(f"{'passes':>6} {'L-BFGS':>8}")
    runs = [lbfgs(each) for each in (problem.first, problem.second)]
    for (passes, first), (_, second) in zip(*runs):
        print(f"{passes:6d} {area_of([first, second]):8.4f}", flush=True)


def stage_of(images: ParticleImages, trained) -> tuple[VoxelCloud, Callable[[Batch], torch.Tensor]]:
    """The cloud of the model's mesh at the images' box, and where each batch has its cells."""
    from chimerax.flexrec.engine.training.batch_cache import BatchCache
    from chimerax.flexrec.engine.training.stage import make_stage
    from chimerax.flexrec.jobs.reconstruct.reconstruct_motion import particle_motion

    motion, mesh = particle_motion(trained, "cpu"), trained.model.moving_points.mesh
    noise = torch.full((images.box // 2 + 1,), float(images.box**2))
    stage = make_stage(BatchCache(images), mesh, images.box, noise, BAND, motion.poses, motion.membership,
                       motion.signal)  # fmt: skip

    def placement(batch: Batch) -> torch.Tensor:
        batch = motion.poses.corrected(batch)
        return stage.place(batch.rotation, batch.correction, motion.vertices_of(batch))

    return stage.cloud, placement


def lbfgs(problem: LeastSquares) -> list[tuple[int, torch.Tensor]]:
    """(passes over the images, density) after each of twenty iterations of L-BFGS from an empty map."""
    density = torch.zeros(len(problem.cloud), requires_grad=True)
    # by default it stops early, and has as many evaluations for a line search as there are iterations
    optimiser = torch.optim.LBFGS([density], lr=1.0, max_iter=1, max_eval=26, history_size=LBFGS_STEPS,
                                  line_search_fn="strong_wolfe", tolerance_grad=0, tolerance_change=0)  # fmt: skip
    passes, iterations = 0, []
    scale = 1.0

    def closure() -> torch.Tensor:
        nonlocal passes
        passes += 1
        gradient, loss = torch.zeros_like(density), 0.0
        for batch in problem.batches():
            model = batch.transfer * project(problem.cloud, density.detach(), problem.placement(batch),
                                             problem.weights.shape[0])  # fmt: skip
            residual = model - batch.images
            loss += 0.5 * float((problem.weights * (residual.real**2 + residual.imag**2)).sum())
            gradient += problem._adjoint(batch, residual, problem.placement(batch))
        density.grad = gradient * scale
        return torch.tensor(loss * scale, dtype=torch.float64)

    scale = LBFGS_LOSS / float(closure())
    passes = 0
    for _ in range(LBFGS_STEPS):
        optimiser.step(closure)
        iterations.append((passes, density.detach().clone()))
    return iterations


def print_table(results: list[Result]) -> None:
    """One line per case and seed."""
    print(f"{'case':<16} {'seed':>4} {'moving rigid/moved/oracle':>26} {'way':>5} {'whole rigid/moved/oracle':>26} "
          f"{'way':>5} {'Å at 0.5: rigid/moved/oracle':>29} {'excess':>11} {'train':>6} {'reconstruct':>11}")
    for r in results:
        areas = [" / ".join(f"{each[name]:{form}}" for name in ("rigid", "model", "oracle"))
                 for each, form in ((r.moving, ".3f"), (r.whole, ".3f"), (r.half, ".2f"))]  # fmt: skip
        print(f"{r.case:<16} {r.seed:4d} {areas[0]:>26} {way(**order(r.moving)):5.2f} {areas[1]:>26} "
              f"{way(**order(r.whole)):5.2f} {areas[2]:>29} {r.excess[0]:5.3f} {r.excess[1]:5.3f} "
              f"{r.seconds['train']:5.0f}s {r.seconds['reconstruct']:10.0f}s", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()

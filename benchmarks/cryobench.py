"""CryoBench's IgG-1D, made and scored here: one Fab of PDB 1HZH turned by 360° in 100 conformations.

    python benchmarks/cryobench.py --molecule 1hzh.pdb --work bench/igg1d
    python benchmarks/cryobench.py --molecule 1hzh.pdb --particles 100000 --work bench/igg1d-full

Images of 128 pixels of 3 Å are simulated at CryoBench's signal-to-noise ratio (its 0.01 is that of images twice as
large, 0.04 here), prepared, meshed and trained on, in two latent dimensions. Any parameter of any job can be given by
``--set VERB.NAME=VALUE``. The score is CryoBench's: the mean area under the FSC with the true map over frequencies
i / D, one mask for both maps and all states, at most just under 0.5,

- per conformation: of the map at the particle of each state whose latent is nearest to the state's mean;
- per image: of the maps at the latents of 100 evenly spaced particles, against their own states.

The published figures are for CryoBench's 100,000 images and its own mask (give it by ``--mask``, in the box and frame
of the images); without one, the mask is made from the true atoms of all states.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from chimerax.flexrec.models import Model, open_model
from chimerax.flexrec.particles.prepared import load_prepared
from chimerax.flexrec.simulate import Truth, load_truth
from conformations import central_particles, circle, map_areas, score_mask
from job_runs import job_seconds, read_settings, run_jobs
from score import even_particles, score_latents

# areas of IgG-1D: per conformation (Shekarforoush et al. 2025, Table 2) and per image (CryoKRAQEN, CVPR 2026)
PUBLISHED = {
    "3DFlex": (0.336, None),
    "3DVA": (0.351, None),
    "cryoDRGN": (0.366, 0.351),
    "RECOVAR": (0.391, 0.386),
    "CryoSPIRE": (0.402, None),
}
DEFAULTS = {
    "simulate": {"hinges": "L,H:1-230: 360", "states": "100", "box": "128", "pixel_size": "3", "resolution": "3",
                 "shift": "17"},
    "prep": {"box": "128"},
    "mesh": {},
    "train": {"latent_dims": "2"},
}  # fmt: skip


@dataclass(frozen=True)
class Scores:
    """All that is measured.

    per_conformation, per_image : mean and standard deviation of the areas
    circle : |circular correlation| of the particle's direction in the first two latents with its true angle
    predicted, error : cross-validated prediction of the angle from all latents: circular correlation, median degrees
    seconds : of each job
    """

    per_conformation: tuple[float, float]
    per_image: tuple[float, float]
    circle: float
    predicted: float
    error: float
    seconds: dict[str, float]


def main() -> None:
    """Run what is not yet done, score, print the table and write scores.json."""
    arguments = parse_arguments()
    asked = read_settings(arguments.set)
    values = {verb: DEFAULTS[verb] | asked[verb] for verb in DEFAULTS}
    own = {"molecule": str(arguments.molecule), "particles": str(arguments.particles), "snr": str(arguments.snr)}
    values["simulate"] |= own
    folders = run_jobs(values, arguments.work.resolve(), arguments.seed)
    scores = score(folders, arguments)
    print_table(scores, arguments)
    (arguments.work / "scores.json").write_text(json.dumps(asdict(scores), indent=1) + "\n")


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--molecule", type=Path, required=True, help="PDB entry 1HZH (PDB or mmCIF file)")
    parser.add_argument("--work", type=Path, default=Path("bench/igg1d"), help="the project's folder")
    parser.add_argument("--particles", type=int, default=5000, help="(default: 5000; CryoBench's: 100000)")
    parser.add_argument("--snr", type=float, default=0.04, help="as of flexrec simulate (default: 0.04)")
    parser.add_argument("--images", type=int, default=100, help="of the score per image (default: 100)")
    parser.add_argument("--mask", type=Path, help="mask of the score (MRC), in place of one made from the atoms")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", action="append", default=[], metavar="VERB.NAME=VALUE", help="a job's parameter")
    return parser.parse_args()


def score(folders: dict[str, Path], arguments: argparse.Namespace) -> Scores:
    """Score a trained model against the truth."""
    prepared, truth = load_prepared(folders["prep"]), load_truth(folders["simulate"])
    row = np.asarray(prepared.particles.columns["flexrecSourceRow"], np.int64)
    state, angles, model = truth.state[row], truth.angles[row], open_model(folders["train"])
    states = np.unique(truth.angles, axis=0)
    mask = score_mask(truth, states, model.box, model.pixel_size, arguments.mask)
    conformations = areas(model, truth, angles, central_particles(model.latents, state), mask)
    images = areas(model, truth, angles, even_particles(len(row), arguments.images), mask)
    latents = score_latents(model.latents, angles[:, 0], truth.hinges[0].circular)
    seconds = {verb: job_seconds(folder) for verb, folder in folders.items()}
    return Scores(
        (float(conformations.mean()), float(conformations.std())), (float(images.mean()), float(images.std())),
        circle(model.latents, angles[:, 0]), latents.predicted, latents.error, seconds,
    )  # fmt: skip


def areas(model: Model, truth: Truth, angles: np.ndarray, rows: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Area under the FSC ``(m,)`` of the maps at the latents of these particles with the true maps of their states."""
    true = (truth.map_at(angles[row], model.box, model.pixel_size) for row in rows)
    return map_areas(true, (model.decode(model.latents[row]) for row in rows), mask)


def print_table(scores: Scores, arguments: argparse.Namespace) -> None:
    """Ours beside what is published, then what the latents tell."""
    print(f"IgG-1D, area under the FSC (a perfect map of 128 voxels has {63 / 128:.3f})")
    print(f"{'method':<34} {'per conformation':>18} {'per image':>18}")
    ours = f"FlexRec, {arguments.particles} images"
    print(f"{ours:<34} {spread(scores.per_conformation):>18} {spread(scores.per_image):>18}")
    for method, published in PUBLISHED.items():
        words = ["-" if value is None else f"{value:.3f}" for value in published]
        print(f"{method + ', published, 100000 images':<34} {words[0]:>18} {words[1]:>18}")
    print(f"latents: circular correlation with the true angle {scores.circle:.3f}; predicted from neighbours "
          f"{scores.predicted:.3f}, median error {scores.error:.1f}°")  # fmt: skip
    print("seconds: " + ", ".join(f"{verb} {seconds:.0f}" for verb, seconds in scores.seconds.items()))


def spread(pair: tuple[float, float]) -> str:
    """Mean (standard deviation)."""
    return f"{pair[0]:.3f} ({pair[1]:.3f})"


if __name__ == "__main__":
    main()

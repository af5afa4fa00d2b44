"""How well can latents and poses be told from images whose poses are off, with the motion and map of a clean training?

    python benchmarks/pose_limit.py --clean hard/clean/seed0 --work hard/poses-1.4-1.2/seed0 --errors 1.4,1.2

Both folders are of ``motion.py`` and of the same seed: the same particles, whose poses are right in one and off in the
other. Every particle begins at the latent point that the clean training gave it, and takes steps of latents and pose
with the flow and map of that training and the true widths of the errors. What comes out is no training's doing: it is
what these images say. Prints the Spearman correlation of the latents with the true angle and the r.m.s. errors of the
poses (° about each axis, Å along each) after each round.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import numpy as np
import torch
from chimerax.flexrec.engine.decoders.decoder import Pass
from chimerax.flexrec.engine.decoders.flow.flow_decoder import FlowDecoder
from chimerax.flexrec.engine.latents.gauss_newton import gauss_newton
from chimerax.flexrec.engine.latents.table import LatentTable
from chimerax.flexrec.engine.training.batches import ParticleImages
from chimerax.flexrec.engine.training.checkpoint import RESUME, load_resume
from chimerax.flexrec.engine.training.pose_corrections import mass_centre
from chimerax.flexrec.engine.training.trainer import Settings, Trainer
from chimerax.flexrec.engine.training.training_loop import Training
from chimerax.flexrec.jobs.train.train_particles import refined
from chimerax.flexrec.mesh.storage import load_mesh
from chimerax.flexrec.particles.prepared import load_prepared
from chimerax.flexrec.simulate import load_truth
from hard_cases import pose_errors
from motion import true_copies
from reference_maps import PreparedTruth
from score import spearman

ROUNDS = 8


def main() -> None:
    """Load, step, print."""
    arguments = parse_arguments()
    clean, prep = newest(arguments.clean, "train"), newest(arguments.work, "prep")
    prepared = load_prepared(prep)
    data = PreparedTruth(prepared, *true_copies(load_truth(newest(arguments.work, "simulate")), prepared.particles))
    trainer, training = restored(clean, prepared)
    decoder, points, poses = training.decoder, training.points, trainer.poses
    stage = decoder.enter(trainer, trainer.levels[-1], points)
    mass = stage.cloud.vertex_mass(stage.density, len(trainer.rest))
    poses.centre, poses.radius = mass_centre(trainer.rest, mass)
    turn, shift = (float(word) for word in arguments.errors.split(","))
    poses.variance = torch.tensor([(math.radians(turn) * poses.radius) ** 2, shift**2], dtype=torch.float32)
    now = Pass(trainer, stage, points, trainer.epochs - 1)
    for number in range(ROUNDS + 1):
        turns, shifts = pose_errors(data, refined(prepared.particles, poses))
        correlation = abs(spearman(points.z[data.own, 0].numpy(), data.angles[data.own, 0]))
        print(f"{number:2d}  Spearman {correlation:.4f}  poses {turns:.2f}° {shifts:.2f} Å", flush=True)
        for batch in stage.batches(np.arange(len(trainer.images))):
            step = gauss_newton(decoder, stage, poses.corrected(batch), points.z[batch.rows], points.prior(batch))
            points.take(now.stage, batch, step)


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clean", type=Path, required=True, help="project of motion.py whose poses are right")
    parser.add_argument("--work", type=Path, required=True, help="the same seed's, whose poses are off")
    parser.add_argument("--errors", required=True, metavar="DEGREES,ANGSTROMS", help="as of flexrec simulate")
    return parser.parse_args()


def newest(project: Path, verb: str) -> Path:
    """The folder of its newest job of a verb."""
    return sorted(project.glob(f"*-{verb}"))[-1]


def restored(clean: Path, prepared) -> tuple[Trainer, Training]:
    """The clean training's flow, map and latents with other images of the same particles."""
    images = ParticleImages(prepared.particles, prepared.filter)
    decoder = FlowDecoder()
    dims = np.load(clean / "latents.npz")["z"].shape[1]
    levels = decoder.levels(images.box, images.pixel_size, len(images), dims, None, 0.95, 64)
    trainer = Trainer(images, load_mesh(clean / "mesh.npz"), Settings(latent_dims=dims), levels)
    training = Training(decoder, LatentTable())
    load_resume(clean / RESUME, trainer, training)
    trainer.poses.disable()
    return trainer, training


if __name__ == "__main__":
    main()

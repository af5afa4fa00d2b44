"""What a training has found out of the particles beside their latents: refined poses, scales, and which are none."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ...particles import write_star
from ...particles.prepared import Prepared, particles_identity
from ...particles.selection import COLOURS, make_selection, save_selection
from ..job_folder import JobRun

if TYPE_CHECKING:
    from ...engine.training.pose_corrections import Poses
    from ...engine.training.trainer import Trainer
    from ...engine.training.training_loop import Training
    from ...particles import Particles

REFINED, JUNK = "refined.star", "junk"
PROBABILITY = "flexrecProbability"


def write_particles(job: JobRun, prepared: Prepared, trainer: Trainer, training: Training) -> None:
    """At the end of a training: refined.star, where poses, images or their signals are in doubt, or particles have
    columns more; and the files of particles that the decoder has, such as bodies' poses.
    """
    probability, signal = _probability(trainer), trainer.signal
    own = training.decoder.columns(training.points)
    if own or trainer.poses.active or probability is not None or not signal.even:
        particles = refined(prepared.particles, trainer.poses) if trainer.poses.active else prepared.particles
        if not signal.even:
            particles = replace(particles, scale=particles.scale * np.round(signal.scale.cpu().numpy(), 4))
        if probability is not None:
            columns = particles.columns | {PROBABILITY: np.round(probability, 4)}
            particles = replace(particles, columns=columns)
        particles = replace(particles, columns=particles.columns | own)
        with job.output(REFINED) as path:
            write_star(path, particles)
    for name, particles in training.decoder.particle_files(trainer, training.points).items():
        with job.output(f"{name}.star") as path:
            write_star(path, particles)


def select_junk(job: JobRun, prepared: Prepared, trainer: Trainer) -> None:
    """At the end of a training: the selection of the images that are no particles."""
    probability = _probability(trainer)
    if probability is not None and (probability < 0.5).any():
        rows = probability < 0.5
        made = f"probability below 0.5 in {job.folder.name}"
        identity = particles_identity(prepared.folder)
        selection = make_selection(JUNK, rows, len(rows), identity, COLOURS[-1], made)
        save_selection(job.folder.parent, selection)
        job.log(f"The {int(rows.sum()):,} images that are no particles are the selection {JUNK!r} of the project.")


def _probability(trainer: Trainer) -> np.ndarray | None:
    return None if trainer.membership.whole else trainer.membership.probability.cpu().numpy()


def refined(particles: Particles, poses: Poses) -> Particles:
    """The particles with their poses corrected, in the frame of the consensus that they were given in."""
    import torch

    rotation = torch.from_numpy(particles.rotation).to(poses.correction.device, torch.float64)
    exact = replace(poses, correction=poses.correction.double(), centre=poses.centre.double())
    turned, offset = exact.view(rotation, exact.correction)
    return replace(particles, rotation=turned.cpu().numpy(), shift=particles.shift - offset.cpu().numpy())

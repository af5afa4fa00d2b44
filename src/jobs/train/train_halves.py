"""``train --halves``: two models that share the mesh and the settings alone, judged by images that neither has seen.

The job's own model is the one of all images. Each half model is trained in a folder of its own; when it has ended,
it is judged, and what the held-out images say of it is kept there, so that a resumed job does not do it again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ...errors import InputError
from ...mesh.storage import load_mesh
from ...mesh.tetmesh import TetMesh
from ...particles.copies import image_numbers
from ...particles.halves import held_out
from ...particles.particles import Particles
from ...particles.prepared import Prepared
from ..job_folder import JobRun
from ..part_run import PartRun
from .compare_halves import JUDGED, compare_halves
from .train_images import open_images
from .train_model import MESH_FILE, STOPPED, Inputs
from .train_parameters import CommonParameters

if TYPE_CHECKING:
    from ...engine.decoders.flow.held_out_flow import FlowJudgement
    from ...engine.training.team import Team
    from ...engine.training.trainer import Trainer
    from ...engine.training.training_loop import Training

# trains a model with these inputs, of those of prep's particles, and writes it; None where it was stopped
Fit = Callable[..., "tuple[Trainer, Training] | None"]

HELD_OUT, MOST_HELD_OUT = 0.1, 20_000  # share of the images, and images: more tell no more
LEAST_IMAGES, LEAST_HELD_OUT = 50, 10  # of which a model is trained, and by which it is judged
UNEQUAL = 2.0  # times as many images in one half as in the other that are worth a word


@dataclass(frozen=True)
class Division:
    """Rows of prep's particles: of the two ``halves``, and ``held_out`` of both. ``image`` ``(n,)`` of all."""

    halves: tuple[np.ndarray, np.ndarray]
    held_out: np.ndarray
    image: np.ndarray

    def images(self, rows: np.ndarray) -> int:
        """How many images particles are of."""
        return len(np.unique(self.image[rows]))


def divide(particles: Particles, seed: int) -> Division:
    """Divide the particles: halves as their file has them, or at random; copies of an image are all in one place."""
    from ...engine.training.trainer import split_halves

    image = image_numbers(particles)
    side = np.ones(len(particles), np.int8)
    side[split_halves(particles, seed, image)[1]] = 2
    apart = held_out(side, image, HELD_OUT, MOST_HELD_OUT, np.random.default_rng((seed, 10)))
    first, second = (np.flatnonzero((side == half) & ~apart) for half in (1, 2))
    return Division((first, second), np.flatnonzero(apart), image)


def check_halves(parameters: CommonParameters, particles: Particles, job: JobRun) -> None:
    """``InputError`` where two independent models cannot be made; what is doubtful goes into the log."""
    if vars(parameters).get("initial_latents") is not None:
        raise InputError("halves: latents to begin with were found from both halves, so that their models would not be "
                         "independent; leave --initial-latents and --start latents out, or --halves.")  # fmt: skip
    division = divide(particles, job.seed)
    first, second = (division.images(rows) for rows in division.halves)
    judging = division.images(division.held_out)
    if min(first, second) < LEAST_IMAGES or judging < LEAST_HELD_OUT:
        raise InputError(f"halves: {first} and {second} images would be trained on and {judging} held out, and "
                         f"{LEAST_IMAGES}, {LEAST_IMAGES} and {LEAST_HELD_OUT} are needed; give more particles, remove "
                         "their column of random subsets if it is that uneven, or leave --halves out.")  # fmt: skip
    if max(first, second) > UNEQUAL * min(first, second):
        job.log(f"The halves that the particles' file names have {first} and {second} images: the smaller one's model "
                "is the worse, and what both agree on is what it has found.")  # fmt: skip


def train_halves(
    parameters: CommonParameters, job: JobRun, inputs: Inputs, fit: Fit, team: Team | None = None
) -> None:
    """Train both half models, judge them, and write what they say; the job's own model has been trained."""
    prepared, mesh = inputs[0], load_mesh(job.folder / MESH_FILE)
    division, leads = divide(prepared.particles, job.seed), team is None or team.leads
    others = replace(prepared, particles=prepared.particles.take(division.held_out))
    for number, rows in enumerate(division.halves, 1):
        part = PartRun(job, f"half{number}", job.seed + number)
        if (part.folder / JUDGED).is_file():
            continue
        judgement = _half(parameters, part, prepared, mesh, rows, others, fit, team)
        if judgement is None:
            return
        if leads:
            with part.output(JUDGED) as path:
                np.savez(path, row=division.held_out, gain=judgement.gain, z=judgement.latents,
                         probability=judgement.probability)  # fmt: skip
    if leads:
        compare_halves(job, division.image[division.held_out], *map(division.images, division.halves))


def _half(
    parameters: CommonParameters, part: PartRun, prepared: Prepared, mesh: TetMesh, rows: np.ndarray, others: Prepared,
    fit: Fit, team: Team | None,
) -> FlowJudgement | None:  # fmt: skip
    """Train the model of the particles ``rows`` and judge it by ``others``; None where it was stopped."""
    from ...engine.decoders.flow.held_out_flow import judge_flow
    from ...engine.training.checkpoint import Subset
    from ...engine.training.memory import release_memory
    from ...engine.training.trainer import Interrupted

    release_memory()
    own = replace(prepared, particles=prepared.particles.take(rows))
    trained = fit(part, (own, mesh, None), Subset(rows, len(prepared.particles)))
    if trained is None:
        return None
    try:
        images = open_images(parameters, others, part if team is None or team.leads else None, team is not None)
        return judge_flow(*trained, images)
    except Interrupted:
        trained[0].log(STOPPED)
        return None

"""The first guess of classes that move: what is discrete first, then the motion that the classes have in common.

Clusters of the images along linear components of the density give the classes, as for classes at rest, but in as many
components as there are classes and motions: latents of a few states that are apart fall into clusters, those of a
motion do not, and what splits best is what is discrete. The motion is then found in the mesh's soft modes, every image
compared with the map of its own class.
"""

from __future__ import annotations

import numpy as np
import torch

from ....errors import InputError
from ...latents.particle_latents import ParticleLatents
from ...maps.noise_power import measure_noise
from ...training.stage import Stage
from ...training.trainer import FIRST_ITERATIONS, Trainer
from ..classes.class_maps import in_a_row
from ..classes.first_guess_classes import cluster_images
from ..flow.first_guess import guess_motion, guess_rest, hold_out, sample
from ..flow.first_guess_modes import fit_modes, move_linearly
from ..occupancy.incomplete_particles import take_back_incomplete
from .class_stage import ClassStage
from .moving_classes_state import MovingClassesState


def guess_moving_classes(
    trainer: Trainer, decoder: MovingClassesState, points: ParticleLatents, given: np.ndarray | None
) -> None:
    """Be as before the first pass; ``given`` ``(n, k)`` are latents of the motion to begin with, or None."""
    if given is None and decoder.settings.start == "components":
        raise InputError("start: components of the density tell the classes apart, and cannot tell their motion as "
                         "well; leave it at auto, or give latents of the motion by --initial-latents.")  # fmt: skip
    stage = guess_rest(trainer, decoder, points)
    taken_back = take_back_incomplete(trainer, stage)
    if taken_back is not None:
        stage, decoder.maps = taken_back
        # an image that lacks a part seemed to be a weak one; how strong it is, is told again once classes are known
        trainer.signal.take(torch.ones_like(trainer.signal.scale), 0.0)
    count = decoder.settings.classes
    shares = cluster_images(trainer, stage, count, count - 1 + points.z.shape[1])
    decoder.take_shares(trainer, shares)
    stage = decoder.solve_maps(trainer, stage, points, None, FIRST_ITERATIONS)
    order = in_a_row(decoder.classes.density.cpu().numpy())
    decoder.classes = decoder.classes.picked(order)
    decoder.take_shares(trainer, shares[:, order])
    stage = _compare_all(trainer, stage, decoder, points)
    if given is None and decoder.settings.start in ("auto", "modes"):
        rows = sample(trainer)
        motion = fit_modes(trainer, stage, decoder, rows, hold_out(trainer, rows))
        move_linearly(trainer, stage, decoder, points, motion)
    else:
        guess_motion(trainer, stage, decoder, points, given)
    stage = _compare_all(trainer, stage, decoder, points)
    carried = decoder.vertices_of(points)
    decoder.noise = measure_noise(trainer, stage, lambda batch: stage.forward(batch, carried(batch)))


def _compare_all(
    trainer: Trainer, stage: Stage, decoder: MovingClassesState, points: ParticleLatents
) -> ClassStage:  # fmt: skip
    """Tell the class of every image, those that the clusters were not made of among them, and solve the maps of that.
    """
    rows = trainer.team.share(np.arange(len(trainer.images)))
    shares, counter = torch.zeros_like(decoder.shares), trainer.counter("classes", len(rows))
    for batch in stage.batches(rows):
        shares[batch.rows] = decoder.shares_of(stage, batch, points.z[batch.rows])
        counter(len(batch))
    trainer.team.collect(shares, rows)
    decoder.take_shares(trainer, shares)
    return decoder.solve_maps(trainer, stage, points, decoder.classes, FIRST_ITERATIONS)

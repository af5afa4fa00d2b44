"""Whether parts of the molecule come and go, whatever the model of its motion has been told to do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from ....mesh.pieces import Pieces, cut_parts
from ...training.rigid_map import rigid_stage
from ...training.schedule import coarsest
from ...training.stage import Stage
from ...training.trainer import Trainer
from ..flow.first_guess import hold_out, sample
from ..flow.first_guess_modes import find_statistics, mode_count, mode_stiffness
from ..flow.flow_state import FlowState
from ..flow.mode_model import ModeStatistics
from .amplitudes import Amplitudes, amplitudes
from .fading import find_presences
from .incomplete_particles import take_back_incomplete
from .presences import Presences


@dataclass(frozen=True)
class Composition:
    """What m images say of how much there is of the pieces of all parts.

    Attributes
    ----------
    pieces : of the parts. mass : ``(v,)`` of the vertices. rows : ``(m,)`` of the particles.
    known : what each image says of each piece, motion and pose marginalised.
    held_out : ``(m,)`` bool, images that judge. statistics : all that ``known`` was found from.
    """

    pieces: Pieces
    mass: np.ndarray
    rows: np.ndarray
    known: Amplitudes
    held_out: torch.Tensor
    statistics: ModeStatistics

    def presences(self, most: int, strictness: float = 1.0) -> Presences:
        """What comes and goes, and what seems to, as `find_presences` tells it."""
        return find_presences(self.known, self.pieces, self.held_out, most, strictness)

    def amount(self, regions: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
        """How much of each region, of these pieces, is in each image ``(m, r)``, 1 being the mean of all; its error."""
        known = self.known.grouped(regions)
        power = known.curvature.diagonal(dim1=1, dim2=2).clamp(min=1e-12)
        return (1 + known.gradient / power).cpu().numpy(), power.rsqrt().cpu().numpy()


def find_composition(trainer: Trainer, stage: Stage, decoder: FlowState) -> Composition:
    """What a sample of the images says, by the molecule at rest at a ``stage``.

    All signals are taken to be equally strong meanwhile: an image that lacks a part seems to be a weak one.
    """
    scale, spread = trainer.signal.scale, trainer.signal.spread
    trainer.signal.take(torch.ones_like(scale), 0.0)
    rows = sample(trainer)
    mass = stage.cloud.vertex_mass(stage.density, len(trainer.rest))
    pieces = cut_parts(trainer.mesh, mass)
    shares = torch.from_numpy(pieces.share).to(trainer.rest)
    statistics = find_statistics(trainer, stage, decoder, rows, shares=shares)
    trainer.signal.take(scale, spread)
    held_out = torch.from_numpy(hold_out(trainer, rows)).to(statistics.gradient.device)
    stiffness = mode_stiffness(trainer, decoder)
    known = amplitudes(statistics, mode_count(decoder), pieces.part, stiffness, ~held_out, trainer.team)
    return Composition(pieces, mass, rows, known, held_out, statistics)


def composition_at_rest(trainer: Trainer, decoder: FlowState) -> Composition:
    """That of a trained flow's particles, with the poses that it found, at the coarsest size."""
    stage = rigid_stage(trainer, coarsest(trainer.images.box, trainer.images.pixel_size))[0]
    more = take_back_incomplete(trainer, stage)
    return find_composition(trainer, more[0] if more else stage, decoder)

"""What training changes of classes that move, and the images that they predict."""

from __future__ import annotations

import torch

from ...latents.particle_latents import ParticleLatents
from ...maps.half_maps import HalfMaps
from ...training.batches import Batch
from ...training.schedule import ResolutionLevel
from ...training.stage import Stage, carry_density
from ...training.trainer import SOLVE_PARTICLES, Trainer
from ..classes.class_maps import ClassMaps, class_images, solve_classes
from ..classes.classes_decoder import class_sizes
from ..decoder import Pass
from ..flow.flow_state import FlowState
from .class_stage import ClassStage
from .moving_classes_parameters import MovingClassesParameters


class MovingClassesState(FlowState):
    """Several maps and a flow that predict.

    ``classes`` are the maps, ``size`` ``(K,)`` the share of the particles that show each, ``shares`` ``(n, K)`` the
    probability that each particle shows each, ``label`` ``(n,)`` int64 its most likely one, from 0.
    """

    settings: MovingClassesParameters
    classes: ClassMaps
    size: torch.Tensor
    shares: torch.Tensor
    label: torch.Tensor

    def take_shares(self, trainer: Trainer, shares: torch.Tensor) -> None:
        """Have the probabilities ``(n, K)`` of the classes."""
        self.shares, self.size, self.label = shares, class_sizes(trainer, shares), shares.argmax(dim=1)

    def solve_maps(
        self, trainer: Trainer, stage: Stage, points: ParticleLatents, before: ClassMaps | None, iterations: int,
        most: int | None = SOLVE_PARTICLES,
    ) -> ClassStage:  # fmt: skip
        """The map of each class, its images moved as they are; the stage with them."""
        carried = self.vertices_of(points)
        self.classes = solve_classes(trainer, stage, self.shares, carried, before, iterations, most)
        return self.seen(stage)

    def seen(self, stage: Stage) -> ClassStage:
        """The stage with the maps of all classes; ``maps`` are their means by the classes' shares."""
        c = self.classes
        self.maps, self.maps_box = HalfMaps(self.size @ c.first, self.size @ c.second, self.size @ c.fsc), stage.box
        return ClassStage.of(stage, c.density, self.size, self.label)

    @torch.no_grad()
    def shares_of(self, stage: Stage, batch: Batch, z: torch.Tensor) -> torch.Tensor:
        """The probability ``(b, K)`` that each image of a batch shows each class, at latents ``(b, k)``."""
        images = class_images(stage, batch, self.classes.density, self.flow.carry(z))
        misfit = torch.stack([stage.misfit(batch, one) for one in images], dim=1)
        return (self.size.log() - misfit).softmax(dim=1)

    def coarser(self, now: Pass, level: ResolutionLevel) -> Stage:
        """The same maps on larger pixels."""
        stage = now.stage
        if level.box >= stage.box:
            return stage
        coarse = now.trainer.stage_of(level, self.noise)
        densities = torch.stack([carry_density(one, stage.cloud, coarse.cloud) for one in self.classes.density])
        return ClassStage.of(coarse, densities, self.size, self.label)

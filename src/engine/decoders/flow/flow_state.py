"""What training changes of a flow, and the images that it predicts."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch

from ....mesh.tetmesh import TetMesh
from ...latents.particle_latents import ParticleLatents
from ...maps.half_maps import HalfMaps
from ...optimisers import Adam
from ...training.batches import Batch
from ...training.schedule import ResolutionLevel
from ...training.stage import Stage, carry_density
from ..decoder import Decoder, Pass
from .flow_network import Flow, MotionBasis, build_motion_basis
from .flow_parameters import FlowParameters, MotionParameters

IMAGES_AT_ONCE = 256  # that are projected together: fewer waste time between small operations, more take memory


class FlowState(Decoder):
    """A flow that predicts. ``energy`` is the mean rigidity energy of the last pass; ``maps`` are on the cloud of box
    ``maps_box``. ``network`` is the class of its flow.
    """

    settings: MotionParameters
    network: type[Flow] = Flow
    first_modes: int = 24  # in which a motion is first looked for: rigid ones, hinges, and a few to spare
    flow: Flow
    optimiser: Adam
    noise: torch.Tensor

    def __init__(self, settings: MotionParameters | None = None) -> None:
        self.settings = settings or FlowParameters()
        self.rates = self.settings.learning_rate, self.settings.final_learning_rate
        self.energy, self.information = math.nan, np.zeros(0)

    def motion_basis(self, mesh: TetMesh, mass: np.ndarray) -> MotionBasis:
        """What it moves of a mesh whose vertices carry ``mass`` ``(v,)``."""
        modes = self.settings.modes if isinstance(self.settings, FlowParameters) else 0
        return build_motion_basis(mesh, mass, modes)

    def build(self, basis: MotionBasis, latent_dims: int, device: str) -> None:
        """Have a flow at rest."""
        self.use(self.new_flow(basis, latent_dims, device))

    def new_flow(self, basis: MotionBasis, latent_dims: int, device: str) -> Flow:
        """A flow at rest."""
        return self.network(basis, latent_dims, self.settings.hidden_units, self.settings.hidden_layers).to(device)

    def use(self, flow: Flow, rate: float | None = None) -> None:
        """Take a flow, with nothing known of its gradients."""
        self.flow = flow
        self.optimiser = Adam(flow.parameters(), lr=rate or self.settings.learning_rate)

    def predict(self, stage: Stage, batch: Batch, z: torch.Tensor) -> torch.Tensor:
        """Images ``(b, d, d // 2 + 1)`` in Fourier space at latents ``(b, k)``, or ``(1, k)`` for all of them."""
        vertices = self.flow.carry(z)
        return stage.forward(batch, vertices if len(z) == len(batch) else vertices[0])

    def predict_several(
        self, stage: Stage, batch: Batch, z: torch.Tensor, correction: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Images ``(b, m, d, d // 2 + 1)`` at latents ``(b, m, k)``, or ``(b, 1, k)``, some of them together."""
        several = z.shape[1] if correction is None else correction.shape[1]
        vertices = self.flow.carry(z.flatten(0, 1)).unflatten(0, z.shape[:2]).expand(-1, several, -1, -1)
        parts = []
        for first in range(0, several, count := max(1, IMAGES_AT_ONCE // len(batch))):
            some = slice(first, first + count)
            turned = None if correction is None else correction[:, some]
            parts.append(stage.forward_several(batch, vertices[:, some], turned))
        return torch.cat(parts, dim=1)

    def coarser(self, now: Pass, level: ResolutionLevel) -> Stage:
        """The same map on larger pixels."""
        stage = now.stage
        if level.box >= stage.box:
            return stage
        coarse = now.trainer.stage_of(level, self.noise)
        return coarse.with_density(carry_density(stage.density, stage.cloud, coarse.cloud))

    def substitute(self, mean: torch.Tensor, factor: torch.Tensor) -> None:
        """Take latents z' with z = z' @ factor + mean in place of z, the motion staying the same."""
        self.flow.reparametrise(mean, factor)

    def shared(self) -> list[torch.Tensor]:
        """What a team must agree on, to the last bit."""
        return [*super().shared(), *(value.data for value in self.flow.parameters())]

    def vertices_of(self, points: ParticleLatents) -> Callable[[Batch], torch.Tensor]:
        """A function from a batch to what its particles' images are made of, for `Stage.least_squares`."""

        def vertices_of(batch: Batch) -> torch.Tensor:
            return self.flow.carry(points.z[batch.rows])

        return vertices_of

    def forget_motion(self, before: dict[str, torch.Tensor], maps: HalfMaps) -> None:
        """Have the flow as ``before``, and the ``maps`` of the molecule at rest."""
        self.flow.load_state_dict(before)
        self.maps, self.energy = maps, math.nan

"""What training changes of a flow model, and the frame that its latents are told in."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import torch

from ...latents.gauss_newton import Prior, Step, informative_axes, whitening_transform
from ...maps.half_maps import HalfMaps
from ...training.batches import Batch
from ...training.membership import Membership
from ...training.pose_corrections import Poses
from ...training.team import Team
from .flow_network import Flow

HOLD = 4.0  # how much more tightly latents are held to given places than white ones to zero


@dataclass
class State:
    """What training changes, and all that a checkpoint must hold to go on to the same numbers.

    ``latents`` ``(n, k)``, white; ``precision`` ``(n, k, k)`` of their posterior; ``epoch`` passes done; ``noise``
    ``(D // 2 + 1,)``; ``energy`` mean rigidity energy of the last pass; ``maps`` on the cloud of box ``maps_box``.
    ``poses`` and ``membership``: corrections of the particles' poses, and how far they count; those of the trainer.
    ``centre`` ``(n, k)``, where the first guess had the latents, if the flow was built along it; else None.
    """

    flow: Flow
    optimiser: torch.optim.Adam
    latents: torch.Tensor
    precision: torch.Tensor
    noise: torch.Tensor
    poses: Poses
    membership: Membership
    centre: torch.Tensor | None = None
    epoch: int = 0
    energy: float = math.nan
    maps: HalfMaps | None = None
    maps_box: int = 0
    information: np.ndarray = field(default_factory=lambda: np.zeros(0))
    history: list[dict[str, float]] = field(default_factory=list)

    def prior(self, batch: Batch, centering: float) -> Prior:
        """Where a batch's latents belong if their images do not say; ``centering`` is the strength of that.

        About zero, latents being white. But where the flow was built along given latents, about those: a turn is
        told by the direction of z alone, and a pull towards zero would draw its circle together and fold it.
        """
        if self.centre is None:
            return Prior(torch.zeros(len(batch), self.latents.shape[1], device=self.latents.device), centering)
        return Prior(self.centre[batch.rows], HOLD * centering)

    def take(self, batch: Batch, step: Step, z: torch.Tensor | None = None) -> None:
        """Move a batch's particles where a step leads, or to latents ``z`` ``(b, k)`` and the best poses there."""
        z = step.z if z is None else z
        self.latents[batch.rows], self.precision[batch.rows] = z, step.precision
        if step.correction is not None:
            self.poses.correction[batch.rows] = step.correction_at(z)

    def collect(self, team: Team, rows: np.ndarray) -> None:
        """Learn the latents that the others have found, this process having seen to ``rows``."""
        team.collect(self.latents, rows)
        team.collect(self.precision, rows)
        if self.poses.active:
            team.collect(self.poses.correction, rows)

    def agree(self, team: Team) -> None:
        """Make the team's states equal to the last bit: the leader's."""
        maps = (self.maps.first, self.maps.second, self.maps.fsc)
        centre = () if self.centre is None else (self.centre,)
        parameters = (value.data for value in self.flow.parameters())
        poses = (self.poses.correction, self.poses.variance)
        team.agree([self.latents, self.precision, self.noise, *poses, *maps, *centre, *parameters])

    def forget_latents(self, maps: HalfMaps) -> None:
        """As if none had been looked for yet, the molecule being at rest with these ``maps``."""
        self.latents, self.centre = torch.zeros_like(self.latents), None
        self.precision = torch.eye(self.latents.shape[1], device=self.latents.device).repeat(len(self.latents), 1, 1)
        self.maps, self.energy = maps, math.nan

    def whiten(self) -> None:
        """Give the particles' latents zero mean and unit covariance, the flow taking up the difference."""
        own = self.membership.probability > 0.5
        self._substitute(*whitening_transform(self.latents[own], self.precision[own]))

    def align(self) -> None:
        """Turn the latents so that the first is what the images tell most about."""
        axes = informative_axes(self.precision[self.membership.probability > 0.5])
        self._substitute(torch.zeros_like(axes[0]), axes.T.contiguous())

    def _substitute(self, mean: torch.Tensor, factor: torch.Tensor) -> None:
        """Take latents z' with z = z' @ factor + mean in place of z, the motion staying the same."""
        self.flow.absorb(mean, factor)
        self.latents = torch.linalg.solve(factor.T, (self.latents - mean).T).T.contiguous()
        if self.centre is not None:
            self.centre = torch.linalg.solve(factor.T, (self.centre - mean).T).T.contiguous()
        self.precision = factor @ self.precision @ factor.T

"""Motion and composition in one model: the flow, of which each part may also come and go.

As the flow in all but this: density is weighed by the presence of its region, which is a function of z
(`presence.py`), wherever images are made of it; so the canonical map is that of the molecule with everything present.
A region is a part of the mesh, or what was cut off one. Which fade is found at the start (`first_guess_presence.py`),
with motion and pose marginalised: moving is preferred, and where it explains the images, nothing fades.
"""

from __future__ import annotations

import numpy as np
import torch

from ...latents.particle_latents import ParticleLatents
from ...training.trainer import Trainer
from ..decoder import Pass
from ..flow.flow_decoder import FlowDecoder
from .first_guess_presence import flow_of, guess_occupancy
from .occupancy_flow import OccupancyFlow
from .occupancy_parameters import OccupancyParameters

COLUMN = "flexrecPresence"  # and what a person calls the region


class OccupancyDecoder(FlowDecoder):
    """A motion of the mesh and the presence of its parts, learned."""

    format, network = "flexrec-occupancy", OccupancyFlow
    settings: OccupancyParameters
    complete = False

    def __init__(self, settings: OccupancyParameters | None = None) -> None:
        super().__init__(settings or OccupancyParameters())

    def first_guess(self, trainer: Trainer, points: ParticleLatents, given: np.ndarray | None) -> None:
        """As the flow's, and which regions come and go."""
        guess_occupancy(trainer, self, points, given)

    def drawn(self, z: torch.Tensor, draw: torch.Tensor) -> torch.Tensor:
        """A draw that leaves presence as it is: it levels off where it is known best, and would seem unknown there."""
        return flow_of(self).presence.held(z, draw)

    def unfold_latents(self, now: Pass) -> bool:
        """Undo folds of latent space, as the flow does; none are told where a direction of it is presence."""
        return False if flow_of(self).presence.any_fading else super().unfold_latents(now)

    def line(self, now: Pass) -> dict[str, float]:
        """As the flow's, and the share of the particles that have each region that fades."""
        shares = {name: float(values.mean()) for name, values in self.columns(now.points).items()}
        return super().line(now) | shares

    def summary(self, line: dict[str, float]) -> str:
        """A line of the history as a sentence."""
        presence = "".join(
            f" Part {name.removeprefix(COLUMN)}: present in {100 * share:.0f} % of the particles."
            for name, share in line.items()
            if name.startswith(COLUMN)
        )
        return super().summary(line) + presence

    def columns(self, points: ParticleLatents) -> dict[str, np.ndarray]:
        """The presence ``(n,)`` of each region that fades, in every particle."""
        presence, names = flow_of(self).presence, flow_of(self).region_names
        if not presence.any_fading:
            return {}
        values = presence(points.z).detach().cpu().numpy()
        return {f"{COLUMN}{names[region]}": values[:, region] for region in presence.fading}

"""What the moving classes decoder can be asked, beside what the flow can."""

from __future__ import annotations

from dataclasses import dataclass

from ....parameters import parameter
from ..flow.flow_parameters import FlowParameters


@dataclass(frozen=True)
class MovingClassesParameters(FlowParameters):
    """Several maps, of which every particle shows one, and a motion of the mesh that they have in common."""

    classes: int = parameter(
        2,
        help="maps, of which every particle shows one; latent dimensions are those of the motion that they share",
        low=2,
        high=20,
        group="moving classes decoder",
    )

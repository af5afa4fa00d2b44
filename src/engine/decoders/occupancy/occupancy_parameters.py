"""What the occupancy decoder can be asked, beside what the flow can."""

from __future__ import annotations

from dataclasses import dataclass

from ....parameters import parameter
from ..flow.flow_parameters import FlowParameters


@dataclass(frozen=True)
class OccupancyParameters(FlowParameters):
    """A motion of the mesh, and presence of its parts. ``fading`` multiplies what presence must explain."""

    fading: float = parameter(
        1.0,
        help="multiplies how much better than by motion the images must be explained by a part that some particles "
        "lack, before it is said to come and go; larger: moving is preferred to fading the more",
        low=0,
        high=1e4,
        advanced=True,
        group="occupancy decoder",
    )

"""How the flow is drawn as arrows, as the user has asked for it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ...errors import InputError
from ...explore.centre import mean_point
from ...models import Model

MEAN, REST = "mean", "rest"


@dataclass(frozen=True, eq=False)
class FlowLook:
    """Arrows from where the density is at a reference to where it is at the shown point.

    Attributes
    ----------
    count : of the arrows, at most. scale : how many times as long as the motion they are. threshold : Å, below which
    there is none. width : Å, of their shafts. reference : a point ``(K,)``, "mean" of all particles, or "rest".
    level : above which there is density; None for that of the map's contour.
    """

    count: int
    scale: float
    threshold: float
    width: float
    reference: np.ndarray | str | None = REST
    level: float | None = None

    def start(self, flow: Model) -> np.ndarray | None:
        """The reference as a latent point ``(K,)``; None for rest."""
        if isinstance(self.reference, str):
            return mean_point(flow.latents) if self.reference == MEAN else None
        return self.reference

    def fitting(self, flow: Model) -> FlowLook:
        """The same, or from the mean where a model has other dimensions than the reference."""
        if self.reference is None:  # as sessions have it that are older than this
            return replace(self, reference=REST)
        try:
            return self if isinstance(self.reference, str) else replace(self, reference=flow.checked(self.reference))
        except InputError:
            return replace(self, reference=MEAN)

"""What the bodies decoder can be asked."""

from __future__ import annotations

from dataclasses import dataclass

from ..flow.flow_parameters import MotionParameters


@dataclass(frozen=True)
class BodiesParameters(MotionParameters):
    """A motion of the mesh's parts as rigid bodies; what a flow is asked, but for its soft modes."""

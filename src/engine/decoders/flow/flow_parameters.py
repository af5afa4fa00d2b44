"""What the flow decoder can be asked."""

from __future__ import annotations

from dataclasses import dataclass

from ....parameters import parameter
from ...training.judged import JudgedParameters

GROUP = "flow decoder"


@dataclass(frozen=True)
class MotionParameters(JudgedParameters):
    """What every motion of the mesh is asked. ``rigidity`` multiplies the calibrated weight of the prior."""

    rigidity: float = parameter(
        1.0,
        help="multiplies the rigidity prior, whose weight is calibrated from the data; larger is stiffer",
        low=0,
        high=1e4,
        group=GROUP,
    )
    start: str = parameter(
        "auto",
        help="where latents begin: modes, a linear motion of the mesh; components, linear components of the density, "
        "which follow a large motion too; auto, whichever explains held-out images better; random; latents, those of "
        "--initial-latents",
        choices=("auto", "modes", "components", "random", "latents"),
        group=GROUP,
    )
    poses: str = parameter(
        "auto",
        help="refine: small errors of the particles' poses are unknowns too, so that none is taken for a motion; where "
        "poses are right, they stay as they are. fixed: poses are taken as they are. auto: refine, with the flow",
        choices=("auto", "refine", "fixed"),
        group=GROUP,
    )
    hidden_units: int = parameter(
        64, help="width of the flow's network", low=4, high=1024, advanced=True, group=GROUP
    )
    hidden_layers: int = parameter(
        3, help="hidden layers of the flow's network", low=1, high=12, advanced=True, group=GROUP
    )
    learning_rate: float = parameter(
        1e-3, help="first learning rate of the flow's network", low=1e-6, high=1, advanced=True, group=GROUP
    )
    final_learning_rate: float = parameter(
        5e-5, help="last learning rate, reached along a cosine", low=0, high=1, advanced=True, group=GROUP
    )

    @property
    def refine_poses(self) -> bool:
        """Whether poses are corrected, if the images say that they are off."""
        return self.poses in ("auto", "refine")


@dataclass(frozen=True)
class FlowParameters(MotionParameters):
    """A motion of the mesh that bends its parts, too."""

    modes: int = parameter(
        96,
        help="soft modes of the mesh that the flow may use, beside the rigid motions of its parts",
        low=8,
        high=2000,
        advanced=True,
        group=GROUP,
    )

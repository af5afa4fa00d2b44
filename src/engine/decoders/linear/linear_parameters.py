"""What the linear decoder can be asked."""

from __future__ import annotations

from dataclasses import dataclass

from ....parameters import parameter


@dataclass(frozen=True)
class LinearParameters:
    """A map and the components that are added to it."""

    resolution: float | None = parameter(
        None,
        help="finest detail of a linear decoder's maps; if omitted, as fine as the images are and memory allows",
        unit="Å",
        low=1,
        high=200,
        group="linear decoder",
    )

"""What comes and goes among the particles, and what seems to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch


@dataclass(frozen=True)
class Fading:
    """What comes and goes.

    Attributes
    ----------
    groups : of pieces that are there together. share : ``(g,)`` of the particles that have each.
    present : ``(n, g)`` probability of each image to have it.
    gain : nats per image that this explains beyond motion, of images that shares were not fitted to.
    """

    groups: list[list[int]]
    share: torch.Tensor
    present: torch.Tensor
    gain: float

    def all_of_it(self, pieces: int) -> int | None:
        """The number of the group that is all ``pieces``, if one is: images without it are none of the molecule."""
        return next((number for number, group in enumerate(self.groups) if len(group) == pieces), None)

    @property
    def group_of(self) -> dict[int, int]:
        """The group of each piece that comes and goes."""
        return {piece: number for number, group in enumerate(self.groups) for piece in group}


class Presences(NamedTuple):
    """``fading`` : what comes and goes. ``places`` : what seems to, being the places of one domain. None where none."""

    fading: Fading | None
    places: Fading | None = None

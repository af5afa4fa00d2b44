"""How a latent point stands to the particles: whether data speak for the map there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...explore.trained_model import Trained
from ...models.support import Crowd


@dataclass(frozen=True)
class Standing:
    """How a latent point stands to the particles.

    Attributes
    ----------
    nearby : particles within ``radius`` latent units, see `Crowd`. grade : inside, edge, or outside, by how many
    these are.
    """

    grade: str
    nearby: int
    radius: float

    @property
    def words(self) -> str:
        """For the status line."""
        return {
            "inside": "supported by data", "edge": "at the edge of the data", "outside": "no particles here: a guess"
        }[self.grade]  # fmt: skip


@dataclass(frozen=True, eq=False)
class Surroundings:
    """The particles around any latent point."""

    crowd: Crowd

    @classmethod
    def of(cls, trained: Trained) -> Surroundings:
        """Takes half a second for a million particles, most of it for the tree; good to do in a thread."""
        return cls(trained.support.crowd)

    def at(self, z: np.ndarray) -> Standing:
        """Of a latent point ``(K,)``."""
        nearby = self.crowd.count(np.asarray(z)[None])
        return Standing(str(self.crowd.grade(nearby)[0]), int(nearby[0]), self.crowd.radius)

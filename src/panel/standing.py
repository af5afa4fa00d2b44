"""How a latent point stands to the particles: whether data speak for the map there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..explore.trained import Trained

_SAMPLE = 20_000  # particles, and
_PROBES = 200  # of these, from which the usual distance to a hundredth of all is found


@dataclass(frozen=True)
class Standing:
    """How a latent point stands to the particles.

    Attributes
    ----------
    grade : inside, edge, or outside. nearby : particles within ``radius`` latent units, which around a typical
    particle holds a hundredth of all.
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

    trained: Trained
    radius: float

    @classmethod
    def of(cls, trained: Trained) -> Surroundings:
        """Takes half a second for a million particles, most of it for the tree; good to do in a thread."""
        latents = trained.latents[trained.finite]
        sample = latents[:: max(1, len(latents) // _SAMPLE)]
        probes = sample[:: max(1, len(sample) // _PROBES)]
        share = max(1, round(0.01 * len(sample)))
        away = [np.partition(((sample - probe) ** 2).sum(axis=1), min(share, len(sample) - 1))[share:][:1]
                for probe in probes]  # fmt: skip
        found = np.sqrt(np.concatenate(away)) if len(sample) > share else np.array([1.0])
        _ = trained.support
        return cls(trained, float(np.median(found)))

    def at(self, z: np.ndarray) -> Standing:
        """Of a latent point ``(K,)``."""
        support = self.trained.support
        nearby = support.count(z, self.radius)
        return Standing(str(support.grade(np.asarray(z)[None])[0]), nearby, self.radius)

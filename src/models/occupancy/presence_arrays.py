"""Presence of parts in numpy: the same numbers as `engine.decoders.occupancy.presence` from the same arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

SHARPNESS = 12.0  # as in the engine


@dataclass(frozen=True, eq=False)
class PresenceArrays:
    """fades : ``(r,)`` bool, regions that come and go. offset : ``(r,)``. slope : ``(r, K)``."""

    fades: np.ndarray
    offset: np.ndarray
    slope: np.ndarray

    @classmethod
    def from_state(cls, state: Mapping[str, np.ndarray]) -> PresenceArrays:
        """From the arrays of ``OccupancyFlow.state_dict()``; ``KeyError`` where one is missing."""
        return cls(state["presence.fades"].astype(bool), state["presence.offset"], state["presence.slope"])

    def at(self, z: np.ndarray) -> np.ndarray:
        """Presence ``(b, r)`` float32 in 0…1 at latent points ``(b, K)``."""
        place = self.offset + z @ self.slope.T
        level = (_softplus(SHARPNESS * place) - _softplus(SHARPNESS * (place - 1))) / SHARPNESS
        return np.where(self.fades, level, 1).astype(np.float32)


def _softplus(x: np.ndarray) -> np.ndarray:
    return np.logaddexp(0, x)

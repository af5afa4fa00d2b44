"""ChimeraX's status line: the latent point that is shown, while it rests."""

from __future__ import annotations

import numpy as np

from ..explore.anchors import point_text

_ZERO = 1e-6


class PointLine:
    """Says one model's point where it rests. While it moves, nothing: a line for each frame would cost frames."""

    def __init__(self, session) -> None:
        self._logger, self._said = session.logger, False

    def rest(self, z: np.ndarray | None) -> None:
        """It rests at ``z`` ``(K,)``, or the map at rest is shown."""
        # the mean of all particles is zero but for rounding
        said = "the map at rest" if z is None else f"z = {point_text(np.where(np.abs(z) < _ZERO, 0.0, z))}"
        self._logger.status(said)
        self._said = True

    def move(self) -> None:
        """It moves: what was said is no longer so."""
        if self._said:
            self._logger.status("")
            self._said = False

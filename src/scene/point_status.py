"""ChimeraX's status line: the latent point that is shown."""

from __future__ import annotations

import numpy as np
from chimerax.core.session import Session

from ..explore.anchors import point_text

_ZERO = 1e-6


class PointStatus:
    """Writes one model's point into the status line where it rests; nothing while it moves, which would cost frames."""

    def __init__(self, session: Session) -> None:
        self._logger, self._written = session.logger, False

    def rest(self, z: np.ndarray | None) -> None:
        """The point stays at ``z`` ``(K,)``, or the map at rest is shown."""
        # the mean of all particles is zero but for rounding
        self._logger.status("the map at rest" if z is None else
                            f"z = {point_text(np.where(np.abs(z) < _ZERO, 0.0, z))}")  # fmt: skip
        self._written = True

    def move(self) -> None:
        """The point moves: clear the line."""
        if self._written:
            self._logger.status("")
            self._written = False

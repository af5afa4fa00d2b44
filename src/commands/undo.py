"""Going from one point to another, for ChimeraX's undo."""

from __future__ import annotations

import numpy as np
from chimerax.core.errors import UserError

from ..decoder_process import EngineError
from ..errors import InputError
from ..scene.scene_model import FlexRecModel


class ShownPoint:
    """That a model's shown point was ``before`` and is ``after``: each ``(K,)``, or None for the map at rest."""

    name = "flexrec volume"
    can_redo = True

    def __init__(self, model: FlexRecModel, before: np.ndarray | None, after: np.ndarray | None) -> None:
        self._model, self._before, self._after = model, before, after

    def undo(self) -> None:
        """Back to where it was."""
        self._go(self._before)

    def redo(self) -> None:
        """There again."""
        self._go(self._after)

    def _go(self, z: np.ndarray | None) -> None:
        if self._model.deleted:
            return
        try:
            self._model.player.leave()
            self._model.show(z)
            self._model.point_status.rest(z)
        except (InputError, EngineError) as error:
            raise UserError(str(error)) from error

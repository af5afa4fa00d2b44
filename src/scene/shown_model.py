"""What the parts of the scene need of the model that they belong to; `FlexRecModel` is it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from chimerax.core.models import Model
from chimerax.geometry import Place

from ..explore.path import LatentPath
from ..models import Model as TrainedModel
from .map_volume import MapModel
from .model_client import Done, Failed
from .point_status import PointStatus


class ShownModel(Protocol):
    """A ChimeraX model that shows a trained model at one latent point.

    Attributes
    ----------
    folder : of the train job. learned : what was trained.
    z : ``(K,)`` the shown point; None while the canonical map is shown.
    map : the map; None while it is closed. level : of its contour.
    frame : where the mesh's coordinates begin, voxel N//2. scene_position : of this model.
    point_status : ChimeraX's status line. current_path : what is played; ``InputError`` where there is none.
    """

    session: Any
    name: str
    deleted: bool
    display: bool
    folder: Path
    learned: TrainedModel
    z: np.ndarray | None
    frame: Place
    scene_position: Place
    point_status: PointStatus

    @property
    def map(self) -> MapModel | None: ...  # noqa: D102

    @property
    def level(self) -> float: ...  # noqa: D102

    @property
    def current_path(self) -> LatentPath: ...  # noqa: D102

    def add(self, models: list[Model]) -> None:
        """Put models below this one."""
        ...

    def show(
        self, z: np.ndarray | None, done: Callable[[], None] = ..., failed: Callable[[Exception], None] | None = None
    ) -> None:
        """Show the true map at ``z`` ``(K,)``, or the canonical map."""
        ...

    def drag(self, z: np.ndarray) -> None:
        """Show ``z`` as quickly as possible, on the way to another point."""
        ...

    def pause(self) -> None:
        """Stop playing the path."""
        ...

    def ask(
        self, what: str, fields: dict, done: Done, array: np.ndarray | None = None, channel: str | None = None,
        failed: Failed | None = None,
    ) -> None:  # fmt: skip
        """Ask the engine process about this model; see `ModelClient.ask`."""
        ...

    def complain(self, error: Exception) -> None:
        """Write to the log why an answer does not come."""
        ...

    def notify_listeners(self) -> None:
        """Call those who follow the point, the path, the playing and the comparison."""
        ...

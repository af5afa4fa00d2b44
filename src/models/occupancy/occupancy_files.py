"""Read a model of motion and occupancy."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..flow.flow_files import read_flow_model
from ..model_files import read_arrays, unfit
from .occupancy_model import OccupancyModel
from .presence_arrays import PresenceArrays


def read_occupancy_model(folder: Path, about: dict) -> OccupancyModel:
    """The model in a folder whose model.json says ``about``; ``InputError`` where its files do not fit together."""
    moving = read_flow_model(folder, about)
    path = folder / "flow.npz"
    try:
        parts = PresenceArrays.from_state(read_arrays(path))
    except KeyError as error:
        raise unfit(path, f"lacks {error.args[0]}") from None
    count = len(moving.flow.parent)
    if not (parts.fades.shape == parts.offset.shape == (count,) and parts.slope.shape == (count, moving.latent_dims)):
        raise unfit(path, "has presence of other parts than it moves")
    if not (np.isfinite(parts.offset).all() and np.isfinite(parts.slope).all()):
        raise unfit(path, "has presence that is not a number")
    return OccupancyModel(**vars(moving), parts=parts)

"""Read a model of motion and occupancy."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ...mesh.regions import Regions, whole_parts
from ..flow.flow_files import read_flow_model
from ..model_files import read_arrays, unfit
from .occupancy_model import OccupancyModel
from .presence_arrays import PresenceArrays


def read_occupancy_model(folder: Path, about: dict) -> OccupancyModel:
    """The model in a folder whose model.json says ``about``; ``InputError`` where its files do not fit together."""
    moving = read_flow_model(folder, about)
    path = folder / "flow.npz"
    arrays = read_arrays(path)
    try:
        level = PresenceArrays.from_state(arrays)
    except KeyError as error:
        raise unfit(path, f"lacks {error.args[0]}") from None
    regions = _regions(path, arrays, moving.flow.membership)
    count = len(regions.part)
    if not (level.fades.shape == level.offset.shape == (count,) and level.slope.shape == (count, moving.latent_dims)):
        raise unfit(path, "has presence of other parts than it moves")
    if not (np.isfinite(level.offset).all() and np.isfinite(level.slope).all()):
        raise unfit(path, "has presence that is not a number")
    return OccupancyModel(**vars(moving), regions=regions, level=level)


def _regions(path: Path, arrays: Mapping[str, np.ndarray], membership: np.ndarray) -> Regions:
    """What comes and goes: the parts, ``membership`` ``(v, p)``, where a file of an older version does not say."""
    if "region_share" not in arrays:
        return whole_parts(membership)
    share, part = arrays["region_share"], arrays.get("region_part", np.zeros(0))
    vertices, parts = membership.shape
    if not (part.dtype.kind == "i" and share.shape == (vertices, *part.shape) and np.isfinite(share).all()
            and np.array_equal(part[:parts], np.arange(parts)) and np.isin(part, part[:parts]).all()):  # fmt: skip
        raise unfit(path, "has regions that do not fit its parts")
    return Regions(share, part)

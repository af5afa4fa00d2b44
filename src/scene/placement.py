"""Where a model lies in the scene: in the space of the consensus that it was trained on."""

from __future__ import annotations

import numpy as np
from chimerax.geometry import Place, translation
from chimerax.map_data import ArrayGridData

from ..mesh.map_place import first_voxel
from ..models import Model


def centre_of(flow: Model) -> Place:
    """The place of the voxel from which a model's own Å are counted."""
    return translation(flow.centre)


def grid_of(flow: Model, volume: np.ndarray, name: str) -> ArrayGridData:
    """A grid with a copy of one of a model's maps ``(N, N, N)`` float32 ``[z, y, x]``, where it lies."""
    origin = first_voxel(flow.centre, flow.box, flow.pixel_size)
    return ArrayGridData(np.array(volume, np.float32), tuple(origin), (flow.pixel_size,) * 3, name=name)

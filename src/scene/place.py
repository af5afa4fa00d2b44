"""Where a model's own Å are counted from, in the scene."""

from __future__ import annotations

from chimerax.geometry import Place, translation

from ..models import Model


def centre_of(flow: Model) -> Place:
    """The place in the map's coordinates of the voxel from which a model's Å are counted."""
    return translation((flow.box // 2 * flow.pixel_size,) * 3)

"""The maps of two states as models that stay as they are: their difference, or both side by side."""

from __future__ import annotations

import numpy as np
from chimerax.core.colors import Color
from chimerax.geometry import Place, translation
from chimerax.map import Volume, volume_from_grid_data

from ..explore.compare_states import FAINT, FIRST, LESS, MORE, SECOND
from .placement import grid_of
from .shown_model import ShownModel

_STRONG = 0.35  # of the largest difference: where it is contoured
_CLEAR = 0.25  # opacity of the map around a difference
_GAP = 0.1  # of the wider map: between two side by side

Maps = tuple[np.ndarray, np.ndarray]


def difference(model: ShownModel, names: tuple[str, str], maps: Maps) -> list[Volume]:
    """Second minus first ``(N, N, N)``, where the moving map is, and the first about it, at the moving map's level."""
    change = maps[1] - maps[0]
    level = _STRONG * float(np.abs(change).max()) or 1.0
    difference_map = _frozen(model, change, f"{names[1]} minus {names[0]}")
    # what lies below a negative level would be closed by the faces of the box
    difference_map.set_parameters(surface_levels=[-level, level], surface_colors=[_rgba(LESS), _rgba(MORE)],
                                  cap_faces=False)  # fmt: skip
    around = _frozen(model, maps[0], names[0])
    around.set_parameters(surface_levels=[model.level], surface_colors=[_rgba(FAINT, _CLEAR)])
    return [difference_map, around]


def side_by_side(model: ShownModel, names: tuple[str, str], maps: Maps) -> list[Volume]:
    """Both, as far apart along the screen, as it is now, as the densest parts of both are wide; at the map's level."""
    level, right = model.level, np.asarray(model.session.main_view.camera.position.axes()[0])
    ends = [_ends(volume, level, model.learned.pixel_size, _place(model), right) for volume in maps]
    gap = _GAP * max(high - low for low, high in ends)
    middle = 0.5 * (ends[0][0] + ends[1][1])
    shifts = (middle - gap / 2 - ends[0][1], middle + gap / 2 - ends[1][0])
    volumes = []
    for name, volume, colour, shift in zip(names, maps, (FIRST, SECOND), shifts):
        copy = _frozen(model, volume, name)
        copy.set_parameters(surface_levels=[level], surface_colors=[_rgba(colour)])
        copy.position = translation(shift * right) * copy.position
        volumes.append(copy)
    return volumes


def _ends(volume: np.ndarray, level: float, pixel_size: float, place, right: np.ndarray) -> tuple[float, float]:
    """From where to where along ``right`` a map is denser than ``level``, Å; all of its box where it never is."""
    dense = np.argwhere(volume > level)
    if not len(dense):
        dense = np.argwhere(np.ones((2, 2, 2))) * (len(volume) - 1)
    along = (place * (dense[:, ::-1] * float(pixel_size))) @ right
    return float(along.min()), float(along.max())


def _frozen(model: ShownModel, volume: np.ndarray, name: str) -> Volume:
    grid = grid_of(model.learned, volume, name)
    copy = volume_from_grid_data(grid, model.session, style="surface", open_model=False, show_dialog=False)
    copy.new_region(ijk_step=(1, 1, 1), adjust_step=False, adjust_voxel_limit=False)
    copy.position = _place(model)
    return copy


def _place(model: ShownModel) -> Place:
    """Where the map is, or was before it was closed, in the scene."""
    return (model if model.map is None else model.map).scene_position


def _rgba(colour: str, opacity: float = 1.0) -> tuple[float, ...]:
    return (*Color(colour).rgba[:3], opacity)

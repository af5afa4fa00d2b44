"""Maps that stay as they are beside the one that moves: to compare states."""

from __future__ import annotations

import numpy as np
from chimerax.map import Volume, volume_from_grid_data
from chimerax.map_data import ArrayGridData

from .model import FlexRecModel

_COLOURS = ((0.90, 0.62, 0.0, 1.0), (0.34, 0.71, 0.91, 1.0))  # of the first state and of the second
_MORE, _LESS = (0.18, 0.45, 0.85, 1.0), (0.84, 0.20, 0.16, 1.0)  # density that the second has more, and less of
_STRONG = 0.35  # of the largest difference: where it is contoured
_APART = 0.8  # of the box: from one map to the next, side by side


def side_by_side(model: FlexRecModel, names: tuple[str, str], maps: tuple[np.ndarray, np.ndarray]) -> list[Volume]:
    """Two maps ``(N, N, N)`` to the right of the moving one, at its level."""
    found = []
    for number, (name, volume) in enumerate(zip(names, maps)):
        one = _frozen(model, volume, name)
        one.set_parameters(surface_levels=[model.map.level], surface_colors=[_COLOURS[number]])
        found.append(one)
    _add(model, found)
    step = _APART * model.flow.box * model.flow.pixel_size
    for number, one in enumerate(found, 1):
        one.scene_position = _moved(model, number * step) * model.map.scene_position
    return found


def difference(model: FlexRecModel, names: tuple[str, str], maps: tuple[np.ndarray, np.ndarray]) -> list[Volume]:
    """Second minus first: blue where the second has more density, red where it has less."""
    change = maps[1] - maps[0]
    level = _STRONG * float(np.abs(change).max()) or 1.0
    one = _frozen(model, change, f"{names[1]} minus {names[0]}")
    # what lies below a negative level would be closed by the faces of the box
    one.set_parameters(surface_levels=[-level, level], surface_colors=[_LESS, _MORE], cap_faces=False)
    _add(model, [one])
    one.scene_position = model.map.scene_position
    return [one]


def _frozen(model: FlexRecModel, volume: np.ndarray, name: str) -> Volume:
    grid = ArrayGridData(np.array(volume, np.float32), step=(model.flow.pixel_size,) * 3, name=name)
    one = volume_from_grid_data(grid, model.session, style="surface", open_model=False, show_dialog=False)
    one.new_region(ijk_step=(1, 1, 1), adjust_step=False, adjust_voxel_limit=False)
    return one


def _add(model: FlexRecModel, volumes: list[Volume]) -> None:
    model.session.models.add(volumes)


def _moved(model: FlexRecModel, way: float):
    """To the right of the window, as it is seen now."""
    from chimerax.geometry import translation

    right = model.session.main_view.camera.position.axes()[0]
    return translation(way * np.asarray(right))

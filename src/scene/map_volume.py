"""The map at the shown point: one Volume, updated in place, so that its colour, level and id stay."""

from __future__ import annotations

import numpy as np
from chimerax.core.models import Model
from chimerax.core.session import Session
from chimerax.core.state import State
from chimerax.map import Volume
from chimerax.map.session import set_map_state, state_from_map

from ..models import Model as TrainedModel
from .decoding import waits
from .placement import grid_of

LARGE = 160  # voxels on a side from which contours are found in a thread: beyond it the window would stutter
COLOUR = (0.62, 0.74, 0.90, 1.0)
NAME = "map"


class MapModel(Volume):
    """A map in a grid of its own, which `set` overwrites."""

    def __init__(self, owner: Model, flow: TrainedModel) -> None:
        """A copy of ``flow``'s canonical map; ``owner`` is the model that it belongs to, from which a session finds it
        again.
        """
        from chimerax.map.volume import default_settings

        self.contours_in_thread = True  # of large maps, which are drawn when that is done
        options = default_settings(owner.session).rendering_option_defaults()
        super().__init__(owner.session, grid_of(flow, flow.volume, NAME), rendering_options=options)
        self.owner, self.name = owner, NAME
        self._wanted_step: list[int] | None = None  # while it is lighter
        self.set_display_style("surface")
        self._show_all()
        self.set_parameters(surface_levels=[contour_level(flow.volume)], surface_colors=[COLOUR])

    @property
    def level(self) -> float:
        """The contour level of the first surface."""
        return self.surfaces[0].level if self.surfaces else contour_level(self.data.array)

    @property
    def overall_color(self) -> np.ndarray | None:
        """Of the first contour, also while it is not drawn: what ChimeraX's list of models shows."""
        colour = Volume.overall_color.fget(self)
        if colour is not None or not self.surfaces:
            return colour
        return min(self.surfaces, key=lambda surface: surface.level).color

    @overall_color.setter
    def overall_color(self, colour: np.ndarray) -> None:
        Volume.overall_color.fset(self, colour)

    def lighten(self, light: bool) -> None:
        """Contour every other voxel of those that the user wants contoured, or all of these again."""
        if light == (self._wanted_step is not None):
            return
        step = self.region[2] if light else self._wanted_step
        self._wanted_step = step if light else None
        self.new_region(ijk_step=[2 * voxels for voxels in step] if light else step, adjust_step=False,
                        adjust_voxel_limit=False)  # fmt: skip

    def set(self, volume: np.ndarray, visible: bool = True) -> None:
        """Show other density, of the same shape, at the same level.

        Where the map is ``visible``, a large one has its old contour until a thread has found the new one.
        """
        self.data.array[:] = volume
        self.data.values_changed()
        if visible and self.contours_in_thread and not waits(self.session) and len(volume) >= LARGE:
            for surface in self.surfaces:
                surface.set_level(surface.level, use_thread=True)

    def renew(self, flow: TrainedModel) -> None:
        """Show the canonical map of another model, at the same level."""
        self.replace_data(grid_of(flow, flow.volume, NAME))
        self._show_all()

    def _show_all(self) -> None:
        self.new_region((0, 0, 0), [size - 1 for size in self.data.size], (1, 1, 1), False, False)

    def take_snapshot(self, session: Session, flags: int) -> dict:
        """How it looks; what it shows is found again by its owner."""
        if flags == State.SCENE:
            return super().take_snapshot(session, flags)
        return {
            "version": 1, "owner": self.owner, "model state": Model.take_snapshot(self, session, flags),
            "box": len(self.data.array), "look": state_from_map(self),
        }  # fmt: skip

    @classmethod
    def restore_snapshot(cls, session: Session, data: dict) -> MapModel | None:
        """The map of an owner that is back, looking as it did."""
        if data["owner"] is None:
            return None
        self = data["owner"].want_map()
        look = data["look"]
        if data["box"] != len(self.data.array):
            look = {**look, "region": self.region, "region_list": state_from_map(self)["region_list"]}
        self.set_state_from_snapshot(session, data["model state"])
        self.remove_surfaces()  # they come from the session, one by one
        set_map_state(look, self)
        self._drawings_need_update()
        return self


def contour_level(volume: np.ndarray) -> float:
    """A level for maps that are zero outside a mask: the mean of what is in it and positive.

    For maps that are zero nowhere, as they come without a mask, three standard deviations above the mean.
    """
    if volume.all():
        return float(volume.mean() + 3 * volume.std())
    inside = volume[volume > 0]
    return float(inside.mean()) if len(inside) else 1.0

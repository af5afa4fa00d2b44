"""The map at the shown point: one Volume, updated in place, so that its colour, level and id stay."""

from __future__ import annotations

import numpy as np
from chimerax.map import Volume
from chimerax.map_data import ArrayGridData

from .decoding import waits

LARGE = 160  # voxels on a side from which contours are found in a thread: beyond it the window would stutter
COLOUR = (0.70, 0.75, 0.82, 1.0)


class MapModel(Volume):
    """A map in a grid of its own, which `set` overwrites."""

    SESSION_SAVE = False  # the FlexRec model that it belongs to makes it again

    def __init__(self, session, volume: np.ndarray, pixel_size: float, name: str = "map") -> None:
        """``volume`` ``(N, N, N)`` float32 ``[z, y, x]``, copied; its first voxel is at (0, 0, 0) Å."""
        from chimerax.map.volume import default_settings

        grid = _grid(volume, pixel_size, name)
        self.contours_beside = True  # large maps are contoured in a thread, and drawn when that is done
        super().__init__(session, grid, rendering_options=default_settings(session).rendering_option_defaults())
        self.name = name
        self.set_display_style("surface")
        self.new_region(ijk_step=(1, 1, 1), adjust_step=False, adjust_voxel_limit=False)
        self.set_parameters(surface_levels=[contour_level(volume)], surface_colors=[COLOUR])

    @property
    def level(self) -> float:
        """The contour level of the first surface."""
        return self.surfaces[0].level if self.surfaces else contour_level(self.data.array)

    def resize(self, volume: np.ndarray, pixel_size: float) -> None:
        """Go over to maps of the shape and pixel size of another one, at the same level."""
        if volume.shape != self.data.array.shape:
            self.replace_data(_grid(volume, pixel_size, self.data.name))
            self.new_region(ijk_step=(1, 1, 1), adjust_step=False, adjust_voxel_limit=False)

    def set(self, volume: np.ndarray) -> None:
        """Show other density, of the same shape, at the same level."""
        self.data.array[:] = volume
        self.data.values_changed()
        if self.contours_beside and not waits(self.session) and len(volume) >= LARGE:
            for surface in self.surfaces:
                surface.set_level(surface.level, use_thread=True)


def _grid(volume: np.ndarray, pixel_size: float, name: str) -> ArrayGridData:
    return ArrayGridData(np.array(volume, np.float32), step=(pixel_size,) * 3, name=name)


def contour_level(volume: np.ndarray) -> float:
    """A level for maps that are zero outside a mask: the mean of what is in it and positive."""
    inside = volume[volume > 0]
    return float(inside.mean()) if len(inside) else 1.0

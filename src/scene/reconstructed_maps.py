"""A reconstruct job's maps in the scene, plain or coloured by local resolution or by the gain over the rigid map.

The maps are ChimeraX's own volumes, read from the job's files, and their colours those of ``color sample``: they follow
the contour level, and a session keeps them. What they are sampled from is a volume beside them that is not displayed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from chimerax.core.colors import Color
from chimerax.core.models import Model
from chimerax.core.session import Session
from chimerax.map import Volume, VolumeSurface, volume_from_grid_data
from chimerax.map_data import GridData

from ..engine.maps.contour_level import contour_level
from ..errors import InputError
from ..explore.compare_states import FAINT, FIRST, SECOND
from ..jobs.reconstruct.reconstructed_files import MASK, map_files, recorded_level
from ..mesh.map_files import radius_grid, read_map
from .colour_key import ScaleKey
from .map_values import TITLES, colormap, grid_of_file, scale_between, surface_scale, value_grid
from .map_volume import COLOUR

PLAIN = "none"
_VERSION = 1


class ReconstructedMaps(Model):
    """Maps of one kind (``which``, of `jobs.reconstruct.reconstructed_files.SHOWN`) of the job in ``folder``.

    ``colour`` is what they are coloured by: ``resolution``, ``gain`` or ``none``.
    """

    def __init__(self, session: Session, folder: Path, which: str) -> None:
        super().__init__(f"{folder.name} {which}", session)
        self.folder, self.which, self.colour = folder, which, PLAIN
        self.key = _MapKey(self)

    @classmethod
    def of_job(cls, session: Session, folder: Path, which: str | None = None) -> ReconstructedMaps:
        """Those of a job, not yet in the scene; ``InputError`` where it has none of the kind."""
        which, _ = map_files(folder, which)
        self = cls(session, folder, which)
        self.fill(map_levels(folder, which))
        return self

    def fill(self, levels: dict[Path, float]) -> None:
        """Put the maps of these files into it, each at its contour level."""
        colours = [_rgba(colour) for colour in (FIRST, SECOND)] if self.which == "halves" else [_plain(self.which)]
        self.add([_surface(self.session, *each) for each in zip(levels, levels.values(), colours)])

    @property
    def maps(self) -> list[Volume]:
        """Those that are there still."""
        return [child for child in self.child_models() if isinstance(child, Volume) and child.name not in _NAMES]

    @property
    def box(self) -> int:
        """Voxels on a side; 0 where they have all been closed."""
        return max((volume.data.size[0] for volume in self.maps), default=0)

    @property
    def sentence(self) -> str:
        """What they are, for the Log."""
        maps = self.maps
        names = " and ".join(volume.name for volume in maps)
        level, size = maps[0].surfaces[0].level, maps[0].data.step[0]
        several = len(list(self.folder.glob("map_[0-9]*.mrc")))
        more = f"; it is the first of {several}, and plain open takes map_*.mrc as a series" if several > 1 else ""
        return f"{self.folder}: {names}, {self.box} voxels of {size:.4g} Å, at level {level:.3g}{more}."

    @property
    def surfaces(self) -> list[VolumeSurface]:
        """The maps' contours that are not empty."""
        for volume in self.maps:
            volume.update_drawings()  # which wait for the next picture, else
        return [surface for volume in self.maps for surface in volume.surfaces
                if surface.vertices is not None and len(surface.vertices)]  # fmt: skip

    @property
    def coloured(self) -> bool:
        """Whether a contour has the colours that the key is about: it may have been given others since."""
        return any(surface.auto_recolor_vertices is not None
                   for volume in self.maps for surface in volume.surfaces)  # fmt: skip

    def colour_by(self, colour: str, grid: GridData | None) -> tuple[float, float] | None:
        """Colour the maps by ``grid``, of `value_grid`; returns the ends of the scale in Å, None of plain maps.

        ``InputError`` where nothing could be coloured: then nothing is changed.
        """
        surfaces = self.surfaces
        if grid is not None and not surfaces:
            raise InputError(f"{self.name} shows no surface that could be coloured; lower its contour level.")
        self._clear()
        if grid is None:
            return None
        from chimerax.surface import color_sample

        grid.name = TITLES[colour]
        values = volume_from_grid_data(grid, self.session, style="surface", open_model=False, show_dialog=False)
        values.name, values.display = TITLES[colour], False
        self.add([values])
        sampled = np.concatenate([_sampled(surface, values) for surface in surfaces])
        scale = surface_scale(colour, sampled)
        color_sample(self.session, surfaces, values, palette=colormap(scale))
        self.colour, self.key.scale = colour, scale
        return scale.lowest, scale.highest

    def _clear(self) -> None:
        for volume in self.maps:
            for surface in volume.surfaces:
                surface.auto_recolor_vertices = None
                surface.vertex_colors = None
        for child in self.child_models():
            if child.name in _NAMES:
                child.delete()
        self.colour, self.key.scale = PLAIN, None

    def delete(self) -> None:
        """Close them, and their key."""
        self.key.close()
        super().delete()

    # ----- sessions -----

    def take_snapshot(self, session: Session, flags: int) -> dict[str, Any]:
        """What the key needs; ChimeraX keeps the volumes and their colours."""
        ends = None if self.key.scale is None else (self.key.scale.lowest, self.key.scale.highest)
        return {"version": _VERSION, "model state": super().take_snapshot(session, flags), "folder": str(self.folder),
                "which": self.which, "colour": self.colour, "ends": ends}  # fmt: skip

    @classmethod
    def restore_snapshot(cls, session: Session, data: dict[str, Any]) -> ReconstructedMaps:
        """The group, to which ChimeraX adds the volumes."""
        self = cls(session, Path(data["folder"]), data["which"])
        self.set_state_from_snapshot(session, data["model state"])
        if data["ends"] is not None:
            self.colour, self.key.scale = data["colour"], scale_between(data["colour"], *data["ends"])
        return self


class _MapKey(ScaleKey):
    """Of maps, while they have its colours."""

    def __init__(self, owner: ReconstructedMaps) -> None:
        super().__init__(owner)
        self._maps = owner

    @property
    def shown(self) -> bool:
        """See `ColourKey`."""
        return super().shown and self._maps.coloured


_NAMES = frozenset(TITLES.values())


def map_levels(folder: Path, which: str) -> dict[Path, float]:
    """Contour levels of a job's maps of one kind, by their files; it may be asked in any thread.

    ``InputError`` where a file is no map, or has nothing above its level.
    """
    levels = {}
    for file in map_files(folder, which)[1]:
        volume, pixel_size = read_map(file)
        levels[file] = _level(folder, which, volume, pixel_size)
        if not levels[file] < volume.max():
            raise InputError(f"{folder.name}: {file.name} has no density above its contour level; look at its log.")
    return levels


def values_of(folder: Path, colour: str) -> GridData | None:
    """What maps are coloured by, of `value_grid`; None of plain ones."""
    return None if colour == PLAIN else value_grid(folder, colour)


def _surface(session: Session, file: Path, level: float, colour: tuple[float, ...]) -> Volume:
    grid = grid_of_file(file)
    volume = volume_from_grid_data(grid, session, style="surface", open_model=False, show_dialog=False)
    volume.set_parameters(surface_levels=[level], surface_colors=[colour])
    return volume


def _level(folder: Path, which: str, volume: np.ndarray, pixel_size: float) -> float:
    """The level that the job recommends; of another map than it is meant for, that which the same rule gives."""
    level = recorded_level(folder) if which == "sharpened" else None
    return contour_level(volume, _mask(folder, volume), pixel_size).level if level is None else level


def _mask(folder: Path, volume: np.ndarray) -> np.ndarray:
    """The job's mask, or where there is none, as of maps at points, the sphere in the box."""
    if (folder / MASK).is_file():
        mask, _ = read_map(folder / MASK)
        if mask.shape == volume.shape:
            return mask
    return (radius_grid(len(volume)) < len(volume) / 2).astype(np.float32)


def _sampled(surface: VolumeSurface, values: Volume) -> np.ndarray:
    """Of the vertices of a contour, as ``color sample`` takes them."""
    return values.interpolated_values(surface.vertices, surface.scene_position)


def _plain(which: str) -> tuple[float, ...]:
    return _rgba(FAINT) if which == "rigid" else COLOUR


def _rgba(colour: str) -> tuple[float, ...]:
    return tuple(Color(colour).rgba)

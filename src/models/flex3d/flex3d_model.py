"""A 3D Flex training as far as its open files go: latents, and the maps that cryoSPARC itself has written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import InputError
from ...mesh.map_files import read_map
from ...mesh.map_place import read_centre
from ...reading import RADIAL
from ..map_series.between_maps import MapInterpolation
from ..map_series.series_model import MapFiles, MapSeriesModel, common_box
from ..variability.components_table import read_components
from .flex3d_files import Flex3DFiles, Series
from .flex3d_origin import Flex3DOrigin


@dataclass(frozen=True, eq=False, kw_only=True)
class Flex3DModel(MapSeriesModel):
    """Latents of 3D Flex. The map at a point is made of generated frames where a file says where they lie; otherwise it
    is the canonical map everywhere, since the network that moves it is in a file of cryoSPARC's own.
    """

    kind = "3D Flex"

    @property
    def progress(self) -> str:
        """What the maps are."""
        if len(self.points) == 1:
            return "cryoSPARC's latents and its canonical map, which does not move here"
        return f"cryoSPARC's latents; {super().progress}"


def read(path: Path) -> Flex3DModel:
    """The model in a folder, or of the file of latents that is named.

    ``InputError``, a sentence, where files are missing, damaged, or do not fit together.
    """
    files = Flex3DFiles.of(path)
    components = read_components(files.particles)
    latents = components.latents
    series = files.series(latents.shape[1])
    frames, points = _placed(files, series, latents)
    box = common_box(frames)
    volume, pixel_size = read_map(files.map or frames[0])
    if len(volume) != box:  # of a reconstruction at full size, beside frames of the training
        volume, pixel_size = read_map(frames[0])
    return Flex3DModel(
        latents=latents, volume=volume, latent_dims=latents.shape[1], box=box, pixel_size=pixel_size,
        centre=read_centre(files.map or frames[0]), points=points, maps=MapFiles(frames, box),
        between=MapInterpolation(points, RADIAL), file=files.particles,
        origin=Flex3DOrigin(files, components.table, series),
    )  # fmt: skip


def _placed(
    files: Flex3DFiles, series: tuple[Series, ...], latents: np.ndarray
) -> tuple[tuple[Path, ...], np.ndarray]:
    """Maps, and where they lie: the frames whose points are known, else the canonical map in the middle."""
    placed = [each for each in series if each.points is not None]
    if placed:
        frames = tuple(frame for each in placed for frame in each.frames)
        return frames, np.concatenate([each.points for each in placed if each.points is not None])
    if files.map is None:
        raise InputError(f"{files.folder}: has latents of 3D Flex but no map (NAME_map.mrc) and no series whose points "
                         "are known; copy the map of the training or of Flex Reconstruction there.")  # fmt: skip
    middle = np.nanmean(latents, axis=0, keepdims=True)
    return (files.map,), middle.astype(np.float32)

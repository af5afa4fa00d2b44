"""A folder of maps as a model: the map at a latent point is a given one, or a mixture of those around it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

import numpy as np

from ...errors import InputError
from ...mesh.map_files import read_map
from ...mesh.map_place import read_centre
from ...particles.mrc import read_header
from ...particles.resample import resample_box
from ...reading import LINEAR, NEAREST, RADIAL, Reading
from ..interface import DecodeOptions, GivenMaps, Model
from .between_maps import MapInterpolation
from .series_files import SeriesFiles
from .series_origin import SeriesOrigin

_KEPT = 1 << 29  # bytes of maps that stay in memory


@dataclass(frozen=True, eq=False)
class MapFiles:
    """Maps ``(box, box, box)`` that are read when they are wanted; the latest stay in memory."""

    files: tuple[Path, ...]
    box: int
    _kept: OrderedDict[int, np.ndarray] = field(default_factory=OrderedDict)

    def map(self, row: int) -> np.ndarray:
        """One of them, float32 ``[z, y, x]``; ``InputError`` where its file is gone or has changed."""
        if row not in self._kept:
            volume, _ = read_map(self.files[row])
            self._kept[row] = volume if len(volume) == self.box else resample_box(volume, self.box)
            while len(self._kept) > max(1, _KEPT // (4 * self.box**3)):
                self._kept.popitem(last=False)
        self._kept.move_to_end(row)
        return self._kept[row]


@dataclass(frozen=True, eq=False, kw_only=True)
class MapSeriesModel(Model):
    """Given maps, and where in latent space each lies. Nothing moves: between two, both are seen, each fainter.

    Attributes
    ----------
    points : ``(m, K)`` float32 of the maps. maps : their files. between : what is shown between them.
    """

    kind = "map series"

    points: np.ndarray
    maps: MapFiles
    between: MapInterpolation

    def decode(self, z: np.ndarray | Sequence[float], how: DecodeOptions = DecodeOptions()) -> np.ndarray:  # noqa: B008
        """The map ``(N, N, N)`` float32 ``[z, y, x]`` at a latent point ``(K,)``: at a given map's point that map."""
        rows, shares = self.between.shares(self.checked(z))
        total = np.zeros((self.box,) * 3, np.float32)
        for row, share in zip(rows, shares):
            total += np.float32(share) * self.maps.map(int(row))
        return total

    @property
    def given_maps(self) -> GivenMaps:
        """See `Model`."""
        return self

    def map(self, row: int) -> np.ndarray:
        """See `GivenMaps`."""
        return self.maps.map(row)

    def coarser(self, box: int) -> Self:
        """The same maps on an even, smaller box over the same field of view."""
        return replace(
            self, volume=resample_box(self.volume, box), maps=MapFiles(self.maps.files, box), box=box,
            pixel_size=self.pixel_size * self.box / box,
        )  # fmt: skip

    def arrays(self) -> tuple[np.ndarray, ...]:
        """What makes it the model that it is, but for maps that are not in memory."""
        return self.latents, self.points, self.volume

    def read_as(self, reading: Reading) -> Self:
        """With what is to be shown between the maps; ``InputError`` where that cannot be made of these."""
        between = replace(self.between, how=reading.between or self.between.how)
        between.shares(self.points.mean(axis=0) + 1e-3)  # a triangulation that cannot be is said now
        return replace(self, between=between, reading=reading)

    @property
    def progress(self) -> str:
        """What is seen between the maps."""
        count = len(self.points)
        how = {NEAREST: "the nearest is shown at each point", LINEAR: "between them a linear mixture by FlexRec",
               RADIAL: "between them a radial mixture by FlexRec"}[self.between.how]  # fmt: skip
        return f"{count} maps as they were given; {how}"


def read(path: Path) -> MapSeriesModel:
    """The maps in a folder, with the tables of latent points beside them.

    ``InputError``, a sentence, where files are damaged, or do not fit together.
    """
    files = SeriesFiles.of(path)
    box = common_box(files.maps)
    points = files.points
    latents = points if files.particles is None else files.particles.z
    placed = latents[np.isfinite(latents).all(axis=1)]
    if not len(placed):
        raise InputError(f"{files.particles.file if files.particles else files.folder}: no particle's latents are "
                         "numbers, so there is nothing to show.")  # fmt: skip
    maps = MapFiles(files.maps, box)
    middle = int(np.argmin(((points - placed.mean(axis=0)) ** 2).sum(axis=1)))
    volume, pixel_size = read_map(files.maps[middle])
    return MapSeriesModel(
        latents=latents, volume=volume, latent_dims=points.shape[1], box=box, pixel_size=pixel_size,
        centre=read_centre(files.maps[middle]), points=points, maps=maps, between=MapInterpolation(points, RADIAL),
        origin=SeriesOrigin(files),
    )  # fmt: skip


def common_box(maps: tuple[Path, ...]) -> int:
    """Voxels on a side, of the heads of the maps alone."""
    heads = [(path, read_header(path)) for path in maps]
    first = heads[0][1]
    for path, head in heads:
        shape = (head.columns, head.rows, head.sections)
        if shape != (first.columns,) * 3:
            raise InputError(f"{path}: is of {' x '.join(map(str, shape))} voxels where {heads[0][0].name} has "
                             f"{first.columns} on a side; maps of one folder must be cubes of one size.")  # fmt: skip
        if abs(head.pixel_size - first.pixel_size) > 1e-3 * max(first.pixel_size, 1e-3):
            raise InputError(f"{path}: has voxels of {head.pixel_size:.4g} Å where {heads[0][0].name} has "
                             f"{first.pixel_size:.4g}; mend the one that is wrong.")  # fmt: skip
    return first.columns

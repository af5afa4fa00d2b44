"""Masks and labels that belong to a map: read on its voxels, whatever their own header knows of its pixel size."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import InputError
from .map_files import read_map
from .map_header import read_map_header, voxel_sizes
from .map_place import read_centre

_ALIKE = 0.01  # by which pixel sizes or widths may differ that are the same: headers round
_ONE = 1e-4  # Å off the 1 Å that stands for no knowledge
_RESAMPLE = "put it on the consensus' grid, in ChimeraX for instance: volume resample #2 onGrid #1."


@dataclass(frozen=True)
class MapGrid:
    """Where a map's voxels are.

    box : voxels across. pixel_size : Å. stated : whether that was told by somebody, in place of the header's.
    centre : (3,) Å xyz of voxel N//2.
    """

    box: int
    pixel_size: float
    stated: bool
    centre: np.ndarray

    @classmethod
    def of(cls, path: Path, pixel_size: float | None) -> MapGrid:
        """Of a map's file that `read_map` has accepted with this ``pixel_size``."""
        header = read_map_header(path)
        size = float(np.mean(voxel_sizes(header))) if pixel_size is None else pixel_size
        return cls(int(header.nx), size, pixel_size is not None, read_centre(path, pixel_size))


def read_companion(path: Path, grid: MapGrid) -> tuple[np.ndarray, float]:
    """Voxels (N, N, N) float32 [z, y, x] of a mask or of labels of the map that has ``grid``, and their pixel size, Å.

    In the map's box they lie voxel on voxel: the pixel size is the map's where theirs is not known, or where the map's
    was told in place of its header's. ``InputError`` as `check_on_grid` has it.
    """
    same = int(read_map_header(path).nx) == grid.box
    known = grid.pixel_size if same and grid.stated else size_where_unknown(path, grid.box, grid.pixel_size)
    values, size = read_map(path, known)
    check_on_grid(path, values.shape, size, read_centre(path, known), grid)
    return values, size


def size_where_unknown(path: Path, box: int, pixel_size: float) -> float | None:
    """``pixel_size`` (Å) of a map for a file that has the map's ``box`` and does not know its own, else None.

    Programs that do not know it write 0, or 1 Å.
    """
    header = read_map_header(path)
    sizes = voxel_sizes(header)
    unknown = not sizes.all() or bool(np.abs(sizes - 1).max() < _ONE)
    return pixel_size if unknown and int(header.nx) == box else None


def check_on_grid(path: Path, shape: tuple[int, ...], size: float, centre: np.ndarray, grid: MapGrid) -> None:
    """``InputError`` where voxels ``[z, y, x]`` of ``size`` Å about ``centre`` (3,) Å xyz cannot be laid on a map.

    That is where they have the map's box and another pixel size, or, in another box, do not know their pixel size or
    are not concentric with the map, as far as an origin can tell.
    """
    if set(shape) == {grid.box}:
        if abs(size - grid.pixel_size) > _ALIKE * grid.pixel_size:
            raise InputError(f"{path}: has the consensus' box, {grid.box}, but voxels of {size:.4g} Å where those of "
                             f"the consensus have {grid.pixel_size:.4g} Å; if a header is wrong, give the true "
                             f"--pixel-size, else {_RESAMPLE}")  # fmt: skip
        return
    if abs(size - 1) < _ONE and abs(grid.pixel_size - 1) > _ALIKE and not _as_wide(shape, size, grid):
        raise InputError(f"{path}: has {max(shape)} voxels where the consensus has {grid.box}, and says 1 Å as files "
                         f"do that do not know their pixel size; write it into the header, or {_RESAMPLE}")  # fmt: skip
    first = centre - np.array(shape[::-1]) // 2 * size
    # an origin at the first voxel or in the middle is where programs put it that mean nothing by it
    meant = min(np.abs(first).max(), np.abs(centre).max()) > size
    if meant and np.abs(centre - grid.centre).max() > 1.5 * max(size, grid.pixel_size):
        raise InputError(f"{path}: its box is another than the consensus', and by its origin lies beside the middle of "
                         f"that, as a piece that was cut out does; {_RESAMPLE}")  # fmt: skip


def _as_wide(shape: tuple[int, ...], size: float, grid: MapGrid) -> bool:
    width = grid.box * grid.pixel_size
    return all(abs(side * size - width) <= _ALIKE * width for side in shape)

"""Maps in MRC files: read with their pixel size checked, filtered, resampled and written."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..atomic import atomic_path
from ..errors import InputError
from ..particles.mrc import read_header
from .map_header import axis_order, check_right_angles, read_map_header, unsigned_bytes, voxel_sizes
from .map_place import first_voxel


def read_map(
    path: str | os.PathLike[str], pixel_size: float | None = None, option: str = ""
) -> tuple[np.ndarray, float]:  # fmt: skip
    """A cubic map (N, N, N) float32 [z, y, x] and its pixel size in Å.

    Parameters
    ----------
    path : .mrc or .map file
    pixel_size : Å per voxel, in place of the header's
    option : by which a person may give it, if there is one

    ``InputError`` for a file that is no such map: not MRC, not cubic, not finite, or without a credible pixel size.
    """
    path = Path(path)
    header = read_map_header(path)
    grid = _read_grid(path, header)
    if not np.isfinite(grid).all():
        raise InputError(f"{path}: the map holds values that are not numbers; write it again.")
    sizes = voxel_sizes(header) if pixel_size is None else [pixel_size] * 3
    return grid.astype(np.float32, copy=False), _credible(path, sizes, option)


def _read_grid(path: Path, header: np.record) -> np.ndarray:
    """Voxels [z, y, x] whatever axis order the file has; what does not fit is refused before anything large is read."""
    if path.suffix.lower() == ".mrcs":
        raise InputError(f"{path}: is a stack of images by its name; give a map, or name it .mrc if it is one.")
    layout = read_header(path)
    if not layout.columns == layout.rows == layout.sections:
        shape = f"{layout.columns} x {layout.rows} x {layout.sections}"
        raise InputError(f"{path}: the map is {shape}; FlexRec needs a cube: crop or pad it.")
    if layout.whole < layout.sections:
        raise InputError(f"{path}: the file ends after {layout.whole} of {layout.sections} sections; copy it again.")
    check_right_angles(path, header)
    dtype = np.dtype(np.uint8) if layout.dtype == np.int8 and unsigned_bytes(header) else layout.dtype
    grid = np.fromfile(path, dtype, layout.columns**3, offset=layout.offset).reshape((layout.columns,) * 3)
    maps, mapr, mapc = reversed(axis_order(header))
    return np.moveaxis(grid, [(maps, mapr, mapc).index(axis) for axis in (3, 2, 1)], [0, 1, 2])


def _credible(path: Path, sizes: Sequence[float] | np.ndarray, option: str) -> float:
    """The pixel size, if it is one number between 0.1 and 30 Å."""
    size = round(float(np.mean(sizes)), 6)  # the header keeps the box's length, in single precision
    if not np.isfinite(size) or not 0.1 <= size <= 30.0:
        advice = f"give {option}." if option else (
            "write the true one into its header (in ChimeraX: volume #1 voxelSize 1.5, then save).")  # fmt: skip
        raise InputError(f"{path}: its pixel size is {size:.4g} Å, which cannot be; {advice}")
    if np.ptp(sizes) > 0.01 * size:
        shown = " x ".join(f"{value:.4g}" for value in sizes)
        advice = f"resample it, or give {option}." if option else "resample it."
        raise InputError(f"{path}: its voxels are {shown} Å; FlexRec needs cubic voxels: {advice}")
    return size


def write_map(
    path: str | os.PathLike[str], grid: np.ndarray, pixel_size: float, centre: np.ndarray | None = None
) -> None:
    """Write a map [z, y, x] as float32 MRC with its pixel size, and the origin that puts voxel N//2 at ``centre``.

    ``centre`` is (3,) Å xyz, as `place.read_centre` has it; without, the first voxel is at 0,0,0.
    """
    import mrcfile

    with atomic_path(path) as temporary, mrcfile.new(temporary, overwrite=True) as file:
        file.set_data(np.ascontiguousarray(grid, np.float32))
        file.voxel_size = pixel_size
        file.header.origin = tuple(first_voxel(centre, len(grid), pixel_size))


def low_pass(grid: np.ndarray, pixel_size: float, resolution: float) -> np.ndarray:
    """A map (N, N, N) filtered by a Gaussian that halves amplitudes at ``resolution`` (Å); no ringing at edges."""
    from scipy import fft

    box = grid.shape[0]
    k = [fft.fftfreq(box, pixel_size), fft.fftfreq(box, pixel_size), fft.rfftfreq(box, pixel_size)]
    square = (k[0][:, None, None] ** 2 + k[1][:, None] ** 2 + k[2] ** 2).astype(np.float32)
    spectrum = fft.rfftn(grid.astype(np.float32)) * np.exp(-np.log(2.0) * square * resolution**2).astype(np.float32)
    return fft.irfftn(spectrum, s=grid.shape).astype(np.float32)


def interpolate(
    grid: np.ndarray, pixel_size: float, box: int, new_pixel_size: float, order: int = 3
) -> np.ndarray:
    """A map (n, n, n) of ``pixel_size`` Å on a grid (box, box, box) of ``new_pixel_size`` Å, float32.

    Voxel n//2 goes to voxel box//2; splines of the given ``order``; 0 beyond the old box.
    """
    from scipy.ndimage import map_coordinates

    along = (np.arange(box) - box // 2) * (new_pixel_size / pixel_size) + grid.shape[0] // 2
    places = np.meshgrid(along, along, along, indexing="ij")
    return map_coordinates(grid, places, order=order, mode="constant").astype(np.float32)


def radius_grid(box: int) -> np.ndarray:
    """(N, N, N) float32 distance of each voxel from voxel (N//2, N//2, N//2), in voxels."""
    along = (np.arange(box, dtype=np.float32) - box // 2) ** 2
    return np.sqrt(along[:, None, None] + along[:, None] + along)

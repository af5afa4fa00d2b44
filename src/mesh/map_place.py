"""Where a map's box lies in space: the origin in the header of an MRC file, taken as ChimeraX takes it."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from .map_header import by_axis, read_map_header, voxel_sizes

CCP4 = (".map", ".ccp4")  # ends of names of files whose field of the origin means something else
_TOO_FAR = 10  # boxes from which nxstart is no number that anybody has set


def read_centre(path: str | os.PathLike[str], pixel_size: float | None = None) -> np.ndarray:
    """Where voxel (N//2, N//2, N//2) of a map's file lies, (3,) float64 Å xyz.

    The first voxel is at the header's origin, or at nxstart, nystart and nzstart voxels where the origin is 0,0,0, is
    no credible number, or is in a file of the old MRC or the CCP4 format, as ChimeraX has it (MRC_Data in its
    bundle map_data, version 1.12). With a ``pixel_size`` (Å) in place of the header's, the origin stays where it is in
    voxels, as with ChimeraX's ``volume voxelSize``.

    ``InputError`` for a file that is no MRC map.
    """
    path = Path(path)
    header = read_map_header(path)
    size, step = by_axis(header, ("nx", "ny", "nz")), voxel_sizes(header)
    step = step if step.all() else np.ones(3)
    origin = _origin(header, size, step, path.suffix.lower() in CCP4)
    new = step if pixel_size is None else np.full(3, float(pixel_size))
    return origin * (new / step) + size // 2 * new


def first_voxel(centre: np.ndarray | None, box: int, pixel_size: float) -> np.ndarray:
    """The origin, (3,) float64 Å xyz, of a box of N voxels whose voxel N//2 is at ``centre``; 0,0,0 if that is None."""
    return np.zeros(3) if centre is None else np.asarray(centre, np.float64) - box // 2 * pixel_size


def _origin(header: np.record, size: np.ndarray, step: np.ndarray, ccp4: bool) -> np.ndarray:
    """Of the first voxel, (3,) Å xyz."""
    origin = np.array([header.origin[name] for name in "xyz"], np.float64)
    # an origin that no voxel could be told apart at has never been set
    with np.errstate(invalid="ignore"):
        credible = np.isfinite(origin).all() and (origin + step != origin).all()
    if header.map == b"MAP " and not ccp4 and credible and origin.any():
        return origin
    start = by_axis(header, ("nxstart", "nystart", "nzstart"))
    largest = max(int(header[name]) for name in ("nx", "ny", "nz", "mx", "my", "mz"))
    return np.zeros(3) if np.abs(start).max() > _TOO_FAR * largest else start * step

"""The soft mask that half-maps are compared in: given, of the mesh, or made of the half-maps themselves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import InputError
from ...mesh.companion import size_where_unknown
from ...mesh.map_files import low_pass, radius_grid, read_map
from ...mesh.mask import (
    Levels,
    check_given_mask,
    large_pieces,
    levels_above,
    mask_resolution,
    place_mask,
    soften,
)
from ...mesh.tetmesh import TetMesh
from ...mesh.voxels import mask_on_grid
from .half_pair import HalfPair

LOWPASS = 15.0  # Å at least, of the map that a mask is made from; 1.5 times the unmasked resolution where that is worse
EDGE_VOXELS = 6  # that a soft edge is wide, or the unmasked resolution where that is wider
_WIDEST_EDGE = 0.1  # of the box
_MOST_CUT = 0.1  # share of the strong density's power that a mask may leave out without a warning
_MOST_MESH = 0.3  # share of the mesh's voxels that a given mask may leave out without a warning
_LOST = 0.01  # share of a mask that may lie beyond the box of the half-maps


@dataclass(frozen=True, eq=False)
class SolventMask:
    """A soft mask (N, N, N) float32 0..1, in words where it is from, and what is doubtful about it, in sentences."""

    volume: np.ndarray
    source: str
    warnings: tuple[str, ...] = ()


def choose_mask(
    pair: HalfPair, unmasked: float | None, file: Path | None = None, mesh: TetMesh | None = None
) -> SolventMask:
    """The mask of a file, else of the mesh, else of the half-maps; see the functions below.

    ``unmasked`` is the resolution (Å) without a mask, if any. Doubts are told where the mask cuts off strong density,
    or a given one is smaller than the mesh.
    """
    edge, density = edge_width(pair, unmasked), _density(pair, unmasked)
    if file is not None:
        volume = check_given_mask(file, read_mask(file, pair.box, pair.pixel_size), pair.pixel_size, edge)
        mask = SolventMask(volume, f"given, {file.name}")
    elif mesh is not None:
        mask = SolventMask(mesh_mask(pair, mesh, edge), "of the mesh, with a soft edge")
    else:
        mask = _mask_of_density(pair, density, edge)
    doubts = (*_cut_density(mask, density), *(_cut_mesh(mask, pair, mesh) if file and mesh else ()))
    return SolventMask(mask.volume, mask.source, (*mask.warnings, *doubts))


def check_mask(file: Path | None, mesh: TetMesh | None, box: int, pixel_size: float) -> None:
    """``InputError`` where a mask's file or a mesh is of no use for half-maps of this box: asked before the work."""
    if file is not None:
        read_mask(file, box, pixel_size)
    if mesh is not None:
        _carried(mesh, box, pixel_size)


def edge_width(pair: HalfPair, unmasked: float | None) -> float:
    """Å of a mask's soft edge: the ``unmasked`` resolution, but at least 6 voxels, and at most a tenth of the box."""
    wanted = max(EDGE_VOXELS * pair.pixel_size, unmasked or 0.0)
    return min(wanted, _WIDEST_EDGE * pair.box * pair.pixel_size)


def read_mask(file: Path, box: int, pixel_size: float) -> np.ndarray:
    """The mask of a file (N, N, N) float32, brought to the half-maps' box and pixel size (Å), centre on centre.

    One whose header says 0 or 1 Å, as programs write that do not know, is taken to have the half-maps' pixel size
    where it has their box. ``InputError`` for a file that is no mask, is empty, or reaches beyond the half-maps' box.
    """
    volume, own_size = read_map(file, size_where_unknown(file, box, pixel_size))
    volume = check_given_mask(file, volume, own_size, 0.0)
    if len(volume) == box and abs(own_size - pixel_size) < 1e-3 * pixel_size:
        return volume
    along = np.abs(np.arange(len(volume)) - len(volume) // 2) <= box // 2 * pixel_size / own_size
    inside = along[:, None, None] & along[:, None] & along
    if volume[~inside].sum() > _LOST * volume.sum():
        raise InputError(
            f"{file}: the mask, {len(volume)} voxels of {own_size:.4g} Å, reaches beyond the box of the half-maps, "
            f"{box} voxels of {pixel_size:.4g} Å; give one that was made for these maps."
        )
    return check_given_mask(file, place_mask(volume, own_size, box, pixel_size), pixel_size, 0.0)


def mesh_mask(pair: HalfPair, mesh: TetMesh, edge: float) -> np.ndarray:
    """The voxels that the mesh carries, (N, N, N) float32, with a soft edge outside them; Å.

    ``InputError`` where the mesh carries none in the half-maps' box.
    """
    return soften(_carried(mesh, pair.box, pair.pixel_size), pair.pixel_size, 0.0, edge)


def _carried(mesh: TetMesh, box: int, pixel_size: float) -> np.ndarray:
    """(N, N, N) bool: the voxels that the mesh carries; ``InputError`` where there are none."""
    carried = mask_on_grid(mesh, box, pixel_size)
    if not carried.any():
        raise InputError("The mesh carries no voxel of the half-maps' box; give the mesh of these particles.")
    return carried


@dataclass(frozen=True, eq=False)
class _Density:
    """The low-passed mean of two half-maps (N, N, N), and what separates its molecule from solvent; None: nothing."""

    smooth: np.ndarray
    levels: Levels | None

    @property
    def strong(self) -> np.ndarray:
        """(N, N, N) power of what is certainly molecule, 0 elsewhere; there must be levels."""
        assert self.levels is not None
        return np.where(self.smooth >= self.levels.high, self.smooth - self.levels.background, 0.0).astype(float) ** 2


def _density(pair: HalfPair, unmasked: float | None) -> _Density:
    """Noise is half the difference of the half-maps in the sphere that fits the box; beyond it they may be empty."""
    lowpass = mask_resolution(pair.pixel_size, max(LOWPASS, 1.5 * (unmasked or 0.0)))
    smooth = low_pass(pair.mean, pair.pixel_size, lowpass)
    difference = low_pass((pair.first - pair.second) / 2, pair.pixel_size, lowpass)
    radius = radius_grid(pair.box) / pair.box
    noise = float(np.sqrt(np.mean(difference[radius < 0.45] ** 2)))
    background = float(np.median(smooth[(radius > 0.38) & (radius < 0.45)]))
    try:
        return _Density(smooth, levels_above(smooth, background, noise))
    except InputError:
        return _Density(smooth, None)


def _mask_of_density(pair: HalfPair, density: _Density, edge: float) -> SolventMask:
    """What stands out in the half-maps' mean; the sphere that fits the box, with a warning, where nothing does."""
    smooth, levels = density.smooth, density.levels
    if levels is None:
        ball = soften(radius_grid(pair.box) <= pair.box / 2 - 3, 1.0, 0.0, 3.0)
        return SolventMask(ball, "the sphere in the box", ("No density stands out from the noise of the half-maps, so "
                           "the mask is the sphere in the box; give one with --mask.",))  # fmt: skip
    core = large_pieces(smooth >= levels.low, smooth >= levels.high)
    return SolventMask(soften(core, pair.pixel_size, 0.0, edge), "made of the half-maps")


def _cut_density(mask: SolventMask, density: _Density) -> Iterator[str]:
    if density.levels is not None:
        cut = float(density.strong[mask.volume <= 0.5].sum() / density.strong.sum())
        if cut > _MOST_CUT:
            yield (f"The mask ({mask.source}) leaves out {cut:.0%} of the strong density, of which its FSC says "
                   "nothing: give a wider --mask, or see whether it lies where the map does.")  # fmt: skip


def _cut_mesh(mask: SolventMask, pair: HalfPair, mesh: TetMesh) -> Iterator[str]:
    carried = _carried(mesh, pair.box, pair.pixel_size)
    left = float((carried & (mask.volume <= 0.5)).sum() / carried.sum())
    if left > _MOST_MESH:
        yield (f"The mask ({mask.source}) is smaller than the mesh: it leaves out {left:.0%} of the voxels that the "
               "mesh carries, and what moves there does not count.")  # fmt: skip

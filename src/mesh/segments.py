"""Parts drawn by hand: labelled voxels from an MRC file or a Segger .seg file, grown to fill the mask."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import InputError
from .companion import MapGrid, check_on_grid, read_companion

SOLVENT = np.iinfo(np.int32).min
MOST_PARTS = 200
FEW_LABELLED = 0.5  # share of a mask's voxels below which it is told that labels were grown to fill it


@dataclass(frozen=True)
class Segments:
    """Labelled voxels: ``label`` (N, N, N) int32 [z, y, x], ``SOLVENT`` where there is none; pixel size in Å."""

    label: np.ndarray
    pixel_size: float


def read_segments(path: Path, grid: MapGrid, named: tuple[int, ...] = ()) -> Segments:
    """Labels from a .seg file (Segger) or an MRC file.

    Parameters
    ----------
    path : the file
    grid : of the consensus; its pixel size is taken where the file does not know its own
    named : labels that the user names elsewhere. In an MRC file 0 is solvent, unless the file has negative labels
        (then those are solvent, as in cryoSPARC) or the user names part 0.
    """
    if path.suffix.lower() == ".seg":
        return _read_segger(path, grid)
    if path.suffix.lower() == ".star":
        raise InputError(f"{path}: is a STAR file and no map of labels; RELION's file of bodies goes to --bodies.")
    values, size = read_companion(path, grid)
    label = np.rint(values).astype(np.int32)
    if np.abs(values - label).max() > 1e-3:
        raise InputError(f"{path}: the labels are not whole numbers; give a map with one integer per voxel.")
    if label.min() < -1:
        raise InputError(f"{path}: has a label {label.min()}, and solvent is 0 or -1; labels above 127 do not fit into "
                         "a file of bytes: save it with 16 bits, or as float32.")  # fmt: skip
    zero_is_part = (label < 0).any() or 0 in named
    label = np.where(label < 0 if zero_is_part else label <= 0, SOLVENT, label)
    _refuse_too_many(path, label)
    return Segments(label.astype(np.int32), size)


def _read_segger(path: Path, grid: MapGrid) -> Segments:
    """Top-level regions of a Segger file: each voxel's region is followed to the parent that has none.

    Layout as ChimeraX's Segger writes it (segfile.py): attributes ``format``, ``map_size``, ``ijk_to_xyz_transform``;
    arrays ``mask`` [z, y, x] of region numbers, ``region_ids``, ``parent_ids`` (0 for none).
    """
    try:
        import h5py
    except ImportError:
        raise InputError(f"{path}: Segger files need h5py; install it with: python -m pip install h5py") from None
    try:
        with h5py.File(path, "r") as file:
            kind = file.attrs.get("format", b"")
            regions, parents = np.asarray(file["region_ids"]), np.asarray(file["parent_ids"])
            mask, transform = np.asarray(file["mask"]), file.attrs.get("ijk_to_xyz_transform")
    except (OSError, KeyError) as error:
        raise InputError(f"{path}: not a Segger file ({error}); save the segmentation again in ChimeraX.") from error
    if (kind.decode() if isinstance(kind, bytes) else str(kind)) != "segger" or mask.ndim != 3:
        raise InputError(f"{path}: not a Segger file (format '{kind}'); save the segmentation again in ChimeraX.")
    top = _top_regions(path, regions, parents)
    known = (mask > 0) & (mask < len(top))
    label = np.where(known, top[np.where(known, mask, 0)], 0)
    label = np.where(label > 0, label, SOLVENT).astype(np.int32)
    _refuse_too_many(path, label)
    pixel_size = grid.pixel_size
    if transform is not None and not (grid.stated and set(mask.shape) == {grid.box}):
        matrix = np.asarray(transform, float)
        pixel_size = float(np.linalg.norm(matrix[:, 0]))
        middle = matrix[:, :3] @ (np.array(mask.shape[::-1]) // 2) + matrix[:, 3]
        check_on_grid(path, mask.shape, pixel_size, middle, grid)
    return Segments(label, pixel_size)


def _top_regions(path: Path, regions: np.ndarray, parents: np.ndarray) -> np.ndarray:
    """Array that gives for each region number the outermost region that holds it (0 for unknown numbers)."""
    if len(regions) != len(parents) or len(regions) == 0 or regions.min() < 1 or parents.max() > regions.max():
        raise InputError(f"{path}: the regions and their parents do not fit together; save the file again in ChimeraX.")
    parent = np.zeros(int(max(regions.max(), parents.max())) + 1, np.int64)
    parent[regions] = np.maximum(parents, 0)
    top = np.zeros_like(parent)
    top[regions] = regions
    for _ in range(len(regions)):
        above = parent[top]
        if not above.any():
            return top
        top = np.where(above > 0, above, top)
    raise InputError(f"{path}: its regions are parents of each other; save the segmentation again in ChimeraX.")


def _refuse_too_many(path: Path, label: np.ndarray) -> None:
    count = len(np.unique(label[label != SOLVENT]))
    if count == 0:
        raise InputError(f"{path}: no voxel has a label; give a segmentation with at least one region.")
    if count > MOST_PARTS:
        raise InputError(f"{path}: {count} regions are too many for parts (at most {MOST_PARTS}); group them first.")


def fill_mask(
    segments: Segments, mask: np.ndarray, pixel_size: float, path: Path
) -> tuple[np.ndarray, tuple[int, ...]]:
    """Part of every voxel of the mask, (N, N, N) int32 0..p-1, -1 outside; and the labels that the parts had.

    A voxel without a label takes the nearest one. The labels may be on another grid than the mask: boxes are laid
    centre on centre. A label with no voxel in the mask is no part.
    """
    from scipy.ndimage import distance_transform_edt

    label = _on_grid(segments, mask.shape[0], pixel_size)
    inside = mask & (label != SOLVENT)
    if not inside.any():
        raise InputError(f"{path}: no labelled voxel lies in the mask; is the segmentation of this map?")
    z, y, x = distance_transform_edt(~inside, return_distances=False, return_indices=True)
    names, part = np.unique(label[z, y, x][mask], return_inverse=True)
    filled = np.full(mask.shape, -1, np.int32)
    filled[mask] = part.reshape(-1)
    return filled, tuple(int(name) for name in names)


def doubts(segments: Segments, mask: np.ndarray, pixel_size: float) -> list[str]:
    """In sentences, what was made of labels without being said: by growing into a mask, or by lying outside it."""
    label = _on_grid(segments, mask.shape[0], pixel_size)[mask]
    given, used = (set(np.unique(values[values != SOLVENT]).tolist()) for values in (segments.label, label))
    share = float(np.mean(label != SOLVENT))
    lost = ", ".join(map(str, sorted(given - used)))
    doubts = [f"Labels {lost} have no voxel in the mask, so they are no parts."] if lost else []
    if share < FEW_LABELLED:
        doubts.append(f"Of the mask, {share:.0%} is labelled; each other voxel takes the label that is nearest to it.")
    return doubts


def _on_grid(segments: Segments, box: int, pixel_size: float) -> np.ndarray:
    """Labels at the voxels of another box, each that of the nearest voxel; ``SOLVENT`` beyond the labels' box."""
    label = segments.label
    axes, inside = [], []
    for side in label.shape:
        near = np.rint((np.arange(box) - box // 2) * (pixel_size / segments.pixel_size)).astype(int) + side // 2
        axes.append(np.clip(near, 0, side - 1))
        inside.append((near >= 0) & (near < side))
    nearest = label[np.ix_(*axes)]
    return np.where(inside[0][:, None, None] & inside[1][:, None] & inside[2], nearest, SOLVENT)

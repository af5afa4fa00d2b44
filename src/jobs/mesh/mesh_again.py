"""A mesh made once more in the way that a mesh job was asked to, of a better map than it had."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.optimize import linear_sum_assignment

from ...errors import InputError
from ...mesh.tetmesh import TetMesh
from ..inputs import join_record
from ..record import read_record
from .mesh_parameters import MESH, MeshParameters
from .mesh_run import build

# what somebody has chosen for the very map that the mesh was made of
CHOSEN = ("segments", "bodies", "mask", "mesh", "weights", "joints", "rigid", "mask_threshold")
_NOTHING = (None, "", ())  # a threshold of 0 is one


def mesh_again(
    folder: Path, old: TetMesh, volume: np.ndarray, pixel_size: float, log: Callable[[str], None]
) -> TetMesh:
    """As the mesh job ``folder`` made ``old``, but of ``volume`` ``(N, N, N)`` ``[z, y, x]``, in the same frame.

    It is ``old`` itself where parts, mask or weights were chosen by somebody, and where no mesh comes of the map.
    """
    parameters = _parameters(folder if folder.is_dir() else folder.parent)
    if parameters is None or any(getattr(parameters, name) not in _NOTHING for name in CHOSEN):
        log("The mesh was drawn by hand, or its job is gone: it is kept, soft where the map has lost density.")
        return old
    try:
        mesh = build(parameters, volume, pixel_size, log).mesh
    except InputError as error:
        log(f"The mesh is kept as it was; of the map without those images none can be made: {error}")
        return old
    log(f"The mesh was made again of the map without them: {len(mesh.cells)} cells (it had {len(old.cells)}), "
        f"{mesh.parts} part(s) (it had {old.parts}).")  # fmt: skip
    return replace(numbered_alike(mesh, old), centre=old.centre)


def numbered_alike(mesh: TetMesh, old: TetMesh) -> TetMesh:
    """``mesh`` with its parts in the order of the parts of ``old`` that they share most voxels with; others come last.

    Parts are numbered by their sizes, and two of about one size would otherwise change names with a few voxels.
    """
    if mesh.labels or mesh.voxel_cell.shape != old.voxel_cell.shape:
        return mesh
    both = mesh.mask & old.mask
    shared = np.zeros((mesh.parts, old.parts), int)
    np.add.at(shared, (mesh.part[mesh.voxel_cell[both]], old.part[old.voxel_cell[both]]), 1)
    place = np.full(mesh.parts, old.parts)
    rows, columns = linear_sum_assignment(shared, maximize=True)
    place[rows] = columns
    number = np.argsort(np.argsort(place, kind="stable"), kind="stable")
    joints = tuple((int(number[first]), int(number[second])) for first, second in mesh.joints)
    return replace(mesh, part=number[mesh.part].astype(mesh.part.dtype), joints=joints)


def _parameters(folder: Path) -> MeshParameters | None:
    """What the mesh job was asked; None where that is not known any more."""
    try:
        return join_record(MESH, read_record(folder), folder.parent)
    except (InputError, OSError, KeyError, TypeError):
        return None

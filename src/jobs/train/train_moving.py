"""What ``train`` lets move: what a mask holds, one subunit of a symmetric molecule, or everything."""

from __future__ import annotations

from pathlib import Path

from ...errors import InputError
from ...mesh.free_vertices import let_move
from ...mesh.map_files import read_map
from ...mesh.tetmesh import TetMesh
from ...particles.prepared import UNIT, Prepared


def with_what_moves(mesh: TetMesh, mask: Path | None, prepared: Prepared) -> TetMesh:
    """The mesh with what may move of it: inside the ``mask`` that was given, or prep's asymmetric unit if it has one.

    ``InputError`` where the mask is none, or has nothing of the mesh.
    """
    path = mask if mask is not None else prepared.folder / UNIT
    if mask is None and not path.is_file():
        return mesh
    values, pixel_size = read_map(path)
    if values.min() < -0.01 or values.max() > 1.01:
        raise InputError(f"moving: {path} has values from {values.min():.3g} to {values.max():.3g}, so it is no mask; "
                         "give one between 0 and 1.")  # fmt: skip
    width, wanted = len(values) * pixel_size, prepared.box * prepared.pixel_size
    reach = 2 * max(abs(mesh.vertices).max(), 1.0)
    if width < min(reach, wanted) * 0.9:
        raise InputError(f"moving: {path} is {width:.0f} Å wide and the mesh {reach:.0f} Å; give a mask in the "
                         "consensus' box.")  # fmt: skip
    partly_free = let_move(mesh, values, pixel_size)
    if partly_free.free is None or not (partly_free.free > 0).any():
        raise InputError(f"moving: nothing of the mesh lies in {path}; give a mask of some of the molecule, in the "
                         "consensus' box.")  # fmt: skip
    return partly_free


def moving_summary(mesh: TetMesh) -> str:
    """How much of the mesh may move, in words."""
    if mesh.free is None:
        return "All vertices of the mesh may move."
    free = int((mesh.free > 0).sum())
    return f"{free} of {len(mesh.free)} vertices of the mesh may move; the rest of the molecule stands still."

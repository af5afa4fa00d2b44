"""The mesh on disk: one .npz file of plain arrays."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ..atomic import atomic_path
from ..errors import InputError
from .tetmesh import TetMesh

FORMAT = "flexrec mesh 1"
_ARRAYS = {"vertices": np.float32, "cells": np.int32, "weights": np.float32, "part": np.int32, "voxel_cell": np.int32}


def save_mesh(path: str | os.PathLike[str], mesh: TetMesh) -> None:
    """Write ``mesh`` to a .npz file: the arrays of ``TetMesh`` under their own names, and ``format``."""
    arrays: dict[str, Any] = {name: np.asarray(getattr(mesh, name), kind) for name, kind in _ARRAYS.items()}
    if mesh.centre is not None:
        arrays["centre"] = np.asarray(mesh.centre, np.float64)
    if mesh.free is not None:
        arrays["free"] = np.asarray(mesh.free, np.float32)
    if mesh.labels:
        arrays["labels"] = np.asarray(mesh.labels, np.int64)
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        np.savez_compressed(
            file,
            format=np.array(FORMAT),
            joints=np.asarray(mesh.joints, np.int32).reshape(-1, 2),
            box=np.int64(mesh.box),
            pixel_size=np.float64(mesh.pixel_size),
            **arrays,
        )


def load_mesh(path: str | os.PathLike[str]) -> TetMesh:
    """Read a mesh that ``save_mesh`` wrote; a file that is not one, or does not hold together, is an ``InputError``."""
    path = Path(path)
    stored = _read_arrays(path)
    if str(stored.get("format", "")) != FORMAT:
        raise InputError(f"{path}: not a mesh of FlexRec ('{FORMAT}'); give the mesh.npz of a mesh job.")
    missing = [name for name in (*_ARRAYS, "joints", "box", "pixel_size") if name not in stored]
    if missing:
        raise InputError(f"{path}: the mesh lacks {', '.join(missing)}; make it again with the mesh job.")
    mesh = TetMesh(
        **{name: np.ascontiguousarray(stored[name], kind) for name, kind in _ARRAYS.items()},
        joints=tuple((int(a), int(b)) for a, b in stored["joints"].reshape(-1, 2)),
        box=int(stored["box"]),
        pixel_size=float(stored["pixel_size"]),
        centre=stored.get("centre"),  # which older meshes lack
        free=stored.get("free"),
        labels=tuple(stored["labels"].ravel().tolist()) if "labels" in stored else (),
    )
    check_mesh(mesh, path)
    return mesh


def _read_arrays(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; give the mesh.npz of a mesh job.") from None
    except (OSError, ValueError, EOFError, AttributeError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: cannot be read as a mesh ({error}); give the mesh.npz of a mesh job.") from error


def check_mesh(mesh: TetMesh, source: str | os.PathLike[str]) -> None:
    """Raise ``InputError`` unless the arrays fit together, all volumes are positive and all numbers finite."""
    for problem, is_so in _problems(mesh):
        if is_so:
            raise InputError(f"{source}: the mesh {problem}; mend it or make a new one with the mesh job.")


def _is_forest(joints: tuple[tuple[int, int], ...]) -> bool:
    """Whether each part hangs on one other at most, and none, by way of others, on itself."""
    parent = {child: above for above, child in joints}
    for start in parent:
        here, steps = start, 0
        while here in parent and steps <= len(parent):
            here, steps = parent[here], steps + 1
        if steps > len(parent):
            return False
    return len(parent) == len(joints)


def _is_point(centre: np.ndarray) -> bool:
    return centre.shape == (3,) and centre.dtype.kind == "f" and bool(np.isfinite(centre).all())


def _are_freedoms(mesh: TetMesh) -> bool:
    free = mesh.free
    return free is None or (free.shape == (len(mesh.vertices),) and bool(((free >= 0) & (free <= 1)).all()))


def _problems(mesh: TetMesh) -> Iterator[tuple[str, bool]]:
    vertices, cells = mesh.vertices, mesh.cells
    yield "has vertices that are not an (n, 3) array", vertices.ndim != 2 or vertices.shape[1] != 3
    yield "has cells that are not a filled (n, 4) array", cells.ndim != 2 or cells.shape[1:] != (4,) or not len(cells)
    yield "has a vertex that is not finite", not np.isfinite(vertices).all()
    yield "refers to vertices that it does not have", cells.min() < 0 or cells.max() >= len(vertices)
    yield "has a cell of zero or negative volume (inverted)", bool((mesh.volumes() <= 0).any())
    yield "has not one weight and one part per cell", not (mesh.weights.shape == mesh.part.shape == (len(cells),))
    yield "has a weight that is negative or not finite", not (np.isfinite(mesh.weights) & (mesh.weights >= 0)).all()
    yield "has a negative part", mesh.part.min() < 0
    yield "joins parts that it does not have", any(not 0 <= k < mesh.parts for pair in mesh.joints for k in pair)
    yield "has a part without cells", len(np.unique(mesh.part)) != mesh.parts
    yield "has not one label, of its own, for each part", len(set(mesh.part_names)) != mesh.parts
    yield "has joints that are no tree outward from a root", not _is_forest(mesh.joints)
    yield "has a box or pixel size that is not positive", mesh.box <= 0 or not mesh.pixel_size > 0
    yield "has a centre that is no point", mesh.centre is not None and not _is_point(mesh.centre)
    yield "has freedoms of vertices that are not one number from 0 to 1 for each", not _are_freedoms(mesh)
    yield f"has a voxel map that is not {mesh.box}^3", mesh.voxel_cell.shape != (mesh.box,) * 3
    yield "maps voxels to cells it does not have", mesh.voxel_cell.max() >= len(cells) or mesh.voxel_cell.min() < -1

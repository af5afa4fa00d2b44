"""cryoSPARC's 3D Flex mesh: its dictionary of arrays, to and from ours.

cryoSPARC keeps a pickled dictionary; ``tm_points`` are relative to the box's centre in a unit that it does not state,
and ``tm_tetraidx_map`` is indexed in an order that it does not state. Both are found by trying: only the right choice
puts the voxels of the map into the cells that the map names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import InputError
from .locate import barycentric
from .shape import barycentric_matrices
from .tetmesh import TetMesh, positively_oriented, signed_volumes

REQUIRED = ("mask", "mask_soft", "N", "psize_A", "tm_points", "tm_cells", "tm_tetraidx_map", "tm_rweights", "version")
SLACK = -0.05  # smallest barycentric coordinate of a voxel that still counts as lying in its cell
ENOUGH = 0.9  # share of the voxels that must lie in their cells
_SAMPLE = 20_000


@dataclass(frozen=True)
class Reading:
    """How a cryoSPARC mesh was understood, for the record.

    unit : of ``tm_points``, "angstrom" or "voxel". reversed_points : the points' columns run z, y, x once the arrays
    are indexed [z, y, x]. transposed : the arrays were indexed [x, y, z]. centre : voxel index of the origin.
    fit : share (0..1) of the voxels that lie in their cells
    """

    unit: str
    reversed_points: bool
    transposed: bool
    centre: float
    fit: float


def from_cryosparc(
    stored: Mapping, consensus: np.ndarray | None = None
) -> tuple[TetMesh, Reading, np.ndarray, tuple[int, ...]]:
    """The mesh, how it was read, its soft mask (N, N, N) [z, y, x], and the labels of its parts.

    Parameters
    ----------
    stored : cryoSPARC's dictionary
    consensus : (N, N, N) [z, y, x] map of the same box, which tells whether the arrays are transposed; without one, or
        with a box of another size, they are taken as [z, y, x]
    """
    box, pixel_size, arrays = _checked(stored)
    transposed = _is_transposed(arrays, consensus)
    if transposed:
        for name in ("mask", "mask_soft", "tm_tetraidx_map"):
            arrays[name] = arrays[name].transpose(2, 1, 0)
    reading, vertices = _fit(arrays, box, pixel_size, transposed)
    if (np.abs(signed_volumes(vertices, arrays["tm_cells"])) < 1e-6).any():
        raise InputError("The cryoSPARC mesh has a flat cell (zero volume); make the mesh again.")
    labels, part = np.unique(arrays["tm_segmask"], return_inverse=True)
    mesh = TetMesh(
        vertices=vertices.astype(np.float32),
        cells=positively_oriented(vertices, arrays["tm_cells"]).astype(np.int32),
        weights=arrays["tm_rweights"].astype(np.float32),
        part=part.reshape(-1).astype(np.int32),
        joints=_joints(stored.get("segfuses"), labels.tolist()),
        box=box,
        pixel_size=pixel_size,
        voxel_cell=np.where(arrays["mask"] > 0, arrays["tm_tetraidx_map"], -1).astype(np.int32),
    )
    return mesh, reading, arrays["mask_soft"].astype(np.float32), tuple(labels.tolist())


def _checked(stored: Mapping) -> tuple[int, float, dict[str, np.ndarray]]:
    """Box, pixel size and the arrays, whose shapes fit together."""
    if not isinstance(stored, Mapping):
        raise InputError("The cryoSPARC mesh is not a dictionary; give the mesh file of a Flex Mesh Prep job.")
    missing = [name for name in REQUIRED if name not in stored]
    if missing:
        raise InputError(f"The cryoSPARC mesh lacks {', '.join(missing)}; give the mesh file of a Flex Mesh Prep job.")
    if int(stored["version"]) != 1:
        raise InputError(f"The cryoSPARC mesh has version {stored['version']}; FlexRec reads version 1.")
    box, pixel_size = int(stored["N"]), float(stored["psize_A"])
    names = ("mask", "mask_soft", "tm_points", "tm_cells", "tm_tetraidx_map", "tm_rweights")
    arrays = {name: np.asarray(stored[name]) for name in names}
    cells = len(arrays["tm_cells"])
    arrays["tm_segmask"] = np.asarray(stored.get("tm_segmask", np.zeros(cells, int))).reshape(-1)
    cube = (box, box, box)
    wanted = {
        "mask": cube, "mask_soft": cube, "tm_tetraidx_map": cube, "tm_cells": (cells, 4), "tm_rweights": (cells,),
        "tm_points": (len(arrays["tm_points"]), 3), "tm_segmask": (cells,),
    }  # fmt: skip
    for name, shape in wanted.items():
        if arrays[name].shape != shape:
            raise InputError(f"The cryoSPARC mesh's {name} is {arrays[name].shape} where {shape} is needed.")
    at_cell, at_vertex = arrays["tm_tetraidx_map"], arrays["tm_cells"]
    if at_cell.max() >= cells or at_vertex.min() < 0 or at_vertex.max() >= len(arrays["tm_points"]):
        raise InputError("The cryoSPARC mesh refers to cells or vertices that it does not have; make it again.")
    return box, pixel_size, arrays


def _is_transposed(arrays: dict[str, np.ndarray], consensus: np.ndarray | None) -> bool:
    """Whether the mask fits the consensus better with its axes reversed."""
    mask = arrays["mask"]
    if consensus is None or consensus.shape != mask.shape:
        return False
    straight, reverse = consensus[mask > 0].sum(), consensus[mask.transpose(2, 1, 0) > 0].sum()
    return bool(reverse > straight + 1e-6 * abs(straight))


def _fit(arrays: dict, box: int, pixel_size: float, transposed: bool) -> tuple[Reading, np.ndarray]:
    """The reading that puts most voxels into their cells, and the vertices (v, 3) in Å, xyz, from voxel N//2."""
    carried = (arrays["mask"] > 0) & (arrays["tm_tetraidx_map"] >= 0)
    index = np.argwhere(carried)
    if len(index) == 0:
        raise InputError("The cryoSPARC mesh carries no voxel; give the mesh file of a Flex Mesh Prep job.")
    index = index[:: max(1, len(index) // _SAMPLE)]
    cell = arrays["tm_tetraidx_map"][tuple(index.T)]
    best, chosen = Reading("", False, transposed, 0.0, -1.0), np.empty((0, 3))
    for centre in dict.fromkeys((float(box // 2), (box - 1) / 2, box / 2)):
        for unit, scale in (("angstrom", 1.0), ("voxel", pixel_size)):
            for backwards in (False, True):
                vertices = arrays["tm_points"].astype(np.float64)[:, :: -1 if backwards else 1] * scale
                fit = _share_inside(vertices, arrays["tm_cells"], cell, (index[:, ::-1] - centre) * pixel_size)
                if fit > best.fit + 1e-3:
                    best, chosen = Reading(unit, backwards, transposed, centre, fit), vertices
    if best.fit < ENOUGH:
        raise InputError(
            f"The cryoSPARC mesh does not fit itself: at best {best.fit:.0%} of its voxels lie in the cells that it "
            "names; make the mesh again."
        )
    return best, chosen + (best.centre - box // 2) * pixel_size


def _share_inside(vertices: np.ndarray, cells: np.ndarray, cell: np.ndarray, points: np.ndarray) -> float:
    empty = np.zeros(0)
    trial = TetMesh(vertices, cells, empty, empty, (), 1, 1.0, empty)
    try:
        matrix = barycentric_matrices(trial)
    except np.linalg.LinAlgError:
        raise InputError("The cryoSPARC mesh has a flat cell (zero volume); make the mesh again.") from None
    return float((barycentric(matrix, cell, points).min(axis=1) >= SLACK).mean())


def _joints(fuses: Any, labels: list[int]) -> tuple[tuple[int, int], ...]:
    """Joints between parts from ``segfuses``: pairs of labels, or text such as "0>1, 1>2"."""
    from .joints import check_tree, parse_joints

    if fuses is None or len(fuses) == 0:
        return ()
    try:
        pairs = parse_joints(fuses) if isinstance(fuses, str) else tuple((int(a), int(b)) for a, b in fuses)
    except (TypeError, ValueError) as error:
        raise InputError(f"The cryoSPARC mesh's segfuses cannot be read as pairs of labels ({error}).") from error
    return tuple((labels.index(a), labels.index(b)) for a, b in check_tree(pairs, tuple(labels)))


def to_cryosparc(
    mesh: TetMesh, mask_soft: np.ndarray, consensus: np.ndarray, unit: str = "angstrom"
) -> dict[str, np.ndarray]:
    """The dictionary of arrays that cryoSPARC keeps for a mesh.

    Parameters
    ----------
    mask_soft, consensus : (N, N, N) [z, y, x] at the mesh's box
    unit : "angstrom" or "voxel", for ``tm_points``; which one a cryoSPARC version uses, ``from_cryosparc`` tells
    """
    scale = {"angstrom": 1.0, "voxel": 1.0 / mesh.pixel_size}[unit]
    part = np.where(mesh.mask, mesh.part[mesh.voxel_cell], -1)
    return {
        "mask": mesh.mask.astype(np.float32),
        "mask_soft": np.asarray(mask_soft, np.float32),
        "map_r": np.asarray(consensus, np.float32),
        "map_r_masked": np.asarray(consensus * mask_soft, np.float32),
        "N": np.array(mesh.box),
        "psize_A": np.array(mesh.pixel_size),
        "tm_points": mesh.vertices * np.float32(scale),
        "tm_cells": mesh.cells,
        "tm_tetraidx_map": mesh.voxel_cell,
        "tm_rweights": mesh.weights,
        "segmask": part,
        "segmask_exp": part,
        "segfuses": np.asarray(mesh.joints, np.int64).reshape(-1, 2),
        "tm_segmask": mesh.part,
        "version": np.array(1),
    }

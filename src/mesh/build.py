"""A mesh from a mask: lattice cells that hold voxels of the mask, cut between parts and fused at their joints."""

from __future__ import annotations

import numpy as np

from ..errors import InputError
from .lattice import cell_corners, cell_keys
from .tetmesh import TetMesh, positively_oriented
from .voxels import voxel_points

DANGLING = 20  # cells; a larger group that hangs by a vertex is a domain of its own


def build_mesh(
    mask: np.ndarray,
    pixel_size: float,
    coarseness: int = 20,
    labels: np.ndarray | None = None,
    joints: tuple[tuple[int, int], ...] = (),
) -> TetMesh:
    """A mesh of regular tetrahedra over a mask, every voxel taken as a little cube; rigidity weights are all 1.

    Parameters
    ----------
    mask : (N, N, N) bool [z, y, x]
    pixel_size : Å per voxel
    coarseness : lattice cubes across the box; a tetrahedron's edges are 1 and 0.87 times box / coarseness long
    labels : (N, N, N) int [z, y, x], part 0..p-1 of every voxel of the mask; None: one part
    joints : pairs (a, b) of parts, b joined to a

    Voxels of joined parts that fall into one lattice cell share it (it goes to the part with more of them); voxels of
    parts that are not joined get a copy of the cell each, so that the parts can slide past one another. A part so small
    that it gets no cell is an ``InputError``.
    """
    mask = np.asarray(mask, bool)
    if not mask.any():
        raise InputError("The mask is empty; lower its threshold, or check that the map has density.")
    box = mask.shape[0]
    spacing = box * pixel_size / coarseness
    points = voxel_points(mask, pixel_size)
    voxel_part = np.zeros(len(points), np.int64) if labels is None else np.asarray(labels)[mask].astype(np.int64)
    sample_key = np.concatenate([cell_keys(points + step, spacing) for step in _steps(pixel_size, spacing)])
    keys, part, sample_cell = _cut(sample_key, np.resize(voxel_part, len(sample_key)), joints)
    _refuse_lost_parts(part, voxel_part)
    voxel_cell = sample_cell[: len(points)]
    corners, cells = _fuse(cell_corners(keys), part, joints)
    corners, cells, part, voxel_cell = _drop_dangling(corners, cells, part, voxel_cell)
    vertices = (corners * (0.5 * spacing)).astype(np.float32)
    carried = np.full(mask.shape, -1, np.int32)
    carried[mask] = voxel_cell
    return TetMesh(
        vertices=vertices,
        cells=positively_oriented(vertices, cells).astype(np.int32),
        weights=np.ones(len(cells), np.float32),
        part=part.astype(np.int32),
        joints=tuple((int(a), int(b)) for a, b in joints),
        box=box,
        pixel_size=float(pixel_size),
        voxel_cell=carried,
    )


def _refuse_lost_parts(part: np.ndarray, voxel_part: np.ndarray) -> None:
    lost = np.setdiff1d(voxel_part, part)
    if len(lost):
        raise InputError(
            f"Part {lost[0]} (counted from 0) has only {int((voxel_part == lost[0]).sum())} voxels, too few to fill a "
            "cell of the mesh; merge it with another part, or make the mesh finer (--coarseness)."
        )


def _steps(pixel_size: float, spacing: float) -> np.ndarray:
    """(s, 3) Å: from a voxel's centre (first) to its corners, and to points so dense that they miss no cell within it.

    The sphere inside a lattice cell has radius 0.177 spacings, so a grid finer than 0.204 spacings has a point in each.
    """
    fine = int(np.ceil(5.0 * pixel_size / spacing)) // 2 * 2 + 1
    along = ((np.arange(fine) + 0.5) / fine - 0.5) * pixel_size
    inner, corners = _grid(along), _grid(np.array([-0.499, 0.499]) * pixel_size)
    return np.concatenate([inner[np.argsort(np.abs(inner).sum(axis=1), kind="stable")], corners])


def _grid(along: np.ndarray) -> np.ndarray:
    return np.stack(np.meshgrid(along, along, along, indexing="ij"), axis=-1).reshape(-1, 3)


def _cut(
    voxel_key: np.ndarray, voxel_part: np.ndarray, joints: tuple[tuple[int, int], ...]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lattice key (c,) and part (c,) of each cell, and the cell (m,) of each voxel."""
    parts = int(voxel_part.max()) + 1
    pairs, voxel_pair, count = np.unique(voxel_key * parts + voxel_part, return_inverse=True, return_counts=True)
    key, owner = pairs // parts, pairs % parts
    owner = _assign_shared_cells(key, owner, count, joints)
    cells, pair_cell = np.unique(key * parts + owner, return_inverse=True)
    return cells // parts, cells % parts, pair_cell.reshape(-1)[voxel_pair.reshape(-1)]


def _assign_shared_cells(
    key: np.ndarray, owner: np.ndarray, count: np.ndarray, joints: tuple[tuple[int, int], ...]
) -> np.ndarray:
    """Owner of each (cell, part) pair once joined parts within one cell agree on whose cell it is."""
    group = _joined_groups(key, owner, joints)
    order = np.lexsort((owner, -count, group))
    leader = order[np.unique(group[order], return_index=True)[1]]
    return owner[leader][group]


def _fuse(corners: np.ndarray, part: np.ndarray, joints: tuple[tuple[int, int], ...]) -> tuple[np.ndarray, np.ndarray]:
    """Lattice positions (v, 3) of the vertices and cells (c, 4): one vertex per place and group of joined parts."""
    places, place = np.unique(corners.reshape(-1, 3), axis=0, return_inverse=True)
    parts = int(part.max()) + 1
    nodes, node = np.unique(place.reshape(-1) * parts + np.repeat(part, 4), return_inverse=True)
    vertex = _joined_groups(nodes // parts, nodes % parts, joints)
    first = np.unique(vertex, return_index=True)[1]
    return places[nodes[first] // parts], vertex[node.reshape(-1)].reshape(-1, 4)


def _drop_dangling(
    corners: np.ndarray, cells: np.ndarray, part: np.ndarray, voxel_cell: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The mesh without small groups of cells that hang on the rest by a vertex or an edge only.

    Such a group turns freely about what holds it, at no cost in rigidity, and would flutter. Its voxels go to the
    nearest cell of the same part. A part is never lost: a group stays if its part has nothing else.
    """
    from scipy.spatial import cKDTree

    firm = ~_dangling(cells)
    firm |= ~np.isin(part, part[firm])
    if firm.all():
        return corners, cells, part, voxel_cell
    centre = corners[cells].mean(axis=1)
    substitute = np.arange(len(cells))
    for label in np.unique(part[~firm]):
        stay, gone = np.flatnonzero(firm & (part == label)), np.flatnonzero(~firm & (part == label))
        substitute[gone] = stay[cKDTree(centre[stay]).query(centre[gone])[1]]
    number = np.cumsum(firm) - 1
    used, vertex = np.unique(cells[firm], return_inverse=True)
    return corners[used], vertex.reshape(-1, 4), part[firm], number[substitute][voxel_cell].astype(voxel_cell.dtype)


def _dangling(cells: np.ndarray) -> np.ndarray:
    """(c,) bool: cells of a small group, connected by faces, that touches a larger one at vertices or edges."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    count = len(cells)
    faces = np.sort(np.concatenate([np.delete(cells, corner, axis=1) for corner in range(4)]), axis=1)
    owner = np.tile(np.arange(count), 4)
    order = np.lexsort(faces.T)
    twin = np.flatnonzero((np.diff(faces[order], axis=0) == 0).all(axis=1))
    pairs = owner[order[twin]], owner[order[twin + 1]]
    by_face = connected_components(coo_matrix((np.ones(len(twin)), pairs), shape=(count, count)), directed=False)[1]
    touching = coo_matrix((np.ones(4 * count), (owner, count + cells.T.ravel())), shape=(count + cells.max() + 1,) * 2)
    piece = connected_components(touching, directed=False)[1][:count]
    size = np.bincount(by_face)[by_face]
    largest = np.zeros(piece.max() + 1, np.int64)
    np.maximum.at(largest, piece, size)
    return size < np.minimum(DANGLING, largest[piece])


def _joined_groups(place: np.ndarray, part: np.ndarray, joints: tuple[tuple[int, int], ...]) -> np.ndarray:
    """(n,) number of the group of each (place, part): parts that meet at one place and are joined form one group.

    ``place`` and ``part`` list distinct pairs sorted by place, then part.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    links = [(np.empty(0, np.int64), np.empty(0, np.int64))]
    for a, b in joints:
        at_a, at_b = np.flatnonzero(part == a), np.flatnonzero(part == b)
        _, in_a, in_b = np.intersect1d(place[at_a], place[at_b], assume_unique=True, return_indices=True)
        links.append((at_a[in_a], at_b[in_b]))
    row, column = (np.concatenate(ends) for ends in zip(*links))
    graph = coo_matrix((np.ones(len(row), np.int8), (row, column)), shape=(len(place), len(place)))
    return connected_components(graph, directed=False)[1]

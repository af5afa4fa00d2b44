"""Parts of a mesh cut into pieces, and the regions that groups of pieces make of them."""

from __future__ import annotations

import numpy as np
import pytest
from chimerax.flexrec.mesh import build_mesh
from chimerax.flexrec.mesh.pieces import LARGEST, SMALLEST, cut_parts
from chimerax.flexrec.mesh.regions import group_regions, whole_parts
from chimerax.flexrec.mesh.shape import vertex_parts
from mesh_shapes import voxel_grid

SIDE, PIXEL = 32, 5.0


def dumbbell():
    """Two balls along x with a thin neck between them, in one part, and their density at the vertices."""
    x, y, z = voxel_grid(SIDE)
    mask = (((np.abs(x) - 8) ** 2 + y**2 + z**2) < 6.2**2) | ((np.abs(x) < 8) & (y**2 + z**2 < 2.5**2))
    mesh = build_mesh(mask, PIXEL, 12, np.where(mask, 0, -1), ())
    return mesh, np.ones(len(mesh.vertices))


def test_pieces_are_all_of_a_part_and_of_like_size():
    mesh, mass = dumbbell()
    pieces = cut_parts(mesh, mass)
    assert np.allclose(pieces.share.sum(axis=1), 1) and (pieces.share >= 0).all()
    assert len(pieces.part) > 1 / LARGEST and (pieces.part == 0).all()
    share = pieces.mass / pieces.mass.sum()
    assert share.min() >= SMALLEST - 1e-9 and share.max() <= 2 * LARGEST
    again = cut_parts(mesh, mass)
    assert np.array_equal(again.share, pieces.share) and again.sides == pieces.sides


def test_the_first_cut_is_through_the_neck():
    mesh, mass = dumbbell()
    pieces = cut_parts(mesh, mass)
    one, other = pieces.sides[:2]
    assert sorted(one + other) == list(range(len(pieces.part)))
    along = [float(np.average(mesh.vertices[:, 0], weights=pieces.share[:, side].sum(axis=1))) for side in (one, other)]
    assert min(along) < -5 * PIXEL and max(along) > 5 * PIXEL
    assert all(set(side) <= set(one) or set(side) <= set(other) for side in pieces.sides)


def test_small_parts_stay_whole_and_none_share_a_piece():
    x, y, z = voxel_grid(SIDE)
    mask = (x**2 / 4 + y**2 + z**2) < 6**2
    labels = np.where(mask, np.clip((x + 12) // 2, 0, 11).astype(int), -1)
    mesh = build_mesh(mask, PIXEL, 12, labels, tuple((part, part + 1) for part in range(11)))
    pieces = cut_parts(mesh, np.ones(len(mesh.vertices)))
    member = vertex_parts(mesh)
    for part, of_part in enumerate(pieces.of_parts):
        assert np.allclose(pieces.share[:, of_part].sum(axis=1), member[:, part])
    assert any(len(of_part) == 1 for of_part in pieces.of_parts)


def test_regions_are_the_parts_and_what_was_cut_off_them():
    mesh, mass = dumbbell()
    pieces = cut_parts(mesh, mass)
    count = len(pieces.part)
    grouped = group_regions(pieces, [[0, 2], [count - 1]])
    assert grouped.regions.names((5,)) == ("5", "5b", "5c") and grouped.fading == {1: 0, 2: 1}
    assert np.allclose(grouped.regions.share.sum(axis=1), 1)
    assert np.allclose(grouped.regions.share[:, 1], pieces.share[:, [0, 2]].sum(axis=1))
    everything = group_regions(pieces, [list(range(count))])
    assert everything.regions.names((5,)) == ("5",) and everything.fading == {0: 0}
    nothing = group_regions(pieces, [])
    assert nothing.fading == {} and np.allclose(nothing.regions.share, whole_parts(vertex_parts(mesh)).share)


@pytest.mark.parametrize(("regions", "last"), [(26, "5z"), (27, "5z2"), (28, "5z3")])
def test_names_do_not_run_out(regions, last):
    parts = whole_parts(np.eye(regions))
    named = type(parts)(parts.share, np.zeros(regions, int)).names((5,))
    assert named[-1] == last and len(set(named)) == regions

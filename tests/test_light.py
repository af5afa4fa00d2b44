"""When the picture is a lighter one during a drag, and the coarser contour, without ChimeraX."""

from __future__ import annotations

import numpy as np
from chimerax.flexrec.mesh import build_mesh
from chimerax.flexrec.mesh.shape import outer_edges, unique_edges
from chimerax.flexrec.scene.moving.coarse_contour import coarser
from chimerax.flexrec.scene.moving.frame_rate import QUICK, SLOW, FrameRate
from chimerax.flexrec.scene.moving.tied_points import TiedPoints
from mesh_shapes import ball
from scipy.spatial import ConvexHull


def after(rate: FrameRate, *pictures: float) -> bool:
    for seconds in pictures:
        rate.add(seconds)
    return rate.light


def test_two_slow_pictures_in_a_row_make_it_light():
    assert not after(FrameRate(), *[0.9 * SLOW] * 50)
    assert not after(FrameRate(), *[10 * SLOW, 0.9 * SLOW] * 20)  # a new shader now and then
    assert after(FrameRate(), 1.1 * SLOW, 1.1 * SLOW)


def test_only_a_quick_full_picture_takes_it_back():
    rate = FrameRate()
    assert after(rate, 1, 1)
    assert after(rate, (SLOW + QUICK) / 2)
    assert after(rate, 1)
    assert not after(rate, 0.9 * QUICK)
    assert not after(rate, 1)  # begins anew
    assert after(rate, 1)


def sphere(count: int = 20_000, radius: float = 50.0) -> tuple[np.ndarray, np.ndarray]:
    """Points on a sphere, evenly, and the triangles between them, which face outwards."""
    height = 1 - 2 * (np.arange(count) + 0.5) / count
    turn = np.pi * (1 + 5**0.5) * np.arange(count)
    across = np.sqrt(1 - height**2)
    points = radius * np.stack([across * np.cos(turn), across * np.sin(turn), height], 1)
    triangles = ConvexHull(points).simplices
    inward = (np.cross(*(points[triangles[:, k]] - points[triangles[:, 0]] for k in (1, 2))) * points[triangles[:, 0]])
    triangles[inward.sum(axis=1) < 0] = triangles[inward.sum(axis=1) < 0][:, ::-1]
    return points, triangles.astype(np.int32)


def test_a_coarser_contour_is_the_same_surface_and_moves_alike():
    points, triangles = sphere()
    rest = np.array([(0, 0, 0), (200, 0, 0), (0, 200, 0), (0, 0, 200)], np.float32) - 70
    weights = np.linalg.solve(np.vstack([rest.T, np.ones(4)]), np.vstack([points.T, np.ones(len(points))])).T
    tied = TiedPoints.to_mesh(points, np.tile(np.arange(4), (len(points), 1)), weights, rest)
    light, faces = coarser(tied, triangles, 4000)
    assert 3000 < len(faces) < 5000 and len(light.points) < len(points) / 8 and faces.max() < len(light.points)
    assert np.abs(np.linalg.norm(light.points, axis=1) - 50).max() < 1.5
    corner = light.points[faces]
    flow = np.einsum("ij,ij->i", corner[:, 0], np.cross(corner[:, 1], corner[:, 2])).sum() / 6
    assert 0.95 < flow / (4 / 3 * np.pi * 50**3) <= 1  # closed, and facing outwards
    stretched = rest * (1, 2, 1) + (5, 0, 0)
    assert np.allclose(light.moved(stretched), light.points * (1, 2, 1) + (5, 0, 0), atol=0.01)
    assert coarser(tied, triangles, len(triangles)) == (tied, triangles)


def test_outer_edges_lie_on_the_outside_of_the_mesh():
    mesh = build_mesh(ball(32, 10), 3.0, 10)
    outer, every = outer_edges(mesh), unique_edges(mesh)
    assert {tuple(pair) for pair in outer} < {tuple(pair) for pair in every}
    count = len(np.unique(outer))
    faces = len(outer) * 2 / 3  # each edge of a closed surface has two triangles
    assert count - len(outer) + faces == 2  # Euler's number of a ball
    inner = np.setdiff1d(np.arange(len(mesh.vertices)), outer)
    assert len(inner) and np.linalg.norm(mesh.vertices[inner], axis=1).max() < 30

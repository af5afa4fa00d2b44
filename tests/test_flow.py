"""The flow: rotations that go all the way round, joints that carry what hangs on them, and latents renamed for free."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from chimerax.flexrec.engine.decoders.flow import flow_network
from chimerax.flexrec.engine.decoders.flow.flow_network import MOTION, Flow, MotionBasis, rotation_from_six
from chimerax.flexrec.mesh import build_mesh
from mesh_shapes import voxel_grid
from scipy.spatial.transform import Rotation
from trained_models import random_flow, two_blobs, two_part_mesh

BASE = torch.tensor([1.0, 0, 0, 0, 1, 0], dtype=torch.float64)


def six_of(rotation: np.ndarray) -> torch.Tensor:
    """The six numbers whose rotation is ``rotation``: its first two columns, less those of the identity."""
    return torch.from_numpy(rotation[:, :2].T.reshape(6).copy()) - BASE


def degrees_between(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    trace = torch.diagonal(a.transpose(-1, -2) @ b, dim1=-2, dim2=-1).sum(-1)
    return torch.rad2deg(torch.arccos(((trace - 1) / 2).clamp(-1, 1)))


def test_six_numbers_are_a_rotation_and_zero_is_the_identity():
    six = torch.randn(200, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    rotation = rotation_from_six(six)
    eye = torch.eye(3, dtype=torch.float64)
    torch.testing.assert_close(rotation @ rotation.transpose(1, 2), eye.expand(200, 3, 3))
    torch.testing.assert_close(torch.linalg.det(rotation), torch.ones(200, dtype=torch.float64))
    assert torch.equal(rotation_from_six(torch.zeros(6, dtype=torch.float64)), eye)
    for wanted in Rotation.random(20, random_state=2).as_matrix():
        torch.testing.assert_close(rotation_from_six(six_of(wanted)), torch.from_numpy(wanted))


def test_a_full_turn_closes_without_a_jump():
    axis = np.array([1.0, 2.0, -0.5]) / np.linalg.norm([1.0, 2.0, -0.5])
    angles = np.linspace(0, 2 * np.pi, 73)
    six = torch.stack([six_of(Rotation.from_rotvec(angle * axis).as_matrix()) for angle in angles])
    assert (six.diff(dim=0).norm(dim=1) < 1.5 * np.radians(5)).all()
    torch.testing.assert_close(six[0], six[-1])
    between = degrees_between(rotation_from_six(six[:-1]), rotation_from_six(six[1:]))
    torch.testing.assert_close(between, torch.full_like(between, 5.0), rtol=1e-3, atol=0)
    assert degrees_between(rotation_from_six(six[0]), rotation_from_six(six[36])) > 179.9


def test_a_flow_at_rest_moves_nothing():
    mesh = two_part_mesh(two_blobs())
    flow = Flow(flow_network.build_motion_basis(mesh, np.ones(len(mesh.vertices)), 8), latent_dims=3)
    moved = flow(torch.randn(4, 3, generator=torch.Generator().manual_seed(3)))
    rest = torch.from_numpy(mesh.vertices).expand(4, -1, -1)
    torch.testing.assert_close(moved, rest, atol=1e-4, rtol=0)


def test_renaming_the_latents_keeps_the_motion():
    flow = random_flow(two_part_mesh(two_blobs()), latent_dims=2)
    generator = torch.Generator().manual_seed(4)
    z, mean = torch.randn(20, 2, generator=generator), torch.tensor([0.7, -1.2])
    scale = torch.tensor([[1.5, 0.3], [-0.2, 0.6]])  # not symmetric: a transpose in the wrong place shows
    before = flow(z).detach()
    assert (before - flow.vertices).norm(dim=2).max() > 2
    flow.reparametrise(mean, scale)
    renamed = (z - mean) @ torch.linalg.inv(scale)
    torch.testing.assert_close(flow(renamed), before, atol=2e-3, rtol=0)
    assert (flow(z) - before).norm(dim=2).max() > 1


def chain() -> tuple[MotionBasis, np.ndarray]:
    """A bar along x in three parts, the third hung on the second, the second on the first; and each vertex's part."""
    x, y, z = voxel_grid(36)
    mask = (np.abs(x) <= 14) & (np.abs(y) <= 3) & (np.abs(z) <= 3)
    labels = np.where(mask, np.digitize(x, [-4, 5]), -1)
    mesh = build_mesh(mask, 2.0, 14, labels, ((0, 1), (1, 2)))
    basis = flow_network.build_motion_basis(mesh, np.ones(len(mesh.vertices)), 4)
    whole = np.where(basis.membership.max(axis=1) > 0.999, basis.membership.argmax(axis=1), -1)
    assert set(whole) == {-1, 0, 1, 2}
    return basis, whole


def turned(flow: Flow, turns: dict[int, np.ndarray]) -> np.ndarray:
    """Vertices with every part of ``turns`` turned by a matrix about its joint."""
    coefficients = torch.zeros(1, flow.modes.shape[1] + MOTION * len(flow.moving))
    for part, rotation in turns.items():
        start = flow.modes.shape[1] + MOTION * flow.moving.index(part)
        coefficients[0, start : start + 6] = (six_of(rotation) * flow.reach[part]).float()
    return flow.place(coefficients)[0].numpy()


def about(points: np.ndarray, rotation: np.ndarray, centre: np.ndarray) -> np.ndarray:
    return (points - centre) @ rotation.T + centre


def test_joints_lie_between_the_parts():
    basis, _ = chain()
    assert tuple(basis.parent) == (-1, 0, 1)
    for part, x in ((1, -9.0), (2, 9.0)):
        assert np.abs(basis.pivot[part] - [x, 0, 0]).max() < 3.5


def test_a_part_turns_about_its_joint_and_carries_what_hangs_on_it():
    basis, part = chain()
    flow, rest = Flow(basis, 1), basis.vertices
    upper = Rotation.from_euler("z", 50, degrees=True).as_matrix()
    lower = Rotation.from_euler("y", -40, degrees=True).as_matrix()
    moved = turned(flow, {1: upper, 2: lower})
    assert np.abs(moved[part == 0] - rest[part == 0]).max() < 1e-4
    assert np.abs(moved[part == 1] - about(rest[part == 1], upper, basis.pivot[1])).max() < 1e-3
    own = about(rest[part == 2], lower, basis.pivot[2])
    assert np.abs(moved[part == 2] - about(own, upper, basis.pivot[1])).max() < 1e-3
    alone = turned(flow, {2: lower})
    assert np.abs(alone[(part == 0) | (part == 1)] - rest[(part == 0) | (part == 1)]).max() < 1e-4


def test_a_slide_goes_along_with_the_parent_part():
    basis, part = chain()
    flow, slide = Flow(basis, 1), np.array([0.0, 3.0, -2.0])
    upper = Rotation.from_euler("x", 90, degrees=True).as_matrix()
    coefficients = torch.zeros(1, flow.modes.shape[1] + MOTION * len(flow.moving))
    first, second = (flow.modes.shape[1] + MOTION * flow.moving.index(p) for p in (1, 2))
    coefficients[0, first : first + 6] = (six_of(upper) * flow.reach[1]).float()
    coefficients[0, second + 6 : second + 9] = torch.from_numpy(slide).float()
    moved = flow.place(coefficients)[0].numpy()
    expected = about(basis.vertices[part == 2] + slide, upper, basis.pivot[1])
    assert np.abs(moved[part == 2] - expected).max() < 1e-3


@pytest.mark.parametrize("dims", [1, 3])
def test_a_linear_flow_is_linear_in_the_latents(dims):
    mesh = build_mesh(two_blobs() != 0, 3.0, 8)
    flow = Flow(flow_network.build_motion_basis(mesh, np.ones(len(mesh.vertices)), 5), dims)
    with torch.no_grad():
        flow.linear.weight.normal_(generator=torch.Generator().manual_seed(5))
    z = torch.randn(6, dims, generator=torch.Generator().manual_seed(6))
    moved = (flow(z) - flow.vertices).detach()
    torch.testing.assert_close((flow(2 * z) - flow.vertices).detach(), 2 * moved, atol=1e-3, rtol=1e-4)
    assert moved.norm(dim=2).max() > 1

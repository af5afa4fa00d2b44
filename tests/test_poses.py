"""Corrections of poses: what they mean, and that their errors are found beside a motion, where there are any."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from chimerax.flexrec.engine.decoders.flow.mode_model import (
    ModeStatistics,
    beyond_poses,
    fit_covariance,
    fit_linear_motion,
    pose_covariance,
    residual_poses,
)
from chimerax.flexrec.engine.decoders.flow.soft_modes import rigid_motions
from chimerax.flexrec.engine.training.pose_corrections import (
    Poses,
    RigidBasis,
    learn_variance,
    rotation_from_vector,
    shift_factor,
    shift_slopes,
    whole_body,
)
from chimerax.flexrec.engine.training.team import Team
from scipy.spatial.transform import Rotation

VERTICES = torch.from_numpy(np.random.default_rng(0).normal(0, 30, (40, 3))).double()


def poses(count=5):
    centre = torch.tensor([3.0, -2.0, 8.0]).double()
    return Poses(torch.zeros(count, 5).double(), torch.tensor([2.0, 1.0]), centre, 25.0)


def views(count, seed=1):
    return torch.from_numpy(Rotation.random(count, random_state=seed).as_matrix())


def test_turns_are_rotations_about_the_centre():
    vector = torch.tensor([[0.1, -0.2, 0.05]]).double()
    np.testing.assert_allclose(rotation_from_vector(vector)[0], Rotation.from_rotvec(vector[0]).as_matrix(), atol=1e-12)
    p, rotation = poses(1), views(1)
    correction = torch.cat([25.0 * vector, torch.tensor([[1.5, -0.5]]).double()], dim=1)
    turned, offset = p.view(rotation, correction)
    seen = (VERTICES @ turned[0].T)[:, :2] + offset[0]
    expected = (rotation_from_vector(vector)[0] @ rotation[0] @ (VERTICES - p.centre).T).T + rotation[0] @ p.centre
    np.testing.assert_allclose(seen, expected[:, :2] + torch.tensor([1.5, -0.5]), atol=1e-10)


def test_a_rigid_motion_is_the_correction_that_its_view_shows():
    p, rotation = poses(4), views(4)
    modes = torch.from_numpy(rigid_motions(VERTICES.numpy())) @ torch.randn(6, 6, dtype=torch.float64)
    basis = RigidBasis(VERTICES, modes, p)
    coefficients = 1e-4 * torch.randn(6, dtype=torch.float64)
    moved = VERTICES + (modes @ coefficients).reshape(-1, 3)
    correction = (basis.corrections(rotation) @ coefficients).reshape(4, 5)
    turned, offset = p.view(rotation, correction)
    seen = (VERTICES @ turned.transpose(1, 2))[..., :2] + offset[:, None]
    away = (moved @ rotation.transpose(1, 2))[..., :2] - seen
    assert away.abs().max() < 1e-3 * (moved - VERTICES).abs().max()


def test_variances_come_back():
    p = poses()
    basis = RigidBasis(VERTICES, torch.from_numpy(rigid_motions(VERTICES.numpy())), p)
    variance = torch.tensor([3.0, 0.7]).double()
    np.testing.assert_allclose(basis.variance(basis.covariance(variance)), variance)


def test_shifts_of_images():
    images = torch.fft.rfft2(torch.randn(2, 16, 16, dtype=torch.float64))
    moved = torch.fft.irfft2(images * shift_factor(torch.tensor([[3.0, 0], [0, -2.0]]).double(), 16), s=(16, 16))
    plain = torch.fft.irfft2(images, s=(16, 16))
    np.testing.assert_allclose(moved[0], plain[0].roll(3, 1), atol=1e-9)
    np.testing.assert_allclose(moved[1], plain[1].roll(-2, 0), atol=1e-9)
    step = torch.tensor([[1e-5, 0.0], [1e-5, 0.0]]).double()  # Å, of pixels of 2 Å
    slope = (images * shift_factor(step / 2.0, 16) - images) / 1e-5
    inside = torch.ones(16, 9, dtype=bool)
    inside[8], inside[:, 8] = False, False
    np.testing.assert_allclose(slope[0][inside], shift_slopes(images, 2.0)[0, 0][inside], rtol=1e-3, atol=1e-4)


def statistics(count, errors, motion, seed=0):
    """Images that say of 9 coefficients, six of them rigid, what a motion and pose errors make of them."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=count)
    true = z[:, None] * motion
    true[:, :6] += rng.normal(0, errors, (count, 6))
    root = rng.normal(0, 1.5, (count, 9, 14))
    curvature = root @ root.transpose(0, 2, 1)
    noise = np.linalg.cholesky(curvature) @ rng.normal(size=(count, 9, 1))
    gradient = (curvature @ true[:, :, None] + noise)[..., 0]
    return ModeStatistics(torch.from_numpy(curvature), torch.from_numpy(gradient)), z, true


MOTION = np.array([0.5, 0, -0.3, 0, 0.4, 0, 1.2, 0.3, 0.0])


def test_errors_of_poses_are_told_from_the_motion_that_moves_the_whole_body_too():
    found, z, true = statistics(3000, 1.0, MOTION)
    mean, covariance = fit_covariance(found)
    errors, leads = pose_covariance(found, covariance)
    np.testing.assert_allclose(errors.diagonal(), 1.0, atol=0.15)
    motion = fit_linear_motion(found, 1, errors=errors)
    direction = motion.directions[0].numpy()
    assert abs(direction @ MOTION) / np.linalg.norm(direction) / np.linalg.norm(MOTION) > 0.97
    assert motion.information[0] > 5 * motion.information[1].clamp(min=0.2)
    left = residual_poses(found, mean, covariance, leads, errors).numpy()
    truth = true[:, :6] - np.outer(z, MOTION[:6])
    assert np.corrcoef(left.ravel(), truth.ravel())[0, 1] > 0.9


def test_poses_that_are_right_have_no_errors():
    found, _, _ = statistics(3000, 0.0, MOTION)
    _, covariance = fit_covariance(found)
    errors, _ = pose_covariance(found, covariance)
    assert (errors.diagonal() * found.curvature.mean(dim=0).diagonal()[:6]).mean() < 0.15


def test_nothing_but_errors_is_no_motion():
    found, _, _ = statistics(3000, 1.5, 0 * MOTION)
    _, covariance = fit_covariance(found)
    errors, _ = pose_covariance(found, covariance)
    with_poses, without = (fit_linear_motion(found, 2, errors=e).gain for e in (errors, None))
    assert with_poses < 0.3 < 3 < without


def test_marginalised_statistics_are_those_of_an_unknown_pose():
    """The posterior of the other coefficients is that of the joint one."""
    found, _, _ = statistics(3, 1.0, MOTION)
    errors = torch.diag(torch.linspace(0.5, 2, 6).double())
    own = beyond_poses(found, errors)
    joint = found.curvature.clone()
    joint[:, :6, :6] += torch.linalg.inv(errors)
    joint += 1e-6 * torch.eye(9)
    expected = torch.linalg.inv(torch.linalg.inv(joint)[:, 6:, 6:])
    np.testing.assert_allclose(own.curvature[:, 6:, 6:], expected, rtol=1e-3)
    with pytest.raises(RuntimeError):
        torch.linalg.cholesky(-own.curvature)


@pytest.mark.parametrize("size", [2.0, 0.5, 0.0])
@pytest.mark.parametrize("prior", [3.0, 0.6])
def test_the_size_of_errors_is_found_at_once_from_any_prior(size, prior):
    """Corrections under a wrong prior, each image saying of its pose what its own noise lets it."""
    rng, count = np.random.default_rng(5), 20_000
    noise = rng.uniform(0.6, 1.4, (count, 5))
    said = rng.normal(0, size, (count, 5)) + rng.normal(0, noise)
    shrink = prior**2 / (prior**2 + noise**2)
    found = Poses(torch.from_numpy(said * shrink), torch.tensor([prior**2, prior**2]).double(), torch.zeros(3), 25.0)
    spread = torch.from_numpy((shrink * noise**2).sum(axis=0))
    strength = learn_variance(found, torch.ones(count).double(), spread, count, Team())
    # images that say less are trusted as much: a few per cent
    np.testing.assert_allclose(found.variance, size**2, rtol=0.25, atol=0.02)
    assert (strength < 0.1) == (size == 0)


def test_a_displacement_is_parted_into_the_whole_body_and_the_rest():
    modes = torch.from_numpy(np.concatenate([rigid_motions(VERTICES.numpy()), np.eye(120)[:, :3]], axis=1))
    coefficients = torch.randn(3, 6, dtype=torch.float64)
    bent = torch.randn(3, 40, 3, dtype=torch.float64)
    whole, left = whole_body(modes, (coefficients @ modes[:, :6].T).reshape(3, 40, 3))
    np.testing.assert_allclose(whole, coefficients, atol=1e-9)
    assert left.abs().max() < 1e-9
    assert (whole_body(modes, bent)[1] @ modes[:, :6]).abs().max() < 1e-8  # nothing rigid is left

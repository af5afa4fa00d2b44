"""Folds of latent space are seen and undone, the motion staying as it was; where there is none, nothing is changed."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from chimerax.flexrec.engine.decoders.decoder import Pass
from chimerax.flexrec.engine.decoders.flow.flow_network import Flow, MotionBasis
from chimerax.flexrec.engine.decoders.flow.flow_state import FlowState
from chimerax.flexrec.engine.decoders.flow.unfold_latents import unfold_latents
from chimerax.flexrec.engine.latents.particle_latents import ParticleLatents
from chimerax.flexrec.engine.training.membership import Membership
from chimerax.flexrec.engine.training.team import Team
from scipy.stats import spearmanr

PARTICLES, VERTICES, SWING = 600, 30, 12.0  # Å, of the mode's own vertices for a latent of one


def motion_basis(dims: int) -> MotionBasis:
    """One part; a mode for each latent, each moving vertices of its own."""
    rng = np.random.default_rng(0)
    modes = np.zeros((3 * VERTICES, dims), np.float32)
    for mode in range(dims):
        modes[3 * 10 * mode : 3 * 10 * (mode + 1), mode] = rng.normal(size=30)
    modes /= np.linalg.norm(modes, axis=0) / VERTICES**0.5
    return MotionBasis(rng.normal(0, 30, (VERTICES, 3)).astype(np.float32), modes, np.ones((VERTICES, 1), np.float32),
                       np.array([-1]), np.array([0]), np.zeros((1, 3), np.float32), np.ones(1, np.float32))  # fmt: skip


def straight(z):
    return z


def turning(z):
    """Stands still beyond one, and runs back a little."""
    return torch.where(z < 1, z, 1 - 0.3 * (z - 1))


def folded(z):
    """Runs back between −0.3 and 0.3."""
    return z - 1.5 * torch.tanh(z / 0.3) * torch.exp(-((z / 0.6) ** 2))


@pytest.fixture(autouse=True)
def mass(monkeypatch):
    """Every vertex with the same density: no map is needed to see a fold."""
    share = torch.full((VERTICES,), 1 / VERTICES)
    module = "chimerax.flexrec.engine.decoders.flow.unfold_latents"
    monkeypatch.setattr(f"{module}.vertex_share", lambda stage, vertices: share)


def motion_along(shape, dims: int = 1, known: float = 100.0) -> tuple[Pass, FlowState, torch.Tensor]:
    """A pass, and a decoder whose flow moves the first mode by ``shape`` of the first latent; the places there."""
    torch.manual_seed(3)
    latents = torch.randn(PARTICLES, dims)
    flow = Flow(motion_basis(dims), dims)
    places = torch.cat([SWING * shape(latents[:, :1]), 0.2 * SWING * latents[:, 1:]], dim=1)
    optimiser = torch.optim.Adam(flow.parameters(), lr=5e-3)
    for _ in range(700):
        optimiser.zero_grad()
        (flow.coefficients(latents) - places).square().mean().backward()
        optimiser.step()
    members = Membership.all(PARTICLES, "cpu")
    precision = (known * torch.eye(dims)).repeat(PARTICLES, 1, 1)
    decoder, points = FlowState(), ParticleLatents(latents, precision)
    decoder.use(flow)
    decoder.agree = lambda trainer, points: None
    trainer = SimpleNamespace(seed=0, membership=members, images=range(PARTICLES), rest=torch.zeros(VERTICES, 3),
                              team=Team(), log=lambda text: None)  # fmt: skip
    with torch.no_grad():
        return Pass(trainer, None, points, 0), decoder, flow.coefficients(latents)[:, 0]


@pytest.mark.parametrize("shape", [turning, folded])
@pytest.mark.parametrize("dims", [1, 2])
def test_a_fold_is_told_by_its_motion(shape, dims):
    now, decoder, place = motion_along(shape, dims)
    before = decoder.flow(now.points.z).detach()
    other = now.points.z[:, 1:].clone()
    assert abs(spearmanr(now.points.z[:, 0], place)[0]) < 0.99
    with torch.no_grad():  # as a sweep calls it
        assert unfold_latents(now, decoder)
    assert abs(spearmanr(now.points.z[:, 0], place)[0]) > 0.999
    for column in range(dims - 1):
        assert abs(spearmanr(now.points.z[:, 1 + column], other[:, column])[0]) > 0.99
    moved = (decoder.flow(now.points.z).detach() - before).square().sum(dim=2).mean().sqrt()
    assert moved < 0.05 * SWING
    assert not unfold_latents(now, decoder)


@pytest.mark.parametrize("dims", [1, 2])
def test_a_motion_without_a_fold_is_left_alone(dims):
    now, decoder, _ = motion_along(straight, dims)
    before = now.points.z.clone()
    assert not unfold_latents(now, decoder)
    assert torch.equal(now.points.z, before)


def test_latents_that_images_do_not_tell_of_are_no_folds():
    now, decoder, _ = motion_along(folded, 1, known=2.0)
    assert not unfold_latents(now, decoder)


def test_a_full_turn_is_no_fold():
    now, decoder, _ = motion_along(straight, 2)
    with torch.no_grad():
        now.points.z = torch.nn.functional.normalize(now.points.z, dim=1) * 2**0.5
    angle = torch.atan2(now.points.z[:, 1:], now.points.z[:, :1])
    now.points.z, now.points.precision = angle / angle.std(), now.points.precision[:, :1, :1]
    around = Flow(motion_basis(2), 1)
    optimiser = torch.optim.Adam(around.parameters(), lr=5e-3)
    for _ in range(700):
        optimiser.zero_grad()
        wanted = SWING * torch.cat([torch.cos(angle), torch.sin(angle)], dim=1)
        (around.coefficients(now.points.z) - wanted).square().mean().backward()
        optimiser.step()
    decoder.flow = around
    assert not unfold_latents(now, decoder)

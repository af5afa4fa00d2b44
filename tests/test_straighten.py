"""Folds of latent space are seen and undone, the motion staying as it was; where there is none, nothing is changed."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from chimerax.flexrec.engine.decoders.flow.flow_network import Flow, Skeleton
from chimerax.flexrec.engine.decoders.flow.flow_state import State
from chimerax.flexrec.engine.decoders.flow.straighten import straighten
from chimerax.flexrec.engine.training.membership import Membership
from chimerax.flexrec.engine.training.pose_corrections import Poses
from chimerax.flexrec.engine.training.team import Team
from scipy.stats import spearmanr

PARTICLES, VERTICES, SWING = 600, 30, 12.0  # Å, of the mode's own vertices for a latent of one


def skeleton(dims: int) -> Skeleton:
    """One part; a mode for each latent, each moving vertices of its own."""
    rng = np.random.default_rng(0)
    modes = np.zeros((3 * VERTICES, dims), np.float32)
    for mode in range(dims):
        modes[3 * 10 * mode : 3 * 10 * (mode + 1), mode] = rng.normal(size=30)
    modes /= np.linalg.norm(modes, axis=0) / VERTICES**0.5
    return Skeleton(rng.normal(0, 30, (VERTICES, 3)).astype(np.float32), modes, np.ones((VERTICES, 1), np.float32),
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
    monkeypatch.setattr("chimerax.flexrec.engine.decoders.flow.straighten.vertex_share", lambda stage, vertices: share)


def motion_along(shape, dims: int = 1, known: float = 100.0) -> tuple[SimpleNamespace, State, torch.Tensor]:
    """A trainer, and a state whose flow moves the first mode by ``shape`` of the first latent; the places there."""
    torch.manual_seed(3)
    latents = torch.randn(PARTICLES, dims)
    flow = Flow(skeleton(dims), dims)
    places = torch.cat([SWING * shape(latents[:, :1]), 0.2 * SWING * latents[:, 1:]], dim=1)
    optimiser = torch.optim.Adam(flow.parameters(), lr=5e-3)
    for _ in range(700):
        optimiser.zero_grad()
        (flow.coefficients(latents) - places).square().mean().backward()
        optimiser.step()
    members = Membership.all(PARTICLES, "cpu")
    precision = (known * torch.eye(dims)).repeat(PARTICLES, 1, 1)
    state = State(flow, torch.optim.Adam(flow.parameters(), lr=1e-3), latents, precision, torch.ones(9),
                  Poses.fixed(PARTICLES, "cpu"), members)  # fmt: skip
    state.agree = lambda team: None
    trainer = SimpleNamespace(seed=0, membership=members, images=range(PARTICLES), rest=torch.zeros(VERTICES, 3),
                              team=Team(), log=lambda text: None)  # fmt: skip
    with torch.no_grad():
        return trainer, state, flow.coefficients(latents)[:, 0]


@pytest.mark.parametrize("shape", [turning, folded])
@pytest.mark.parametrize("dims", [1, 2])
def test_a_fold_is_told_by_its_motion(shape, dims):
    trainer, state, place = motion_along(shape, dims)
    before = state.flow(state.latents).detach()
    other = state.latents[:, 1:].clone()
    assert abs(spearmanr(state.latents[:, 0], place)[0]) < 0.99
    with torch.no_grad():  # as a sweep calls it
        assert straighten(trainer, None, state)
    assert abs(spearmanr(state.latents[:, 0], place)[0]) > 0.999
    for column in range(dims - 1):
        assert abs(spearmanr(state.latents[:, 1 + column], other[:, column])[0]) > 0.99
    moved = (state.flow(state.latents).detach() - before).square().sum(dim=2).mean().sqrt()
    assert moved < 0.05 * SWING
    assert not straighten(trainer, None, state)


@pytest.mark.parametrize("dims", [1, 2])
def test_a_motion_without_a_fold_is_left_alone(dims):
    trainer, state, _ = motion_along(straight, dims)
    before = state.latents.clone()
    assert not straighten(trainer, None, state)
    assert torch.equal(state.latents, before)


def test_latents_that_images_do_not_tell_of_are_no_folds():
    trainer, state, _ = motion_along(folded, 1, known=2.0)
    assert not straighten(trainer, None, state)


def test_a_full_turn_is_no_fold():
    trainer, state, _ = motion_along(straight, 2)
    with torch.no_grad():
        state.latents = torch.nn.functional.normalize(state.latents, dim=1) * 2**0.5
    angle = torch.atan2(state.latents[:, 1:], state.latents[:, :1])
    state.latents, state.precision = angle / angle.std(), state.precision[:, :1, :1]
    around = Flow(skeleton(2), 1)
    optimiser = torch.optim.Adam(around.parameters(), lr=5e-3)
    for _ in range(700):
        optimiser.zero_grad()
        wanted = SWING * torch.cat([torch.cos(angle), torch.sin(angle)], dim=1)
        (around.coefficients(state.latents) - wanted).square().mean().backward()
        optimiser.step()
    state.flow = around
    assert not straighten(trainer, None, state)

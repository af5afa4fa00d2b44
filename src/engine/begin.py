"""The state before the first pass: rigid maps, noise, the flow's basis, and a first guess of latents and motion.

Two closed-form guesses are made and the one that explains the images better by far is taken: a linear motion in the
mesh's soft modes (`begin_modes.py`), which a motion of a few voxels is to first order; and linear components of the
density, which follow a domain however far it goes, and along which the flow is then built state by state
(`begin_components.py`). Latents that are given are taken as those of the components are.
"""

from __future__ import annotations

import numpy as np
import torch

from .begin_components import follow, place_all, read_share
from .begin_modes import MODES, fit_modes, move_linearly
from .begin_poses import find_poses
from .components import PASSES, fit_components
from .find_members import members_at_rest
from .flow import Flow, Skeleton, build_skeleton
from .flow_state import State
from .latents import whitening_transform
from .rigid import rigid_stage
from .schedule import coarsest
from .slices import SliceGrid
from .stage import Stage, vertex_mass
from .train import Trainer

PARTICLES = 10_000
MOST_COMPONENTS = 8
# how much more the components must explain: they have many more numbers to do it with, and where both do well the
# modes tell the motions apart better, a swing being one straight line in displacement and a bow in density
FAR = 3.0


def begin(trainer: Trainer, start: str = "auto", latents: np.ndarray | None = None) -> State:
    """The state before the first pass.

    ``start`` is auto, modes, components, random or latents; for the last, ``latents`` ``(n, k)`` are those to begin
    with.
    """
    torch.manual_seed(trainer.seed)
    rung = coarsest(trainer.images.box, trainer.images.pixel_size)
    stage, maps = rigid_stage(trainer, rung)
    mass = vertex_mass(stage.cloud, stage.density, len(trainer.rest))
    state = _empty_state(trainer, build_skeleton(trainer.mesh, mass, trainer.settings.modes), stage.noise)
    if trainer.settings.find_junk:
        stage, maps = members_at_rest(trainer, rung, stage, maps)
    if trainer.settings.refine_poses:
        stage, maps = find_poses(trainer, rung, stage, maps, state, _sample(trainer))
        if trainer.settings.find_junk:
            stage, maps = members_at_rest(trainer, rung, stage, maps)
    state.noise = stage.noise
    state.maps, state.maps_box = maps, stage.box
    if start == "random":
        _start_random(trainer, state)
    elif start == "latents":
        _start_given(trainer, stage, state, latents)
    else:
        _start_found(trainer, stage, state, start)
    state.agree(trainer.team)
    return state


def _empty_state(trainer: Trainer, skeleton: Skeleton, noise: torch.Tensor) -> State:
    s, device = trainer.settings, trainer.device
    flow = Flow(skeleton, s.latent_dims, s.hidden_units, s.hidden_layers).to(device)
    count, k = len(trainer.images), s.latent_dims
    return State(
        flow=flow,
        optimiser=torch.optim.Adam(flow.parameters(), lr=s.learning_rate),
        latents=torch.zeros(count, k, device=device),
        precision=torch.eye(k, device=device).repeat(count, 1, 1),
        noise=noise,
        poses=trainer.poses,
        membership=trainer.membership,
    )


def _start_random(trainer: Trainer, state: State) -> None:
    state.latents = torch.randn(*state.latents.shape).to(trainer.device)
    with torch.no_grad():
        state.flow.linear.weight[:MODES].normal_(std=0.25)


def _start_given(trainer: Trainer, stage: Stage, state: State, latents: np.ndarray) -> None:
    z = torch.from_numpy(latents.astype(np.float32)).to(trainer.device)
    mean, factor = whitening_transform(z)
    state.latents = torch.linalg.solve(factor.T, (z - mean).T).T.contiguous()
    state.centre = state.latents.clone()
    grid = SliceGrid(stage.weights)
    rows = _sample(trainer)
    samples = read_share(trainer, stage, grid, rows)
    follow(trainer, stage, state, grid, samples, state.latents[rows])


def _start_found(trainer: Trainer, stage: Stage, state: State, start: str) -> None:
    """Soft modes or components: as asked, or whichever explains the images."""
    rows = _sample(trainer)
    motion = None if start == "components" else fit_modes(trainer, stage, state, rows)
    if start != "modes":
        grid = SliceGrid(stage.weights)
        samples = read_share(trainer, stage, grid, rows)
        dims = min(trainer.settings.latent_dims, MOST_COMPONENTS)
        counter = trainer.counter("components", (PASSES + 2) * sum(map(len, samples)))
        components = fit_components(stage, samples, grid, dims, trainer.seed, trainer.team.total, counter)
        modes = "" if motion is None else f"{motion.gain:.2f} along soft modes, "
        trainer.log(
            f"What motion explains, nats per image (of noise alone, a few with few images): {modes}"
            f"{components.gain:.2f} in {dims} component(s) of the density."
        )
        if motion is None or components.gain > FAR * max(motion.gain, 1.0):
            place_all(trainer, stage, state, grid, components)
            follow(trainer, stage, state, grid, samples, state.latents[rows])
            return
    move_linearly(trainer, stage, state, motion)


def _sample(trainer: Trainer) -> np.ndarray:
    """Rows of the particles that the first guess is made from."""
    rng = np.random.default_rng((trainer.seed, 1))
    return np.sort(trainer.membership.members(rng.permutation(len(trainer.images)))[:PARTICLES])

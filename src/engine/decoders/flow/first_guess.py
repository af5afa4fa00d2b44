"""The state before the first pass: rigid maps, noise, the flow's basis, and a first guess of latents and motion.

Two closed-form guesses are made and the one that explains the images better by far is taken: a linear motion in the
mesh's soft modes (`first_guess_modes.py`), which a motion of a few voxels is to first order; and linear components of
the density, which follow a domain however far it goes, and along which the flow is then built state by state
(`first_guess_components.py`). Latents that are given are taken as those of the components are.
"""

from __future__ import annotations

import copy

import numpy as np
import torch

from ...latents.gauss_newton import whitening_transform
from ...projector.central_slices import SliceGrid
from ...training.find_members import members_at_rest, renew_mesh
from ...training.pose_corrections import mass_centre
from ...training.rigid_map import rigid_stage
from ...training.schedule import coarsest
from ...training.stage import Stage, vertex_mass
from ...training.trainer import Trainer
from ..linear.density_components import PASSES, fit_components
from .first_guess_components import Followed, follow, gain_of, place_all, read_share
from .first_guess_modes import MODES, fit_modes, move_linearly
from .first_guess_poses import find_poses
from .flow_network import Flow, Skeleton, build_skeleton
from .flow_state import State
from .mode_model import LinearMotion
from .soft_modes import RIGID_MOTIONS

PARTICLES = 10_000
MOST_COMPONENTS = 8
# how much more the components must explain: they have many more numbers to do it with, and where both do well the
# modes tell the motions apart better, a swing being one straight line in displacement and a bow in density
FAR = 3.0
HELD_OUT = 5  # one image in so many judges the first guess
MOST_APART = 0.5  # share of a component's variance that optics groups may explain
MOST_STRAIN = 0.6  # mean strain of a flow that is still a motion: half of the molecule torn apart is more


def begin(trainer: Trainer, start: str = "auto", latents: np.ndarray | None = None) -> State:
    """The state before the first pass.

    ``start`` is auto, modes, components, random or latents; for the last, ``latents`` ``(n, k)`` are those to begin
    with.
    """
    torch.manual_seed(trainer.seed)
    rung = coarsest(trainer.images.box, trainer.images.pixel_size)
    stage, maps = rigid_stage(trainer, rung)
    if trainer.settings.find_junk:
        before = stage.density
        stage, maps = members_at_rest(trainer, rung, stage, maps)
        if renew_mesh(trainer, stage, before):
            stage, maps = members_at_rest(trainer, rung, *rigid_stage(trainer, rung, stage.noise))
    mass = vertex_mass(stage.cloud, stage.density, len(trainer.rest))
    state = _empty_state(trainer, build_skeleton(trainer.mesh, mass, trainer.settings.modes), stage.noise)
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
        if state.flow.held:
            state.flow.linear.weight[:RIGID_MOTIONS] = 0


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
    """Soft modes or components: as asked, or whichever explains images that neither was fitted to."""
    rows = _sample(trainer)
    apart = hold_out(trainer, rows)
    motion = None if start == "components" else fit_modes(trainer, stage, state, rows, apart)
    if start != "modes" and _start_components(trainer, stage, state, (rows[~apart], rows[apart]), motion):
        return
    move_linearly(trainer, stage, state, motion)


def _start_components(
    trainer: Trainer, stage: Stage, state: State, rows: tuple[np.ndarray, np.ndarray], motion: LinearMotion | None
) -> bool:
    """Begin with components fitted to the first of these rows, unless the motion explains the second as well.

    Whether that was done: a flow along components that is no motion of one molecule is taken back.
    """
    grid, fitted = SliceGrid(stage.weights), rows[0]
    samples, judged = (read_share(trainer, stage, grid, some) for some in rows)
    dims = min(trainer.settings.latent_dims, MOST_COMPONENTS)
    counter = trainer.counter("components", (PASSES + 2) * sum(map(len, samples)) + sum(map(len, judged)))
    components = fit_components(
        stage, samples, grid, dims, trainer.seed, trainer.team.total, counter, trainer.freedom(stage)
    )
    gain = gain_of(grid, judged, components, trainer.team.total, counter)
    modes = "" if motion is None else f"{motion.gain:.2f} along soft modes, "
    trainer.log(f"What motion explains, nats per image that it was not fitted to: {modes}{gain:.2f} in {dims} "
                "component(s) of the density.")  # fmt: skip
    if motion is not None and gain <= FAR * max(motion.gain, 1.0):
        return False
    before, maps = copy.deepcopy(state.flow.state_dict()), state.maps
    place_all(trainer, stage, state, grid, components)
    followed = follow(trainer, stage, state, grid, samples, state.latents[fitted])
    doubt = _doubt(trainer, stage, followed, state.latents[fitted].cpu().numpy(), fitted)
    if motion is None or doubt is None:
        return True
    trainer.log(f"What the components follow is no motion of one molecule: {doubt}. Training begins along soft modes.")
    state.flow.load_state_dict(before)
    state.forget_latents(maps)
    return False


def _doubt(
    trainer: Trainer, stage: Stage, followed: Followed, latents: np.ndarray, rows: np.ndarray
) -> str | None:
    """Why a flow that was followed is not to be believed; None where nothing speaks against it.

    ``latents`` ``(m, k)`` are those of the particles ``rows`` that it was found from.

    How much of the images it explains says nothing yet: through a few states it is a rough one.
    """
    mass = vertex_mass(stage.cloud, stage.density, len(trainer.rest))
    radius = mass_centre(trainer.rest, mass)[1]
    if followed.moved > radius:
        return f"it would move by {followed.moved:.0f} Å on average, the radius of gyration being {radius:.0f} Å"
    if followed.strain > MOST_STRAIN:
        return f"it would be strained by {100 * followed.strain:.0f} %"
    apart = apart_by_group(latents, trainer.images.particles.group[rows])
    if apart > MOST_APART:
        return f"it tells optics groups apart, which are {100 * apart:.0f} % of its variance"
    return None


def apart_by_group(latents: np.ndarray, group: np.ndarray) -> float:
    """Share of the variance of ``latents`` ``(n, k)`` that lies between the groups ``(n,)``, of the worst latent.

    Adjusted for the number of groups, so that it is zero on average where groups are like each other.
    """
    _, number, size = np.unique(group, return_inverse=True, return_counts=True)
    if len(size) in (1, len(group)):
        return 0.0
    mean = np.stack([np.bincount(number, column) for column in latents.T], axis=1) / size[:, None]
    within = ((latents - mean[number]) ** 2).sum(axis=0) / (len(group) - len(size))
    return float((1 - within / np.maximum(latents.var(axis=0, ddof=1), 1e-30)).max())


def hold_out(trainer: Trainer, rows: np.ndarray) -> np.ndarray:
    """Which of ``rows`` ``(m,)`` are not fitted but judge the fit: every fifth image, with all of its copies."""
    _, image = np.unique(trainer.image[rows], return_inverse=True)
    return image.ravel() % HELD_OUT == HELD_OUT - 1


def _sample(trainer: Trainer) -> np.ndarray:
    """Rows of the particles that the first guess is made from."""
    rng = np.random.default_rng((trainer.seed, 1))
    return np.sort(trainer.membership.members(rng.permutation(len(trainer.images)))[:PARTICLES])

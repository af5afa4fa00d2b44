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

from ...latents.particle_latents import ParticleLatents
from ...latents.whitening import whitening_transform
from ...projector.central_slices import SliceGrid
from ...training.find_members import judge_at_rest, renew_mesh
from ...training.pose_corrections import mass_centre
from ...training.rigid_map import rigid_stage
from ...training.schedule import coarsest
from ...training.stage import Stage
from ...training.trainer import Trainer
from ..linear.density_components import PASSES, fit_components
from .first_guess_components import Followed, follow, gain_of, place_all, read_share
from .first_guess_modes import fit_modes, move_linearly
from .first_guess_poses import find_poses
from .flow_state import FlowState
from .mode_model import LinearMotion
from .soft_modes import RIGID_MOTIONS

PARTICLES = 10_000
MOST_COMPONENTS = 8
# how much more the components must explain: they have many more numbers to do it with, and where both do well the
# modes tell the motions apart better, a swing being one straight line in displacement and a bow in density
FAR = 3.0
LEAST = 0.5  # nats per image, of held-out images: what motion explains where there is none is below it
HELD_OUT = 5  # one image in so many judges the first guess
MOST_APART = 0.5  # share of a component's variance that optics groups may explain
MOST_STRAIN = 0.6  # mean strain of a flow that is still a motion: half of the molecule torn apart is more


def guess_flow(trainer: Trainer, decoder: FlowState, points: ParticleLatents, given: np.ndarray | None) -> None:
    """Be as before the first pass; ``given`` ``(n, k)`` are latents to begin with, or None."""
    guess_motion(trainer, guess_rest(trainer, decoder, points), decoder, points, given)


def guess_rest(trainer: Trainer, decoder: FlowState, points: ParticleLatents) -> Stage:
    """The molecule at rest: its maps, the noise, members and poses, and a flow that does not move yet; the stage."""
    torch.manual_seed(trainer.seed)
    settings = decoder.settings
    level = coarsest(trainer.images.box, trainer.images.pixel_size)
    stage, maps = rigid_stage(trainer, level)
    before = stage.density
    stage, maps = judge_at_rest(trainer, level, stage, maps, settings.judged)
    if renew_mesh(trainer, stage, before):
        stage, maps = judge_at_rest(trainer, level, *rigid_stage(trainer, level, stage.noise), settings.judged)
    mass = stage.cloud.vertex_mass(stage.density, len(trainer.rest))
    decoder.build(decoder.motion_basis(trainer.mesh, mass), points.z.shape[1], trainer.device)
    if settings.refine_poses:
        stage, maps = find_poses(trainer, level, stage, maps, decoder, sample(trainer))
        stage, maps = judge_at_rest(trainer, level, stage, maps, settings.judged)
    decoder.noise, decoder.maps, decoder.maps_box = stage.noise, maps, stage.box
    return stage


def guess_motion(
    trainer: Trainer, stage: Stage, decoder: FlowState, points: ParticleLatents, given: np.ndarray | None
) -> None:
    """Find latents and flow, the molecule being at rest at first; ``given`` ``(n, k)`` are latents to begin with."""
    if given is not None:
        _start_given(trainer, stage, decoder, points, given)
    elif decoder.settings.start == "random":
        _start_random(trainer, decoder, points)
    else:
        _start_found(trainer, stage, decoder, points)


def _start_random(trainer: Trainer, decoder: FlowState, points: ParticleLatents) -> None:
    points.z = torch.randn(*points.z.shape).to(trainer.device)
    with torch.no_grad():
        decoder.flow.linear.weight[: decoder.first_modes].normal_(std=0.25)
        if decoder.flow.held:
            decoder.flow.linear.weight[:RIGID_MOTIONS] = 0


def _start_given(
    trainer: Trainer, stage: Stage, decoder: FlowState, points: ParticleLatents, given: np.ndarray
) -> None:
    z = torch.from_numpy(given.astype(np.float32)).to(trainer.device)
    mean, factor = whitening_transform(z)
    points.z = torch.linalg.solve(factor.T, (z - mean).T).T.contiguous()
    points.centre = points.z.clone()
    grid = SliceGrid(stage.weights)
    rows = sample(trainer)
    follow(trainer, stage, decoder, points, grid, read_share(trainer, stage, grid, rows), rows)


def _start_found(trainer: Trainer, stage: Stage, decoder: FlowState, points: ParticleLatents) -> None:
    """Soft modes or components: as asked, or whichever explains images that neither was fitted to."""
    rows, start = sample(trainer), decoder.settings.start
    apart = hold_out(trainer, rows)
    split = rows[~apart], rows[apart]
    if start == "components":
        _start_components(trainer, stage, decoder, points, split, None)
        return
    motion = fit_modes(trainer, stage, decoder, rows, apart)
    if start == "modes" or not _start_components(trainer, stage, decoder, points, split, motion):
        move_linearly(trainer, stage, decoder, points, motion)


def _start_components(
    trainer: Trainer, stage: Stage, decoder: FlowState, points: ParticleLatents,
    rows: tuple[np.ndarray, np.ndarray], motion: LinearMotion | None,
) -> bool:  # fmt: skip
    """Begin with components fitted to the first of these rows, unless the motion explains the second as well.

    Whether that was done: a flow along components that is no motion of one molecule is taken back.
    """
    grid, fitted = SliceGrid(stage.weights), rows[0]
    samples, judged = (read_share(trainer, stage, grid, some) for some in rows)
    dims = min(points.z.shape[1], MOST_COMPONENTS)
    counter = trainer.counter("components", (PASSES + 2) * sum(map(len, samples)) + sum(map(len, judged)))
    components = fit_components(
        stage, samples, grid, dims, trainer.seed, trainer.team.total, counter, trainer.freedom(stage)
    )
    gain = gain_of(grid, judged, components, trainer.team.total, counter)
    modes = "" if motion is None else f"{motion.gain:.2f} along soft modes, "
    trainer.log(f"What motion explains, nats per image that it was not fitted to: {modes}{gain:.2f} in {dims} "
                "component(s) of the density.")  # fmt: skip
    if motion is not None and gain <= FAR * max(motion.gain, LEAST):
        return False
    before, maps = copy.deepcopy(decoder.flow.state_dict()), decoder.maps
    place_all(trainer, stage, points, grid, components)
    followed = follow(trainer, stage, decoder, points, grid, samples, fitted)
    doubt = _doubt(trainer, stage, followed, points.z[fitted].cpu().numpy(), fitted)
    if motion is None or doubt is None:
        return True
    trainer.log(f"What the components follow is no motion of one molecule: {doubt}. Training begins along soft modes.")
    decoder.forget_motion(before, maps)
    points.forget()
    return False


def _doubt(
    trainer: Trainer, stage: Stage, followed: Followed, latents: np.ndarray, rows: np.ndarray
) -> str | None:
    """Why a flow that was followed is not to be believed; None where nothing speaks against it.

    ``latents`` ``(m, k)`` are those of the particles ``rows`` that it was found from.

    How much of the images it explains says nothing yet: through a few states it is a rough one.
    """
    mass = stage.cloud.vertex_mass(stage.density, len(trainer.rest))
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


def sample(trainer: Trainer) -> np.ndarray:
    """Rows ``(m,)``, ascending, of the particles that the first guess is made from: `PARTICLES` at most, at random."""
    rng = np.random.default_rng((trainer.seed, 1))
    return np.sort(trainer.membership.members(rng.permutation(len(trainer.images)))[:PARTICLES])

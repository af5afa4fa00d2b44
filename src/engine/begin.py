"""The state before the first pass: rigid maps, noise, the flow's basis, and a first guess of latents and motion.

Two closed-form guesses are made and the one that explains the images better by far is taken: a linear motion in the
mesh's soft modes (`start.py`), which a motion of a few voxels is to first order; and linear density components
(`components.py`), which follow a domain however far it goes, and from which the flow is then built state by state
(`unroll.py`). Latents that are given are taken as those of the components are.
"""

from __future__ import annotations

import numpy as np
import torch

from ..mesh.tetmesh import TetMesh
from .components import PASSES, Components, Samples, explain, fit_components, read_samples, stream_samples
from .flow import Flow, Skeleton, build_skeleton
from .flow_state import State
from .flow_training import RIGIDITY_START
from .images import pieces
from .latents import gauss_newton, whitening_transform
from .modes import strain_operator
from .rigid import rigid_stage
from .rigidity import rigidity_energy
from .schedule import coarsest
from .slices import SliceGrid
from .stage import Stage, flow_vertices, vertex_mass, vertex_share
from .start import LinearMotion, ModeStatistics, fit_linear_motion, mode_statistics, set_linear
from .train import FIRST_ITERATIONS, Trainer
from .unroll import find_anchors, unroll

MODES = 24  # softest modes in the first guess: rigid motions, hinges, and a few to spare
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
    stage, maps = rigid_stage(trainer, coarsest(trainer.images.box, trainer.images.pixel_size))
    mass = vertex_mass(stage.cloud, stage.density, len(trainer.rest))
    state = _empty_state(trainer, build_skeleton(trainer.mesh, mass, trainer.settings.modes), stage.noise)
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
    samples = _read(trainer, stage, grid, rows)
    _follow(trainer, stage, state, grid, samples, state.latents[rows])


def _start_found(trainer: Trainer, stage: Stage, state: State, start: str) -> None:
    """Soft modes or components: as asked, or whichever explains the images."""
    rows = _sample(trainer)
    motion = None if start == "components" else _fit_modes(trainer, stage, state, rows)
    if start != "modes":
        grid = SliceGrid(stage.weights)
        samples = _read(trainer, stage, grid, rows)
        dims = min(trainer.settings.latent_dims, MOST_COMPONENTS)
        counter = trainer.counter("components", (PASSES + 2) * sum(map(len, samples)))
        components = fit_components(stage, samples, grid, dims, trainer.seed, trainer.team.total, counter)
        modes = "" if motion is None else f"{motion.gain:.2f} along soft modes, "
        trainer.log(
            f"What motion explains, nats per image (of noise alone, a few with few images): {modes}"
            f"{components.gain:.2f} in {dims} component(s) of the density."
        )
        if motion is None or components.gain > FAR * max(motion.gain, 1.0):
            _place_all(trainer, stage, state, grid, components)
            _follow(trainer, stage, state, grid, samples, state.latents[rows])
            return
    _move_linearly(trainer, stage, state, motion)


def _read(trainer: Trainer, stage: Stage, grid: SliceGrid, rows: np.ndarray) -> list[Samples]:
    """This process's share of some images."""
    mine = trainer.team.share(rows)
    return read_samples(stage, grid, mine, trainer.counter("reading", len(mine)))


def _sample(trainer: Trainer) -> np.ndarray:
    """Rows of the particles that the first guess is made from."""
    rng = np.random.default_rng((trainer.seed, 1))
    return np.sort(rng.permutation(len(trainer.images))[:PARTICLES])


# -- a linear motion ----------------------------------------------------------------------------------------------


def _fit_modes(trainer: Trainer, stage: Stage, state: State, rows: np.ndarray) -> LinearMotion:
    modes = min(MODES, state.flow.modes.shape[1])
    statistics = _mode_statistics(trainer, stage, state, rows, modes)
    stiffness = 2 * RIGIDITY_START * trainer.settings.rigidity * softest_energy(trainer.mesh, state.flow, modes)
    motion = fit_linear_motion(statistics, trainer.settings.latent_dims, stiffness=stiffness)
    state.information = motion.information.cpu().numpy()
    found = ", ".join(f"{value:.2g}" for value in motion.information[:6])
    trainer.log(f"Signal over noise of the leading motions (about 1 or less is noise): {found}.")
    return motion


def _mode_statistics(trainer: Trainer, stage: Stage, state: State, rows: np.ndarray, modes: int) -> ModeStatistics:
    """Those of all ``rows``, each member of the team having found its share."""
    mine = trainer.team.share(np.arange(len(rows)))
    counter = trainer.counter("soft modes", len(mine))
    found = mode_statistics(stage, state.flow, rows[mine], modes, 1.0, counter)
    tables = []
    for part in (found.curvature, found.pull):
        table = torch.zeros(len(rows), *part.shape[1:], dtype=part.dtype, device=part.device)
        table[mine] = part
        trainer.team.collect(table, mine)
        tables.append(table)
    return ModeStatistics(*tables)


def _move_linearly(trainer: Trainer, stage: Stage, state: State, motion: LinearMotion) -> None:
    """Make the flow that linear motion, and find every particle's place along it."""
    set_linear(state.flow, motion)
    rows = trainer.team.share(np.arange(len(trainer.images)))
    counter = trainer.counter("latents", len(rows))
    for batch in stage.batches(rows):
        prior = state.prior(batch, trainer.settings.centering)
        moved, state.precision[batch.rows] = gauss_newton(stage, state.flow, batch, prior.centre, prior)
        state.latents[batch.rows] = moved
        counter(len(batch))
    state.collect(trainer.team, rows)
    state.whiten()


def softest_energy(mesh: TetMesh, flow: Flow, modes: int) -> float:
    """Rigidity energy of one unit of an elastic mode; softness scaling makes it the same for all."""
    energy = (np.asarray(strain_operator(mesh) @ flow.modes[:, :modes].cpu().numpy()) ** 2).sum(axis=0)
    return float(energy.max())


# -- components, and the flow along them --------------------------------------------------------------------------


def _place_all(trainer: Trainer, stage: Stage, state: State, grid: SliceGrid, components: Components) -> None:
    """Every particle's latents along the components; dimensions beyond them are drawn from the prior."""
    k = components.latents.shape[1]
    count = len(trainer.images)
    noise = torch.randn(count, trainer.settings.latent_dims - k, generator=torch.Generator().manual_seed(trainer.seed))
    state.latents[:, k:] = noise.to(trainer.device)
    mine = trainer.team.share(np.arange(count))
    counter = trainer.counter("latents", len(mine))
    first = 0
    for samples in stream_samples(stage, grid, pieces(mine, stage.at_once)):
        rows = mine[first : first + len(samples)]
        z, precision, _ = explain(grid, [samples], components.volumes)
        state.latents[rows, :k] = z
        state.precision[rows[:, None, None], np.arange(k)[:, None], np.arange(k)] = precision
        first += len(samples)
        counter(len(samples))
    state.collect(trainer.team, mine)
    state.centre = state.latents.clone()
    state.centre[:, k:] = 0


def _follow(
    trainer: Trainer, stage: Stage, state: State, grid: SliceGrid, samples: list[Samples], latents: torch.Tensor
) -> None:
    """Build the flow along the latents ``(n, k)`` of a sample of the particles, and solve the map anew with it.

    ``samples`` are this process's share of that sample.
    """
    mask = stage.cloud.scatter(torch.ones_like(stage.density))
    anchors = find_anchors(grid, samples, latents, mask, trainer.seed, trainer.team)

    def energy_of(vertices: torch.Tensor) -> torch.Tensor:
        return rigidity_energy(vertices, trainer.cells, trainer.inverse, trainer.weights)

    counter = trainer.counter("states", len(anchors.points))
    share = vertex_share(stage, len(trainer.rest))
    left = unroll(stage, state.flow, anchors, MODES, energy_of, share, counter) if trainer.team.leads else 0.0
    trainer.team.agree([value.data for value in state.flow.parameters()])
    with torch.no_grad():
        vertices = state.flow(anchors.points)
        state.energy = float(energy_of(vertices).mean())
        moved = float(((vertices - trainer.rest).norm(dim=2) @ share).max())
    trainer.log(
        f"Followed the density through {len(anchors.points)} states of latent space: it moves up to {moved:.1f} Å on "
        f"average (the flow is {left:.1f} Å from the states), strain {100 * state.energy ** 0.5:.1f} %."
    )
    state.maps = trainer.solve(stage, flow_vertices(state.flow, state.latents), None, FIRST_ITERATIONS, "map")

"""The first guess of a motion however large: linear components of the density, and a flow built along them.

Components (`density_components.py`) follow a domain however far it goes; the flow is then built state by state
(`register_anchors.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from ...latents.particle_latents import ParticleLatents
from ...projector.central_slices import SliceGrid
from ...training.batches import pieces
from ...training.stage import Stage, vertex_share
from ...training.trainer import FIRST_ITERATIONS, Trainer
from ..linear.density_components import Components, Samples, explain, read_samples, stream_samples
from .flow_state import FlowState
from .latent_anchors import find_anchors
from .register_anchors import register_anchors
from .rigidity import rigidity_energy


@dataclass(frozen=True)
class Followed:
    """How far the flow along components goes: ``moved`` Å, the mean over the molecule's mass in the state that is
    farthest away; ``strain``, its root mean square over all states.
    """

    moved: float
    strain: float


def read_share(trainer: Trainer, stage: Stage, grid: SliceGrid, rows: np.ndarray) -> list[Samples]:
    """The samples of this process's share of the images ``rows`` ``(m,)``."""
    own = trainer.team.share(rows)
    return read_samples(stage, grid, own, trainer.counter("reading", len(own)))


def gain_of(
    grid: SliceGrid, samples: list[Samples], components: Components, total: Callable[[torch.Tensor], torch.Tensor],
    report: Callable[[int], None],
) -> float:  # fmt: skip
    """What components explain of images ``samples``, this process's share of them, nats per image of all."""
    count = sum(map(len, samples))
    gain = explain(grid, samples, components.volumes, report=report)[2] if count else 0.0
    sums = total(torch.tensor([gain * count, count], dtype=torch.float64, device=components.volumes.device))
    return float(sums[0] / sums[1].clamp(min=1))


def place_all(
    trainer: Trainer, stage: Stage, points: ParticleLatents, grid: SliceGrid, components: Components
) -> None:
    """Every particle's latents along the components; dimensions beyond them are drawn from the prior."""
    k = components.latents.shape[1]
    count = len(trainer.images)
    noise = torch.randn(count, trainer.settings.latent_dims - k, generator=torch.Generator().manual_seed(trainer.seed))
    points.z[:, k:] = noise.to(trainer.device)
    own = trainer.team.share(np.arange(count))
    counter = trainer.counter("latents", len(own))
    first = 0
    for samples in stream_samples(stage, grid, pieces(own, stage.at_once)):
        rows = own[first : first + len(samples)]
        z, precision, _ = explain(grid, [samples], components.volumes)
        points.z[rows, :k] = z
        points.precision[rows[:, None, None], np.arange(k)[:, None], np.arange(k)] = precision
        first += len(samples)
        counter(len(samples))
    points.collect(trainer, own)
    points.centre = points.z.clone()
    points.centre[:, k:] = 0


def follow(
    trainer: Trainer, stage: Stage, decoder: FlowState, points: ParticleLatents, grid: SliceGrid,
    samples: list[Samples], rows: np.ndarray,
) -> Followed:  # fmt: skip
    """Build the flow along the latents of the particles ``rows`` ``(m,)``, and solve the map anew with it.

    ``samples`` are this process's share of that sample.
    """
    mask = stage.cloud.scatter(torch.ones_like(stage.density))
    anchors = find_anchors(grid, samples, points.z[rows], mask, trainer.seed, trainer.team)

    def energy_of(vertices: torch.Tensor) -> torch.Tensor:
        return rigidity_energy(vertices, trainer.cells, trainer.inverse, trainer.weights)

    counter = trainer.counter("states", len(anchors.points))
    share = vertex_share(stage, len(trainer.rest))
    left, modes = 0.0, decoder.first_modes
    if trainer.team.leads:
        left = register_anchors(stage, decoder.flow, anchors, modes, energy_of, share, counter)
    trainer.team.agree([value.data for value in decoder.flow.parameters()])
    with torch.no_grad():
        vertices = decoder.flow(anchors.points)
        decoder.energy = float(energy_of(vertices).mean())
        moved = float(((vertices - trainer.rest).norm(dim=2) @ share).max())
    trainer.log(
        f"Followed the density through {len(anchors.points)} states of latent space: it moves up to {moved:.1f} Å on "
        f"average (the flow is {left:.1f} Å from the states), strain {100 * decoder.energy ** 0.5:.1f} %."
    )
    decoder.maps = trainer.solve(stage, decoder.vertices_of(points), None, FIRST_ITERATIONS, "map")
    return Followed(moved, decoder.energy**0.5)

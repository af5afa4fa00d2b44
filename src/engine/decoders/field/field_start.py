"""The state before the first pass: the rigid map, latents, and a network that is taught what is known of the density.

Linear components of the density (`density_components.py`), or those that go along with given latents, are a field
already, though a straight one: a network that imitates it is moved by the images from the first batch on, where an
untrained one says nothing of the latents.
"""

from __future__ import annotations

import math

import numpy as np
import torch

from ...latents.particle_latents import ParticleLatents
from ...latents.whitening import whitening_transform
from ...optimisers import Adam
from ...projector.central_slices import SliceGrid
from ...training.batches import pieces
from ...training.rigid_map import rigid_stage
from ...training.schedule import coarsest
from ...training.stage import Stage
from ...training.trainer import Trainer
from ..flow.first_guess_components import place_all
from ..linear.density_components import (
    PASSES,
    ComponentStep,
    component_prior,
    confined,
    fit_components,
    read_samples,
    stream_samples,
)
from .field_state import FieldState
from .field_transform import amplitude_at, complex_parts, half_space

PARTICLES = 10_000  # that the components are found from
MOST_COMPONENTS = 8
FIT_STEPS, LATENTS, POSITIONS = 1200, 16, 64  # of the network: steps, and latent points and positions in each
RATE_FACTOR = 3.0  # of the rate at which it learns from images, which are noisy
KNOWN = 10.0  # precision of latents that are given, in units of their spread


def start_field(trainer: Trainer, decoder: FieldState, points: ParticleLatents, given: np.ndarray | None) -> None:
    """Be as before the first pass; ``given`` ``(n, k)`` are latents to begin with, or None."""
    level = coarsest(trainer.images.box, trainer.images.pixel_size)
    stage, decoder.maps = rigid_stage(trainer, level)
    decoder.noise, decoder.maps_box = stage.noise, stage.box
    decoder.take_amplitude(stage, level)
    grid = SliceGrid(stage.weights)
    if given is not None:
        volumes = _along_given(trainer, stage, grid, points, given)
    elif decoder.settings.field_start == "random":
        generator = torch.Generator().manual_seed(trainer.seed)
        points.z = torch.randn(points.z.shape, generator=generator).to(trainer.device)
        return
    else:
        volumes = _components(trainer, stage, grid, points)
    if trainer.team.leads:
        left = _fit_network(trainer, decoder, stage, volumes)
        trainer.log(f"The network was taught the components; it leaves {100 * left:.0f} % of their power.")
    trainer.team.agree([value.data for value in decoder.network.parameters()])


def _components(trainer: Trainer, stage: Stage, grid: SliceGrid, points: ParticleLatents) -> torch.Tensor:
    """Linear components of some particles, and the latents of all along them: ``(1 + k, N, N, N)``, the mean first."""
    rng = np.random.default_rng((trainer.seed, 1))
    rows = trainer.team.share(np.sort(trainer.membership.members(rng.permutation(len(trainer.images)))[:PARTICLES]))
    samples = read_samples(stage, grid, rows, trainer.counter("reading", len(rows)))
    dims = min(points.z.shape[1], MOST_COMPONENTS)
    counter = trainer.counter("components", (PASSES + 2) * len(rows))
    components = fit_components(stage, samples, grid, dims, trainer.seed, trainer.team.total, counter,
                                trainer.freedom(stage))  # fmt: skip
    trainer.log(f"First guess: {dims} components explain {components.gain:.2f} nats per image (of noise alone, a few "
                "with few images).")  # fmt: skip
    trainer.team.agree([components.volumes])
    place_all(trainer, stage, points, grid, components)
    points.centre = None  # latents are white: a field is not built along these, and may bend away from them
    return components.volumes


def _along_given(
    trainer: Trainer, stage: Stage, grid: SliceGrid, points: ParticleLatents, given: np.ndarray
) -> torch.Tensor:
    """What goes along with latents that are given: the M step of linear components for them, ``(1 + k, N, N, N)``."""
    z = torch.from_numpy(given.astype(np.float32)).to(trainer.device)
    if not points.frozen:
        mean, factor = whitening_transform(z)
        z = torch.linalg.solve(factor.T, (z - mean).T).T.contiguous()
    points.z = z
    points.precision = KNOWN * torch.eye(z.shape[1], device=z.device).repeat(len(z), 1, 1)
    step, own, first = ComponentStep(grid, z.shape[1], stage.device), trainer.team.share(np.arange(len(z))), 0
    counter = trainer.counter("components", len(own))
    for samples in stream_samples(stage, grid, pieces(own, stage.at_once)):
        rows = torch.from_numpy(own[first : first + len(samples)]).to(z.device)
        step.add(samples, grid.nodes(samples.rotation), z[rows], points.precision[rows])
        first += len(samples)
        counter(len(samples))
    step.sum_over(trainer.team.total)
    mask = stage.cloud.scatter(torch.ones_like(stage.density))
    prior = component_prior(grid, stage.cloud.scatter(stage.density), mask)
    return confined(step.solve(prior), mask, trainer.freedom(stage))


def _fit_network(trainer: Trainer, decoder: FieldState, stage: Stage, volumes: torch.Tensor) -> float:
    """Let the network learn volumes ``(1 + k, N, N, N)`` as mean + Σ zₖ Vₖ; the share of their power that it misses."""
    fit_step = _ComponentsFit(decoder, stage, volumes)
    optimiser = Adam([value for value in decoder.network.parameters() if value.requires_grad])
    generator = torch.Generator().manual_seed(trainer.seed)
    counter, left, power = trainer.counter("first guess", FIT_STEPS), 0.0, 0.0
    for number in range(FIT_STEPS):
        rate = 0.5 * (1 + math.cos(math.pi * number / FIT_STEPS))
        for group in optimiser.param_groups:
            group["lr"] = RATE_FACTOR * (decoder.rates[1] + (decoder.rates[0] - decoder.rates[1]) * rate)
        optimiser.zero_grad()
        missed, all_power = fit_step(generator)
        missed.backward()
        optimiser.step()
        if number >= 0.9 * FIT_STEPS:
            left, power = left + float(missed.detach()), power + float(all_power)
        counter(1)
    return left / max(power, 1e-30)


class _ComponentsFit:
    """Random positions and latents, and what the volumes have there, in units of the rigid map's amplitude."""

    def __init__(self, decoder: FieldState, stage: Stage, volumes: torch.Tensor) -> None:
        self._decoder, self._dims, box = decoder, len(decoder.mean), stage.box
        change = volumes.clone()
        change[0] -= stage.cloud.scatter(stage.density)
        spectra = torch.fft.fftn(torch.fft.ifftshift(change, dim=(1, 2, 3)), dim=(1, 2, 3)).flatten(1)
        k = torch.fft.fftfreq(box, device=stage.device) * box
        grid = torch.meshgrid(k, k, k, indexing="ij")
        places = torch.stack([grid[2], grid[1], grid[0]], dim=-1).reshape(-1, 3)
        radius = places.norm(dim=1)
        plane = decoder.plane(stage)
        used = (radius > 0) & (radius <= torch.hypot(plane.kx, plane.ky).max())
        scale = amplitude_at(decoder.amplitude, radius[used])
        self._places, self._spectra = places[used], spectra[:, used] / scale.clamp(min=1e-12 * scale.max())
        # slices pass through positions as often as one over their radius; what images say goes with power over noise
        self._often = (scale**2 / stage.noise[radius[used].round().long()] / radius[used]).cpu()

    def __call__(self, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean squares of what the network misses, and of all."""
        network, hartley, device = self._decoder.network, self._decoder.hartley, self._places.device
        chosen = torch.multinomial(self._often, LATENTS * POSITIONS, replacement=True, generator=generator)
        chosen = chosen.reshape(LATENTS, POSITIONS).to(device)
        z = torch.randn(LATENTS, self._dims, generator=generator).to(device)
        known = torch.cat([torch.ones_like(z[:, :1]), z[:, : len(self._spectra) - 1]], dim=1)
        wanted = torch.view_as_real(torch.einsum("bk,kbp->bp", known.to(self._spectra), self._spectra[:, chosen]))
        asked, opposite = half_space(self._places[chosen], hartley)
        parts = complex_parts(network(network.encoded(asked), z), opposite, hartley)
        return (parts - wanted).square().mean(), wanted.square().mean()

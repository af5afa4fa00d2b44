"""The linear decoder: V₀ + Σ zₖ Vₖ, learned by expectation–maximisation over all images, from coarse to fine.

The first guess is made from some of the particles at a coarse size (`density_components.py`). Each pass over the
images is one step of expectation–maximisation (Punjani & Fleet 2021); where the box grows the volumes are carried on
by Fourier padding. How much a component may have in each shell follows from what the rigid half-maps agree on, so
detail that the images do not show stays out.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch

from ...latents.gauss_newton import informative_axes, whitening_transform
from ...maps.half_maps import HalfMaps, supported_map
from ...projector.central_slices import MARGIN, SliceGrid
from ...training.batches import split
from ...training.rigid_map import rigid_stage
from ...training.schedule import LEAST_BOX, Rung, coarsest, even
from ...training.stage import Stage, resample_mass
from ...training.trainer import Trainer
from .density_components import (
    PASSES,
    SPARE,
    Components,
    ComponentStep,
    component_prior,
    confined,
    explain,
    fit_components,
    numbers_per_node,
    read_samples,
)
from .density_components import stream_samples as stream

PARTICLES = 10_000  # of the first guess
MOST_NUMBERS = 1 << 28  # that a pass gathers: a gigabyte, and some four at the peak


@dataclass
class LinearState:
    """What training changes, and all that a checkpoint must hold to go on to the same numbers.

    ``volumes`` ``(1 + f, N, N, N)``, the mean and ``f`` components of white latents, the best determined first: those
    wanted and ``SPARE`` more. ``noise`` ``(D // 2 + 1,)``; ``maps`` of the rigid molecule at box ``maps_box``;
    ``epoch`` passes done. ``found``: the wanted ones and the latents, of the last pass; ``information`` ``(f,)``:
    signal over noise of each component in one image.
    """

    volumes: torch.Tensor
    noise: torch.Tensor
    maps: HalfMaps
    maps_box: int
    epoch: int = 0
    found: Components | None = None
    information: np.ndarray = field(default_factory=lambda: np.zeros(0))
    history: list[dict[str, float]] = field(default_factory=list)


def working_box(box: int, pixel_size: float, dims: int, band: float, resolution: float | None) -> int:
    """The finest box for images of ``box`` pixels: for detail of ``resolution`` Å, or all, if memory holds it.

    ``band`` is the highest frequency used, as a fraction of Nyquist.
    """
    wanted = box if resolution is None else 2 * math.ceil(box * pixel_size / (resolution * band))
    most = round((MOST_NUMBERS / numbers_per_node(dims + SPARE)) ** (1 / 3)) - 1 - 2 * MARGIN
    return min(box, max(LEAST_BOX, min(wanted, even(most))))


def begin_linear(trainer: Trainer) -> LinearState:
    """The state before the first pass: components of some particles at a coarse size."""
    finest = trainer.rungs[-1].box
    width = trainer.images.box * trainer.images.pixel_size
    stage, maps = rigid_stage(trainer, coarsest(finest, width / finest))
    grid = SliceGrid(stage.weights)
    rng = np.random.default_rng((trainer.seed, 1))
    rows = trainer.team.share(np.sort(rng.permutation(len(trainer.images))[:PARTICLES]))
    samples = read_samples(stage, grid, rows, trainer.counter("reading", len(rows)))
    counter = trainer.counter("components", (PASSES + 2) * len(rows))
    dims = trainer.settings.latent_dims + SPARE
    found = fit_components(
        stage, samples, grid, dims, trainer.seed, trainer.team.total, counter, trainer.freedom(stage)
    )
    trainer.log(f"First guess: {dims} components explain {found.gain:.2f} nats per image (of noise alone, a few with "
                "few images).")  # fmt: skip
    state = LinearState(found.volumes, stage.noise, maps, stage.box)
    trainer.team.agree([state.volumes, state.noise, *_tensors(maps)])
    return state


def run_linear(trainer: Trainer, state: LinearState, save: Callable[[LinearState, Stage], None]) -> None:
    """All passes that are left, calling ``save`` after each. Raises `Interrupted`."""
    stage = None
    while state.epoch < trainer.epochs:
        rung = trainer.rung_of(state.epoch)
        if stage is None or stage.box != rung.box:
            stage = _enter(trainer, rung, state)
            grid = SliceGrid(stage.weights)
        _pass(trainer, stage, grid, state)
        state.epoch += 1
        save(state, stage)


def _enter(trainer: Trainer, rung: Rung, state: LinearState) -> Stage:
    """The stage of a rung, with the rigid molecule's map; solved anew, and the volumes carried, where the box grows."""
    if state.maps_box == rung.box:
        stage = trainer.stage_of(rung, state.noise)
        return stage.with_density(supported_map(stage.cloud, state.maps))
    stage, state.maps = rigid_stage(trainer, rung, state.noise)
    state.noise, state.maps_box = stage.noise, rung.box
    carried = np.stack([resample_mass(volume, rung.box) for volume in state.volumes.cpu().numpy()])
    state.volumes = torch.from_numpy(carried).to(trainer.device)
    trainer.team.agree([state.noise, *_tensors(state.maps)])
    return stage


def _pass(trainer: Trainer, stage: Stage, grid: SliceGrid, state: LinearState) -> None:
    """Once over the images: latents and volumes; in the last pass once more, for the latents in the last volumes."""
    count = len(trainer.images)
    groups = [trainer.team.share(group) for group in split(np.arange(count), trainer.at_once * trainer.team.size)]
    last = state.epoch + 1 == trainer.epochs
    began, done = time.perf_counter(), 0

    def report(more: int) -> None:
        nonlocal done
        done += more * trainer.team.size
        trainer.heed()
        speed = done / (time.perf_counter() - began)
        so_far = state.epoch * count + min(done, (1 + last) * count)
        epoch = round(min(so_far / count, trainer.epochs), 4)
        trainer.tell(so_far, (trainer.epochs + 1) * count, stage=f"{stage.box} pixels", epoch=epoch,
                     images_per_second=round(speed, 1))  # fmt: skip

    mask = stage.cloud.scatter(torch.ones_like(stage.density))
    step = ComponentStep(grid, len(state.volumes) - 1, stage.device)
    found = _explain(trainer, stage, grid, state.volumes, groups, step, report)
    speed = count / (time.perf_counter() - began)
    step.sum_over(trainer.team.total)
    prior = component_prior(grid, stage.cloud.scatter(stage.density), mask)
    volumes = confined(step.solve(prior), mask, trainer.freedom(stage))
    found = settled(Components(volumes, found.latents, found.precision, found.gain))
    if last:
        found = settled(_explain(trainer, stage, grid, found.volumes, groups, None, report))
    state.volumes = found.volumes
    trainer.team.agree([state.volumes])
    state.information = (found.precision.diagonal(dim1=1, dim2=2).mean(dim=0) - 1).cpu().numpy()
    state.found = leading(found, trainer.settings.latent_dims)
    sizes = state.found.volumes.flatten(1).norm(dim=1)
    state.history.append({"epoch": state.epoch + 1, "box": stage.box, "images_per_second": speed, "gain": found.gain,
                          "variation": float(sizes[1:].norm() / sizes[0])})  # fmt: skip


def _explain(
    trainer: Trainer, stage: Stage, grid: SliceGrid, volumes: torch.Tensor, groups: list[np.ndarray],
    step: ComponentStep | None, report: Callable[[int], None],
) -> Components:  # fmt: skip
    """The latents of all particles, each member of the team having found those of its share."""
    z, precision, gain = explain(grid, stream(stage, grid, groups), volumes, step, report)
    rows, count = np.concatenate(groups), len(trainer.images)
    tables = [torch.zeros(count, *part.shape[1:], device=part.device) for part in (z, precision)]
    for table, part in zip(tables, (z, precision), strict=True):
        table[rows] = part
        trainer.team.collect(table, rows)
    gain = float(trainer.team.total(torch.tensor([gain * len(rows)], device=z.device))) / count
    return Components(volumes, *tables, gain)


def settled(found: Components) -> Components:
    """The same model for latents of zero mean and unit covariance, the best determined first."""
    mean, factor = whitening_transform(found.latents, found.precision)
    axes = informative_axes(factor @ found.precision @ factor.T)
    factor = axes.T @ factor  # z = z' @ factor + mean
    middle = found.volumes[:1] + torch.einsum("k,kzyx->zyx", mean, found.volumes[1:])
    volumes = torch.cat([middle, torch.einsum("jk,kzyx->jzyx", factor, found.volumes[1:])])
    latents = torch.linalg.solve(factor.T, (found.latents - mean).T).T.contiguous()
    return Components(volumes, latents, factor @ found.precision @ factor.T, found.gain)


def leading(found: Components, dims: int) -> Components:
    """The first ``dims`` components alone; the precision is that of the others being unknown."""
    covariance = torch.linalg.inv(found.precision)[:, :dims, :dims]
    return Components(found.volumes[: 1 + dims], found.latents[:, :dims], torch.linalg.inv(covariance), found.gain)


def _tensors(maps: HalfMaps) -> tuple[torch.Tensor, ...]:
    return maps.first, maps.second, maps.fsc

"""Learning the motion: latents, flow and canonical map, each by the method that suits it.

Three unknowns, three solvers, in turn. The latents of a batch take a Gauss–Newton step (`gauss_newton.py`); then the
flow takes a stochastic gradient step of the images' misfit plus rigidity (`flow_step.py`); after each pass the map
is solved by conjugate gradients with the motion held fixed, one half of the particles at a time, and what the
halves agree on is what the next pass sees (`half_maps.py`). Now and then the latents are looked for everywhere
(`sweep.py`). The first guess is in `first_guess.py`, and box sizes go from coarse to fine (`schedule.py`).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import numpy as np

from ...latents.sweep import polish, sweep
from ...maps.half_maps import HalfMaps, supported_map
from ...maps.noise_power import measure_noise
from ...training.batches import split
from ...training.find_members import take_members
from ...training.schedule import Rung
from ...training.stage import Stage, carry_density, flow_vertices
from ...training.trainer import FIRST_ITERATIONS, SOLVE_PARTICLES, Settings, Trainer
from .flow_state import State
from .flow_step import FlowStep
from .pose_gauge import settle_poses

SOLVE_ITERATIONS, LAST_ITERATIONS = 2, 8  # of conjugate gradients, after a pass and after the last
RIGIDITY_START, RIGIDITY_RANGE = 200.0, (50.0, 2000.0)  # nats per unit of mean squared strain


def run_flow(trainer: Trainer, state: State, save: Callable[[State, Stage], None]) -> None:
    """All passes that are left, calling ``save`` after each. Raises `Interrupted`."""
    stage = None
    while state.epoch < trainer.epochs:
        rung = trainer.rung_of(state.epoch)
        if stage is None or stage.box != rung.box:
            stage = _enter(trainer, rung, state)
        _pass(trainer, stage, state)
        last = state.epoch + 1 == trainer.epochs
        if _sweeps(trainer, rung, state):
            sweep(trainer, stage, state)
        count = None if last else SOLVE_PARTICLES
        iterations = LAST_ITERATIONS if last else SOLVE_ITERATIONS
        if last and not trainer.settings.freeze_latents:
            polish(trainer, stage, state)
        state.maps = trainer.solve(
            stage, flow_vertices(state.flow, state.latents), state.maps, iterations, "map", count
        )
        state.maps_box = stage.box
        stage = stage.with_density(supported_map(stage.cloud, state.maps))
        state.epoch += 1
        save(state, stage)


def _enter(trainer: Trainer, rung: Rung, state: State) -> Stage:
    """The stage of a rung, with the map carried over, or solved anew where the box has grown."""
    stage = trainer.stage_of(rung, state.noise)
    if state.maps_box == rung.box:
        return stage.with_density(supported_map(stage.cloud, state.maps))
    old = trainer.stage_of(Rung(state.maps_box, 1, 0.9), state.noise).cloud
    halves = [carry_density(half, old, stage.cloud) for half in (state.maps.first, state.maps.second)]
    carried = HalfMaps(*halves, state.maps.fsc)
    vertices_of = flow_vertices(state.flow, state.latents)
    state.maps = trainer.solve(stage, vertices_of, carried, FIRST_ITERATIONS, "map", SOLVE_PARTICLES)
    state.maps_box = rung.box
    stage = stage.with_density(supported_map(stage.cloud, state.maps))
    state.noise = measure_noise(trainer, stage, vertices_of)
    trainer.log(f"Now at {rung.box} pixels: {len(stage.cloud)} voxels.")
    return stage.with_noise(state.noise, rung.band)


def _pass(trainer: Trainer, stage: Stage, state: State) -> None:
    """Once over the images: latents and flow."""
    rng = np.random.default_rng((trainer.seed, 2, state.epoch))
    order, began, done = rng.permutation(len(trainer.images)), time.perf_counter(), 0
    weight = _rigidity_weight(trainer.settings, state.energy)
    sums = np.zeros(4)
    groups = split(order, trainer.settings.batch_size)
    step = FlowStep(trainer, stage, state, weight, groups, trainer.seed * 1_000_003 + state.epoch)
    steps = iter(step)
    for group in groups:
        _set_learning_rate(trainer, state, done / len(order))
        sums += len(group) * next(steps)
        done += len(group)
        speed = done / (time.perf_counter() - began)
        means = dict(zip(("misfit", "rigid_misfit", "energy", "amplitude"), sums / done, strict=True))
        trainer.tell(state.epoch * len(order) + done, trainer.epochs * len(order), stage=f"{stage.box} pixels",
                     epoch=round(state.epoch + done / len(order), 4), images_per_second=round(speed, 1),
                     **{k: float(f"{v:.6g}") for k, v in means.items()})  # fmt: skip
    rows = np.concatenate([trainer.team.share(group) for group in groups])
    state.collect(trainer.team, rows)
    if trainer.settings.find_junk:
        trainer.team.collect(step.resemblance, rows)
        take_members(trainer, step.resemblance)
    settle_poses(trainer, state, step.spread, step.seen)
    state.energy = means["energy"]
    state.history.append(
        {"epoch": state.epoch + 1, "box": stage.box, "weight": weight, "images_per_second": speed, **means}
    )
    if not trainer.settings.freeze_latents:
        state.whiten()


def _sweeps(trainer: Trainer, rung: Rung, state: State) -> bool:
    """Whether latents are looked for everywhere after a pass: at the coarse sizes, where that is cheap."""
    coarse, epoch = rung is not trainer.rungs[-1] or len(trainer.rungs) == 1, state.epoch
    return coarse and 1 <= epoch < trainer.epochs - 1 and not trainer.settings.freeze_latents


def _rigidity_weight(settings: Settings, energy: float) -> float:
    """Weight of the rigidity prior, nats per unit of mean squared strain.

    A prior exp(−w E) on a motion of k degrees of freedom is most likely at w = k / 2E; a quarter of that lets
    the images lead. E is what the last pass found, within bounds that keep a first bad guess from running away.
    """
    base = RIGIDITY_START
    if math.isfinite(energy):
        base = min(max(settings.latent_dims / (8 * max(energy, 1e-12)), RIGIDITY_RANGE[0]), RIGIDITY_RANGE[1])
    return base * settings.rigidity


def _set_learning_rate(trainer: Trainer, state: State, part: float) -> None:
    """Cosine from the first rate to the last over the whole training."""
    s, fraction = trainer.settings, (state.epoch + part) / trainer.epochs
    rate = s.final_learning_rate + (s.learning_rate - s.final_learning_rate) * 0.5 * (1 + math.cos(math.pi * fraction))
    for group in state.optimiser.param_groups:
        group["lr"] = rate

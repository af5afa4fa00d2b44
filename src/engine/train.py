"""Learning the motion: latents, flow and canonical map, each by the method that suits it.

Three unknowns, three solvers, in turn. The latents of a batch take a Gauss–Newton step (`latents.py`); then the
flow takes a stochastic gradient step of the images' misfit plus rigidity (`rigidity.py`); after each pass the map
is solved by conjugate gradients with the motion held fixed, one half of the particles at a time, and what the
halves agree on is what the next pass sees (`halves.py`). The first guess is in `begin.py`, and box sizes go from
coarse to fine (`schedule.py`).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from ..mesh.shape import edge_inverse
from ..mesh.tetmesh import TetMesh
from .density import LeastSquares
from .flow import Flow
from .flow_step import FlowStep
from .halves import HalfMaps, solve_halves, supported_map
from .images import Batch, ParticleImages, split
from .latents import Prior, gauss_newton, informative_axes, reassign, whitening_transform
from .modes import rigidity_weights
from .schedule import Rung
from .stage import Stage, carry_density, flow_vertices, make_stage
from .team import Team

SOLVE_PARTICLES = 40_000  # enough for the map that the next pass needs; the last solution takes all
SOLVE_ITERATIONS, FIRST_ITERATIONS, LAST_ITERATIONS = 3, 5, 8
NOISE_PARTICLES = 1_000
ANCHORS_PER_DIM, MOST_ANCHORS = 16, 48  # points tried for every particle, to leave folds and wrong ends
HOLD = 4.0  # how much more tightly latents are held to given places than white ones to zero
RIGIDITY_START, RIGIDITY_RANGE = 200.0, (50.0, 2000.0)  # nats per unit of mean squared strain


class Interrupted(Exception):
    """Somebody asked to stop; the newest checkpoint is the state to resume from."""


@dataclass(frozen=True)
class Settings:
    """How to train. Lengths in Å, latents in units of their own standard deviation.

    ``rigidity`` multiplies the calibrated weight of the prior; ``centering`` that of the N(0, 1) prior on the latents;
    ``latent_noise`` scales the noise that the flow sees added to them, 1 being each particle's own uncertainty.
    ``images_at_once`` of a batch are held in memory; all of them when 0.
    """

    latent_dims: int = 2
    hidden_units: int = 64
    hidden_layers: int = 3
    modes: int = 96
    rigidity: float = 1.0
    latent_noise: float = 1.0
    centering: float = 1.0
    learning_rate: float = 1e-3
    final_learning_rate: float = 5e-5
    freeze_latents: bool = False
    batch_size: int = 64
    images_at_once: int = 0
    backend: str = "auto"


@dataclass
class State:
    """What training changes, and all that a checkpoint must hold to go on to the same numbers.

    ``latents`` ``(n, k)``, white; ``precision`` ``(n, k, k)`` of their posterior; ``epoch`` passes done; ``noise``
    ``(D // 2 + 1,)``; ``energy`` mean rigidity energy of the last pass; ``maps`` on the cloud of box ``maps_box``.
    ``centre`` ``(n, k)``, where the first guess had the latents, if the flow was built along it; else None.
    """

    flow: Flow
    optimiser: torch.optim.Adam
    latents: torch.Tensor
    precision: torch.Tensor
    noise: torch.Tensor
    centre: torch.Tensor | None = None
    epoch: int = 0
    energy: float = math.nan
    maps: HalfMaps | None = None
    maps_box: int = 0
    information: np.ndarray = field(default_factory=lambda: np.zeros(0))
    history: list[dict[str, float]] = field(default_factory=list)


class Trainer:
    """Trains one flow model; everything that does not change while it does."""

    def __init__(
        self,
        images: ParticleImages,
        mesh: TetMesh,
        settings: Settings,
        rungs: tuple[Rung, ...],
        seed: int = 0,
        device: str = "cpu",
        log: Callable[[str], None] = print,
        progress: Callable[..., None] = lambda step, total, **values: None,
        stop: Callable[[], bool] = lambda: False,
        team: Team | None = None,
    ) -> None:
        """``progress(step, total, stage=…, **values)`` is called after each batch; ``stop()`` is asked as often.

        The members of a ``team`` are given the same arguments; the leader's ``stop`` counts.
        """
        self.team = team or Team()
        self.images, self.mesh, self.settings, self.rungs = images, mesh, settings, rungs
        self.seed, self.device, self.log, self.progress, self.stop = seed, device, log, progress, stop
        self.epochs = sum(rung.epochs for rung in rungs)
        self.rest = torch.from_numpy(mesh.vertices.astype(np.float32)).to(device)
        self.cells = torch.from_numpy(mesh.cells.astype(np.int64)).to(device)
        self.inverse = torch.from_numpy(edge_inverse(mesh).astype(np.float32)).to(device)
        self.weights = torch.from_numpy(rigidity_weights(mesh).astype(np.float32)).to(device)
        self.halves = split_halves(images.particles.half, seed)
        self.told = False  # whether the team has been told to stop
        self.at_once = settings.images_at_once or len(split(np.arange(len(images)), settings.batch_size)[0])

    # -- one pass -------------------------------------------------------------------------------------------------

    def run(self, state: State, save: Callable[[State, Stage], None]) -> Stage:
        """All passes that are left, calling ``save`` after each; returns the last stage. Raises `Interrupted`."""
        stage = None
        while state.epoch < self.epochs:
            rung = self.rung_of(state.epoch)
            if stage is None or stage.box != rung.box:
                stage = self._enter(rung, state)
            self._pass(stage, state)
            last = state.epoch + 1 == self.epochs
            if self._sweeps(rung, state.epoch):
                self._sweep(stage, state)
            count = None if last else SOLVE_PARTICLES
            iterations = LAST_ITERATIONS if last else SOLVE_ITERATIONS
            if last and not self.settings.freeze_latents:
                self._polish(stage, state)
            state.maps = self.solve(
                stage, flow_vertices(state.flow, state.latents), state.maps, iterations, "map", count
            )
            state.maps_box = stage.box
            stage = stage.with_density(supported_map(stage.cloud, state.maps))
            state.epoch += 1
            save(state, stage)
        return stage if stage is not None else self._enter(self.rungs[-1], state)

    def rung_of(self, epoch: int) -> Rung:
        """The rung that pass number ``epoch`` (from 0) belongs to."""
        for rung in self.rungs:
            if epoch < rung.epochs:
                return rung
            epoch -= rung.epochs
        return self.rungs[-1]

    def _enter(self, rung: Rung, state: State) -> Stage:
        """The stage of a rung, with the map carried over, or solved anew where the box has grown."""
        stage = self.stage_of(rung, state.noise)
        if state.maps_box == rung.box:
            return stage.with_density(supported_map(stage.cloud, state.maps))
        old = self.stage_of(Rung(state.maps_box, 1, 0.9), state.noise).cloud
        halves = [carry_density(half, old, stage.cloud) for half in (state.maps.first, state.maps.second)]
        carried = HalfMaps(*halves, state.maps.fsc)
        vertices_of = flow_vertices(state.flow, state.latents)
        state.maps = self.solve(stage, vertices_of, carried, FIRST_ITERATIONS, "map", SOLVE_PARTICLES)
        state.maps_box = rung.box
        stage = stage.with_density(supported_map(stage.cloud, state.maps))
        state.noise = self.measure_noise(stage, vertices_of)
        self.log(f"Now at {rung.box} pixels: {len(stage.cloud)} voxels.")
        return stage.with_noise(state.noise, rung.band)

    def _pass(self, stage: Stage, state: State) -> None:
        """Once over the images: latents and flow."""
        rng = np.random.default_rng((self.seed, 2, state.epoch))
        order, began, done = rng.permutation(len(self.images)), time.perf_counter(), 0
        weight = self._rigidity_weight(state.energy)
        sums = np.zeros(4)
        groups = split(order, self.settings.batch_size)
        steps = iter(FlowStep(self, stage, state, weight, groups, self.seed * 1_000_003 + state.epoch))
        for group in groups:
            self._set_learning_rate(state, done / len(order))
            sums += len(group) * next(steps)
            done += len(group)
            speed = done / (time.perf_counter() - began)
            means = dict(zip(("misfit", "rigid_misfit", "energy", "amplitude"), sums / done, strict=True))
            self.tell(state.epoch * len(order) + done, self.epochs * len(order), stage=f"{stage.box} pixels",
                       epoch=round(state.epoch + done / len(order), 4), images_per_second=round(speed, 1),
                       **{k: float(f"{v:.6g}") for k, v in means.items()})  # fmt: skip
        self.collect(state, np.concatenate([self.team.share(group) for group in groups]))
        state.energy = means["energy"]
        state.history.append(
            {"epoch": state.epoch + 1, "box": stage.box, "weight": weight, "images_per_second": speed, **means}
        )
        self.whiten(state)

    def agree(self, state: State) -> None:
        """Make the team's states equal to the last bit: the leader's."""
        maps = (state.maps.first, state.maps.second, state.maps.fsc)
        centre = () if state.centre is None else (state.centre,)
        parameters = (value.data for value in state.flow.parameters())
        self.team.agree([state.latents, state.precision, state.noise, *maps, *centre, *parameters])

    def collect(self, state: State, rows: np.ndarray) -> None:
        """Learn the latents that the others have found, this process having seen to ``rows``."""
        self.team.collect(state.latents, rows)
        self.team.collect(state.precision, rows)

    def _sweeps(self, rung: Rung, epoch: int) -> bool:
        """Whether latents are looked for everywhere after a pass: at the coarse sizes, where that is cheap."""
        coarse = rung is not self.rungs[-1] or len(self.rungs) == 1
        return coarse and 1 <= epoch < self.epochs - 1 and not self.settings.freeze_latents

    def _sweep(self, stage: Stage, state: State) -> None:
        """Let every particle jump to one of some anchors drawn from the particles, then settle there."""
        rng = np.random.default_rng((self.seed, 5, state.epoch))
        k, count = self.settings.latent_dims, len(self.images)
        anchors = state.latents[np.sort(rng.permutation(count)[: min(MOST_ANCHORS, ANCHORS_PER_DIM * k)])]
        rows = self.team.share(np.arange(count))
        counter, moved = self.counter("sweep", len(rows)), torch.zeros(1, device=self.device)
        for batch in stage.batches(rows):
            before, prior = state.latents[batch.rows], self.prior(state, batch)
            z = reassign(stage, state.flow, batch, before, anchors, prior)
            z, state.precision[batch.rows] = gauss_newton(stage, state.flow, batch, z, prior)
            state.latents[batch.rows] = z
            moved += ((z - before).norm(dim=1) > 1).sum()
            counter(len(batch))
        self.collect(state, rows)
        far = 100 * float(self.team.total(moved)) / count
        self.log(f"Looked everywhere for better latents: {far:.1f} % of the particles moved far.")
        self.whiten(state)

    def _polish(self, stage: Stage, state: State) -> None:
        """Two more Gauss–Newton steps of every particle: the last pass moved the flow while it placed them."""
        rows = self.team.share(np.arange(len(self.images)))
        counter = self.counter("latents", len(rows))
        for batch in stage.batches(rows):
            z, prior = state.latents[batch.rows], self.prior(state, batch)
            for _ in range(2):
                z, state.precision[batch.rows] = gauss_newton(stage, state.flow, batch, z, prior)
            state.latents[batch.rows] = z
            counter(len(batch))
        self.collect(state, rows)
        self.whiten(state)
        self._align(state)

    # -- pieces ---------------------------------------------------------------------------------------------------

    def stage_of(self, rung: Rung, noise: torch.Tensor) -> Stage:
        """The stage of a rung, its map still empty."""
        s = self.settings
        return make_stage(self.images, self.mesh, rung.box, noise, rung.band, self.device, self.at_once, s.backend)

    def prior(self, state: State, batch: Batch) -> Prior:
        """Where a batch's latents belong if their images do not say.

        About zero, latents being white. But where the flow was built along given latents, about those: a turn is
        told by the direction of z alone, and a pull towards zero would draw its circle together and fold it.
        """
        strength = self.settings.centering
        if state.centre is None:
            return Prior(torch.zeros(len(batch), self.settings.latent_dims, device=self.device), strength)
        return Prior(state.centre[batch.rows], HOLD * strength)

    def solve(
        self,
        stage: Stage,
        vertices_of,
        start: HalfMaps | None,
        iterations: int,
        name: str,
        count: int | None = SOLVE_PARTICLES,
    ) -> HalfMaps:
        """Half-maps at a stage, from at most ``count`` particles (all when None)."""
        halves = self.halves if count is None else tuple(thin(half, count // 2) for half in self.halves)
        passes = iterations + (1 if start is None else 2)
        counter = self.counter(name, passes * sum(len(self.team.share(half)) for half in halves))

        def problem_of(rows: np.ndarray) -> LeastSquares:
            problem = stage.least_squares(self.team.share(rows), vertices_of)
            return replace(problem.counted(counter), total=self.team.total)

        return solve_halves(problem_of, halves, start, iterations)

    def counter(self, name: str, total: int) -> Callable[[int], None]:
        """A function to be told how many more images are done, for the progress line."""
        done = 0

        def count(more: int) -> None:
            nonlocal done
            done += more
            self.tell(min(done, total), total, stage=name)

        return count

    def tell(self, step: int, total: int, **values: object) -> None:
        """Say how far the work is. Raises `Interrupted` where somebody asked to stop."""
        self.progress(step, total, **values)
        # a member that left by itself would leave the others waiting: the team agrees in each batch of a pass
        if self.told if self.team.size > 1 else self.stop():
            raise Interrupted

    def heed(self) -> None:
        """Let the whole team hear the leader's wish to stop; every member calls it at the same point of its work."""
        if self.team.size > 1:
            wish = torch.tensor([float(self.team.leads and self.stop())], device=self.device)
            self.told = bool(self.team.total(wish) > 0)

    def measure_noise(self, stage: Stage, vertices_of) -> torch.Tensor:
        """Mean squared residual by shell, from a sample; shells beyond the stage's box keep their value."""
        rng = np.random.default_rng((self.seed, 3))
        rows = np.sort(rng.permutation(len(self.images))[:NOISE_PARTICLES])
        power = torch.zeros(stage.box // 2 + 1, device=self.device)
        shell = stage.shells()
        count = torch.zeros_like(power).index_add_(0, shell.reshape(-1), torch.ones(shell.numel(), device=self.device))
        with torch.no_grad():
            for batch in stage.batches(self.team.share(rows)):
                residual = (batch.images - stage.forward(batch, vertices_of(batch))).abs() ** 2
                power.index_add_(0, shell.reshape(-1), residual.sum(dim=0).reshape(-1))
        power = self.team.total(power)
        noise, top = stage.noise.clone(), int(0.9 * stage.box / 2)
        noise[: top + 1] = (power / (count * len(rows)).clamp(min=1))[: top + 1]
        noise[0] = noise[1]
        if top + 1 < len(noise):
            noise[top + 1 :] = (
                torch.maximum(noise[top + 1 :], noise[top]) if stage.box == self.images.box else noise[top + 1 :]
            )
        return noise

    def _rigidity_weight(self, energy: float) -> float:
        """Weight of the rigidity prior, nats per unit of mean squared strain.

        A prior exp(−w E) on a motion of k degrees of freedom is most likely at w = k / 2E; a quarter of that lets
        the images lead. E is what the last pass found, within bounds that keep a first bad guess from running away.
        """
        base = RIGIDITY_START
        if math.isfinite(energy):
            base = min(max(self.settings.latent_dims / (8 * max(energy, 1e-12)), RIGIDITY_RANGE[0]), RIGIDITY_RANGE[1])
        return base * self.settings.rigidity

    def _set_learning_rate(self, state: State, part: float) -> None:
        """Cosine from the first rate to the last over the whole training."""
        s, fraction = self.settings, (state.epoch + part) / self.epochs
        rate = s.final_learning_rate + (s.learning_rate - s.final_learning_rate) * 0.5 * (
            1 + math.cos(math.pi * fraction)
        )
        for group in state.optimiser.param_groups:
            group["lr"] = rate

    def whiten(self, state: State) -> None:
        """Give the latents zero mean and unit covariance, the flow taking up the difference."""
        if self.settings.freeze_latents:
            return
        self._substitute(state, *whitening_transform(state.latents, state.precision))

    def _align(self, state: State) -> None:
        """Turn the latents so that the first is what the images tell most about."""
        axes = informative_axes(state.precision)
        self._substitute(state, torch.zeros_like(axes[0]), axes.T.contiguous())

    def _substitute(self, state: State, mean: torch.Tensor, factor: torch.Tensor) -> None:
        """Take latents z' with z = z' @ factor + mean in place of z, the motion staying the same."""
        state.flow.absorb(mean, factor)
        state.latents = torch.linalg.solve(factor.T, (state.latents - mean).T).T.contiguous()
        if state.centre is not None:
            state.centre = torch.linalg.solve(factor.T, (state.centre - mean).T).T.contiguous()
        state.precision = factor @ state.precision @ factor.T


def split_halves(half: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the two halves: as the particles say (1, 2), or at random where they do not; never empty."""
    rng = np.random.default_rng((seed, 4))
    side = np.where(half > 0, half, 1 + rng.permutation(len(half)) % 2)
    if len(half) > 1 and (np.all(side == 1) or np.all(side == 2)):
        side = 1 + rng.permutation(len(half)) % 2
    return np.flatnonzero(side == 1), np.flatnonzero(side == 2)


def thin(rows: np.ndarray, count: int) -> np.ndarray:
    """At most ``count`` of ``rows``, evenly spread."""
    return rows if len(rows) <= count else rows[np.linspace(0, len(rows) - 1, count).astype(np.int64)]

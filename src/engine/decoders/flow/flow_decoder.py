"""The flow: the canonical map, carried by a deformation of the mesh.

Its two unknowns have a solver each. In each batch the flow takes a step along the gradient of the images' misfit plus
rigidity (`flow_pass.py`); after each pass the map is solved by conjugate gradients with the motion held fixed, one half
of the particles at a time, and what the halves agree on is what the next pass sees (`half_maps.py`). The first guess is
in `first_guess.py`.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from ....errors import InputError
from ....mesh.map_files import write_map
from ...latents.particle_latents import ParticleLatents, StepSums
from ...maps.half_maps import HalfMaps, supported_map
from ...maps.noise_power import measure_noise
from ...training.adam_state import adam_tensors, restore_adam
from ...training.batches import Batch
from ...training.find_members import judge_images
from ...training.incomplete_images import log_incomplete
from ...training.schedule import LEAST_EPOCHS, ResolutionLevel
from ...training.signal_scales import MOVING
from ...training.stage import Stage, carry_density
from ...training.trainer import FIRST_ITERATIONS, SOLVE_PARTICLES, Trainer
from ..decoder import Output, Pass
from .first_guess import guess_flow
from .first_guess_modes import RIGIDITY_START
from .flow_network import MotionBasis
from .flow_pass import FlowPass
from .flow_state import FlowState
from .pose_gauge import fix_pose_gauge
from .unfold_latents import unfold_latents

# of conjugate gradients, after a pass and after the last: more fit noise, unless few passes have led to the map
SOLVE_ITERATIONS, LAST_ITERATIONS, FEW_PASSES_ITERATIONS = 2, 4, 8
RIGIDITY_RANGE = (50.0, 2000.0)  # nats per unit of mean squared strain


class FlowDecoder(FlowState):
    """A motion of the mesh, learned."""

    format: str = "flexrec-flow"
    keeps_mesh = True
    complete = True  # every particle has all of the molecule
    measures = ("misfit", "rigid_misfit", "energy", "amplitude")
    _pass: FlowPass

    # ----- how it learns -----

    def first_guess(self, trainer: Trainer, points: ParticleLatents, given: np.ndarray | None) -> None:
        """Rigid maps, noise, the flow's basis, and a first guess of latents and motion."""
        guess_flow(trainer, self, points, given)

    def enter(self, trainer: Trainer, level: ResolutionLevel, points: ParticleLatents) -> Stage:
        """The stage of a resolution level, with the map carried over, or solved anew where the box has grown."""
        stage = trainer.stage_of(level, self.noise)
        if self.maps_box == level.box:
            return stage.with_density(supported_map(stage.cloud, self.maps))
        old = trainer.stage_of(ResolutionLevel(self.maps_box, 1, 0.9), self.noise).cloud
        first, second = (carry_density(half, old, stage.cloud) for half in (self.maps.first, self.maps.second))
        carried = HalfMaps(first, second, self.maps.fsc)
        vertices_of = self.vertices_of(points)
        self.maps = trainer.solve(stage, vertices_of, carried, FIRST_ITERATIONS, "map", SOLVE_PARTICLES)
        self.maps_box = level.box
        stage = stage.with_density(supported_map(stage.cloud, self.maps))
        mapped = stage
        self.noise = measure_noise(trainer, stage, lambda batch: mapped.forward(batch, vertices_of(batch)))
        trainer.log(f"Now at {level.box} pixels: {len(stage.cloud)} voxels.")
        return stage.with_noise(self.noise, level.band)

    def begin_pass(self, now: Pass) -> None:
        """With the weight of the rigidity prior that what the last pass found asks for."""
        self._pass = FlowPass(now, self, self._rigidity_weight(now.trainer.settings.latent_dims))

    def _rigidity_weight(self, latent_dims: int) -> float:
        """Weight of the rigidity prior, nats per unit of mean squared strain.

        A prior exp(−w E) on a motion of k degrees of freedom is most likely at w = k / 2E; a quarter of that lets
        the images lead. E is what the last pass found, within bounds that keep a first bad guess from running away.
        """
        base = RIGIDITY_START
        if math.isfinite(self.energy):
            base = min(max(latent_dims / (8 * max(self.energy, 1e-12)), RIGIDITY_RANGE[0]), RIGIDITY_RANGE[1])
        return base * self.settings.rigidity

    def learn(self, now: Pass, batch: Batch, z: torch.Tensor, place: np.ndarray, size: int) -> torch.Tensor:
        """Add the gradient of a part of a batch; its share of the batch's `measures`."""
        return self._pass.learn(batch, z, place, size)

    def end_pass(self, now: Pass, rows: np.ndarray, means: dict[str, float]) -> None:
        """Judge the images, and move what is systematic in the poses to the motion."""
        if self.settings.judged.active:
            now.trainer.team.collect(self._pass.resemblance, rows)
            judge_images(now.trainer, self._pass.resemblance, self.settings.judged, MOVING)
            if now.last and self.complete:
                log_incomplete(now.trainer, now.stage, self._pass.resemblance, self.vertices_of(now.points))
        self.fix_pose_gauge(now, now.points.step_sums)
        self.energy = means["energy"]

    def fix_pose_gauge(self, now: Pass, step_sums: StepSums) -> None:
        """Give what is systematic in the corrections of poses back to the flow."""
        fix_pose_gauge(now, self, step_sums)

    def unfold_latents(self, now: Pass) -> bool:
        """Undo folds of latent space; whether there were any."""
        return unfold_latents(now, self)

    def solve(self, now: Pass) -> Stage:
        """The map, by conjugate gradients with the motion held fixed."""
        trainer, count = now.trainer, None if now.last else SOLVE_PARTICLES
        last = LAST_ITERATIONS if trainer.epochs >= LEAST_EPOCHS else FEW_PASSES_ITERATIONS
        iterations = last if now.last else SOLVE_ITERATIONS
        self.maps = trainer.solve(now.stage, self.vertices_of(now.points), self.maps, iterations, "map", count)
        self.maps_box = now.stage.box
        return now.stage.with_density(supported_map(now.stage.cloud, self.maps))

    def trial_stage(self, trainer: Trainer) -> Stage:
        """The finest, with a map of ones."""
        stage = trainer.stage_of(trainer.levels[-1], self.noise)
        return stage.with_density(torch.ones_like(stage.density))

    def try_memory(self, now: Pass, batch: Batch) -> None:
        """A step of the map's solution."""
        self.flow.zero_grad()
        problem = now.stage.least_squares(batch.rows.cpu().numpy(), self.vertices_of(now.points))
        replace(problem, batches=lambda: [batch]).normal(now.stage.density)

    # ----- what it writes -----

    def line(self, now: Pass) -> dict[str, float]:
        """The weight of the rigidity prior."""
        return {"weight": self._pass.weight}

    def summary(self, line: dict[str, float]) -> str:
        """A line of the history as a sentence."""
        gain = line["rigid_misfit"] - line["misfit"]
        return (
            f"Pass {line['epoch']:.0f} at {line['box']:.0f} pixels: moving explains each image better by {gain:.1f} "
            f"nats, mean displacement {line['amplitude']:.2f} Å, strain {100 * line['energy'] ** 0.5:.1f} %, "
            f"{line['images_per_second']:.0f} images/s."
        )

    def write(self, output: Output, trainer: Trainer, stage: Stage) -> None:
        """flow.npz, and the map with its halves."""
        flow = {name: value.cpu().numpy() for name, value in self.flow.state_dict().items()}
        with output("flow.npz") as path:
            np.savez(path, **flow, parent=np.array(self.flow.parent), order=np.array(self.flow.order))
        pixel_size = trainer.images.pixel_size * trainer.images.box / stage.box
        maps = {"map": stage.density, "half_map_1": self.maps.first, "half_map_2": self.maps.second}
        for name, density in maps.items():
            with output(f"{name}.mrc") as path:
                write_map(path, stage.cloud.scatter(density).cpu().numpy(), pixel_size, trainer.mesh.centre)

    def state(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        """The flow, and what Adam knows of it."""
        tensors = {f"flow.{name}": value for name, value in self.flow.state_dict().items()}
        tensors |= adam_tensors(self.optimiser)
        return tensors, {"energy": self.energy, "parent": self.flow.parent, "order": self.flow.order}

    def restore(self, tensors: dict[str, torch.Tensor], words: dict[str, Any], trainer: Trainer) -> None:
        """The flow, and what Adam knew of it."""
        self.energy = words["energy"]
        arrays = {name[5:]: value for name, value in tensors.items() if name.startswith("flow.")}
        if not torch.equal(arrays["vertices"], trainer.rest):
            raise InputError(
                "The checkpoint's mesh is not the mesh of this training; resume it with the mesh it began with."
            )
        basis = MotionBasis(
            vertices=arrays["vertices"].cpu().numpy(),
            modes=arrays["modes"].cpu().numpy(),
            membership=arrays["membership"].cpu().numpy(),
            parent=np.array(words["parent"]),
            order=np.array(words["order"]),
            pivot=arrays["pivot"].cpu().numpy(),
            reach=arrays["reach"].cpu().numpy(),
            held=trainer.mesh.free is not None,
            part_names=trainer.mesh.part_names,
        )
        flow = self.new_flow(basis, trainer.settings.latent_dims, trainer.device)
        flow.take(arrays)
        self.use(flow)
        restore_adam(self.optimiser, tensors)

"""Classes that move: K maps, of which every particle shows one, all carried by the same flow.

As the flow (`flow_decoder.py`) in all but this: a particle is seen as the map of its most likely class
(`class_stage.py`), and each map is solved from the images weighted by the probability that they show it, as classes at
rest are (`classes_decoder.py`). These probabilities are those of the images' misfits to all maps, moved as the particle
is (Sigworth 1998, for poses and motions that are known). Latents are those of the motion; a model has them first, and
beside them the probabilities as a place in the simplex of the classes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from ....mesh.map_files import write_map
from ...latents.particle_latents import ParticleLatents
from ...maps.noise_power import measure_noise
from ...training.batches import Batch
from ...training.schedule import LEAST_EPOCHS, ResolutionLevel
from ...training.stage import Stage
from ...training.trainer import FIRST_ITERATIONS, SOLVE_PARTICLES, Trainer
from ..classes.class_maps import ClassMaps, class_numbers
from ..classes.classes_decoder import class_sizes, placed
from ..decoder import Output, Pass
from ..flow.flow_decoder import FEW_PASSES_ITERATIONS, LAST_ITERATIONS, SOLVE_ITERATIONS, FlowDecoder
from .class_stage import ClassStage
from .first_guess_moving import guess_moving_classes
from .moving_classes_parameters import MovingClassesParameters
from .moving_classes_state import MovingClassesState


class MovingClassesDecoder(MovingClassesState, FlowDecoder):
    """Several maps and a motion of the mesh, learned."""

    format = "flexrec-moving-classes"
    complete = False
    _next: torch.Tensor  # (n, K), of the pass that is on

    def __init__(self, settings: MovingClassesParameters | None = None) -> None:
        super().__init__(settings or MovingClassesParameters())

    def first_guess(self, trainer: Trainer, points: ParticleLatents, given: np.ndarray | None) -> None:
        """Classes of the molecule at rest, and the motion that they have in common."""
        guess_moving_classes(trainer, self, points, given)

    def enter(self, trainer: Trainer, level: ResolutionLevel, points: ParticleLatents) -> Stage:
        """The stage of a resolution level, with the maps carried over, or solved anew where the box has grown."""
        stage = trainer.stage_of(level, self.noise)
        if self.maps_box == level.box:
            return self.seen(stage)
        old = trainer.stage_of(ResolutionLevel(self.maps_box, 1, 0.9), self.noise).cloud
        solved = self.solve_maps(trainer, stage, points, self.classes.carried(old, stage.cloud), FIRST_ITERATIONS)
        carried = self.vertices_of(points)
        self.noise = measure_noise(trainer, solved, lambda batch: solved.forward(batch, carried(batch)))
        trainer.log(f"Now at {level.box} pixels: {len(stage.cloud)} voxels.")
        return solved.with_noise(self.noise, level.band)

    # ----- how it learns -----

    def begin_pass(self, now: Pass) -> None:
        """As the flow's; what the images say of the classes is kept apart until all have been seen."""
        super().begin_pass(now)
        self._next = self.shares.clone()

    def learn(self, now: Pass, batch: Batch, z: torch.Tensor, place: np.ndarray, size: int) -> torch.Tensor:
        """Compare a part of a batch with all maps, and learn the flow from it, each image as the class it had."""
        self._next[batch.rows] = self.shares_of(now.stage, batch, now.points.z[batch.rows])
        return super().learn(now, batch, z, place, size)

    def end_pass(self, now: Pass, rows: np.ndarray, means: dict[str, float]) -> None:
        """Have the classes that the images showed, judge the images, and move what is systematic in the poses."""
        now.trainer.team.collect(self._next, rows)
        self.shares = self._next
        self.label[:] = self.shares.argmax(dim=1)  # in place: the pass' stage has it
        super().end_pass(now, rows, means)
        self.size = class_sizes(now.trainer, self.shares)

    def solve(self, now: Pass) -> Stage:
        """The maps, by conjugate gradients with the motion held fixed."""
        trainer, count = now.trainer, None if now.last else SOLVE_PARTICLES
        last = LAST_ITERATIONS if trainer.epochs >= LEAST_EPOCHS else FEW_PASSES_ITERATIONS
        iterations = last if now.last else SOLVE_ITERATIONS
        self.solve_maps(trainer, now.stage, now.points, self.classes, iterations, count)
        trainer.team.agree(self.shared())
        return self.seen(now.stage)

    def shared(self) -> list[torch.Tensor]:
        """What a team must agree on, to the last bit."""
        c = self.classes
        return [c.first, c.second, c.fsc, c.density, self.size, self.shares, *super().shared()]

    def trial_stage(self, trainer: Trainer) -> Stage:
        """The finest, with maps of ones."""
        stage = super().trial_stage(trainer)
        ones = torch.ones(len(self.size), len(stage.density), device=stage.device)
        return ClassStage.of(stage, ones, self.size, self.label)

    # ----- what it writes -----

    def line(self, now: Pass) -> dict[str, float]:
        """As the flow's, how sure particles are of their class (mean highest probability), and each class' share."""
        weight = now.trainer.membership.probability
        sure = float(weight @ self.shares.max(dim=1).values / weight.sum())
        sizes = {f"class_{k + 1}": float(share) for k, share in enumerate(self.size)}
        return {**super().line(now), "certainty": sure, **sizes}

    def summary(self, line: dict[str, float]) -> str:
        """A line of the history as a sentence."""
        sizes = ", ".join(f"{100 * line[f'class_{k + 1}']:.0f}" for k in range(len(self.size)))
        return (f"{super().summary(line)} The classes have {sizes} % of the particles, which are "
                f"{100 * line['certainty']:.0f} % sure of theirs.")  # fmt: skip

    def known(self, points: ParticleLatents, dims: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Latents ``(n, dims + K − 1)``: of the motion, then the probabilities as a place; and their precision."""
        place, of_place = placed(self.shares)
        precision = points.precision.new_zeros(len(place), dims + place.shape[1], dims + place.shape[1])
        precision[:, :dims, :dims], precision[:, dims:, dims:] = points.precision, of_place
        return torch.cat([points.z, place], dim=1), precision

    def columns(self, points: ParticleLatents) -> dict[str, np.ndarray]:
        """The most likely class of each particle, and its probability."""
        shares = self.shares.cpu().numpy()
        return {"rlnClassNumber": class_numbers(shares), "flexrecClassProbability": np.round(shares.max(axis=1), 4)}

    def write(self, output: Output, trainer: Trainer, stage: Stage) -> None:
        """As the flow's, map.mrc being the classes' mean by their shares; class_1.mrc …, each with its half-maps."""
        super().write(output, trainer, stage)
        pixel_size = trainer.images.pixel_size * trainer.images.box / stage.box
        for name, density in self.classes.by_file().items():
            with output(f"{name}.mrc") as path:
                write_map(path, stage.cloud.scatter(density).cpu().numpy(), pixel_size, trainer.mesh.centre)

    def state(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        """As the flow's, and the maps and probabilities of the classes."""
        tensors, words = super().state()
        return {**tensors, **self.classes.tensors(), "class_shares": self.shares, "class_size": self.size}, words

    def restore(self, tensors: dict[str, torch.Tensor], words: dict[str, Any], trainer: Trainer) -> None:
        """Have them again."""
        super().restore(tensors, words, trainer)
        self.classes = ClassMaps.from_tensors(tensors)
        self.shares, self.size = tensors["class_shares"], tensors["class_size"]
        self.label = self.shares.argmax(dim=1)

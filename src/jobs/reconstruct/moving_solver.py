"""Solve half-maps under motion, or of the same particles at rest: least squares, a pass over the images at a time."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ...errors import InputError
from ...explore.trained_model import Trained
from ...mesh.map_files import write_map
from ...particles import write_star
from ...particles.prepared import Prepared
from ..job_folder import JobRun
from ..throttle import Throttled
from ..train.train_particles import REFINED, refined
from .kept_pair import keep_pair, kept_pair
from .reconstruct_motion import ParticleMotion, particle_motion

if TYPE_CHECKING:
    import torch

    from ...engine.maps.least_squares import LeastSquares
    from ...engine.maps.moving_pair import Pair, PairProblem
    from ...engine.training.batches import Batch, ParticleImages
    from ...engine.training.pose_corrections import Poses
    from ...engine.training.stage import Stage
    from ...engine.training.team import Team

MOVED, RIGID = "moved", "rigid"  # what is solved
WORDS = {MOVED: "in motion", RIGID: "at rest"}
NAMES = {MOVED: ("half1.mrc", "half2.mrc"), RIGID: ("rigid_half1.mrc", "rigid_half2.mrc")}
BAND = 0.98  # of Nyquist: what is next to the last shell is not in the images
TESTED = 400  # images of each half on which the other's map is tested
PIXELS_AT_ONCE = 1 << 20  # of images worked on together
POSE_ROUNDS = 2


@dataclass(frozen=True)
class Inputs:
    """What is reconstructed: particles, the model that moves them, the rows of the halves, and whether poses are
    refined.
    """

    prepared: Prepared
    trained: Trained
    halves: tuple[np.ndarray, np.ndarray]
    refine: bool


class MovingSolver:
    """Solves one pair of half-maps after the other, alone or as one of a team, of which the leader writes.

    What is solved is kept after each pass, so that a job that was stopped or killed goes on to the same maps.
    """

    def __init__(
        self, inputs: Inputs, images: ParticleImages, job: JobRun, device: str, team: Team | None = None
    ) -> None:
        from ...engine.training.batch_cache import BatchCache
        from ...engine.training.stage import make_stage
        from ...engine.training.team import Team

        self._job, self._team, self._inputs, self._device = job, team or Team(), inputs, device
        self._progress = Throttled(job)
        self._pixel_size, self._model = images.pixel_size, inputs.trained.model
        self._motion: ParticleMotion = particle_motion(inputs.trained, device)
        import torch

        white = torch.full((images.box // 2 + 1,), float(images.box**2), device=device)
        self._stage: Stage = make_stage(
            BatchCache(images, device), self._model.moving_points.mesh, images.box, white, BAND, self._motion.poses,
            self._motion.membership, device, max(4, PIXELS_AT_ONCE // images.box**2),
        )  # fmt: skip

    def solve(self, kind: str) -> None:
        """Solve a pair and write its half-maps; nothing where they are written. Raises `Interrupted`."""
        if all((self._job.folder / name).is_file() for name in NAMES[kind]):
            return
        pair, more = kept_pair(self._job.folder / f"{kind}.npz", self._device)
        if pair is not None and self._team.leads:
            self._job.log(f"{WORDS[kind]}: going on after {pair.first.passes} passes.")
        stage = replace(self._stage, poses=self._poses(more))
        rounds = int(more.get("rounds", 0))
        pair = self._solved(stage, kind, pair, rounds)
        while rounds < (POSE_ROUNDS if self._inputs.refine else 0):
            pair, rounds = self._with_better_poses(stage, kind, pair), rounds + 1
            self._keep(stage, kind, pair, rounds)
            pair = self._solved(stage, kind, pair, rounds)
        if self._team.leads:
            self._write(stage, kind, pair)
        self._team.wait()

    def _poses(self, more: dict[str, np.ndarray]) -> Poses:
        """The poses to solve with: as training corrected them, or as this job has refined them since."""
        from ...engine.training.pose_corrections import mass_centre
        from ...engine.training.refine_poses import begin_refining

        if not self._inputs.refine:
            return self._motion.poses
        poses = begin_refining(self._motion.poses, *mass_centre(self._motion.rest, self._model.moving_points.mass))
        if "correction" in more:
            import torch

            poses.correction, poses.variance = (torch.from_numpy(more[name]).to(self._device)
                                                for name in ("correction", "variance"))  # fmt: skip
        return poses

    def _solved(self, stage: Stage, kind: str, pair: Pair | None, rounds: int) -> Pair:
        from ...engine.maps.moving_pair import begin_pair, solve_pair

        problem = self._problem(stage, kind)
        if pair is None:
            pair = begin_pair(problem)
            self._keep(stage, kind, pair, rounds)
        return solve_pair(problem, pair, lambda now: self._keep(stage, kind, now, rounds))

    def _with_better_poses(self, stage: Stage, kind: str, pair: Pair) -> Pair:
        """Refine the poses of each half by its own map, and begin from the maps that there are."""
        from ...engine.maps.moving_pair import begun_again
        from ...engine.training.refine_poses import refine_poses

        for rows, half in zip(self._inputs.halves, (pair.first, pair.second)):
            step = refine_poses(stage.with_density(half.density), rows, self._vertices_of(kind), self._team)
            if self._team.leads:
                self._job.log(f"Poses of {len(rows)} particles refined {WORDS[kind]}: by {step:.2f} Å (r.m.s.), errors "
                              f"of {stage.poses.told()} are expected.")  # fmt: skip
        return begun_again(self._problem(stage, kind), pair)

    def _vertices_of(self, kind: str) -> Callable[[Batch], torch.Tensor]:
        if kind == MOVED:
            return self._motion.vertices_of

        def at_rest(batch: Batch) -> torch.Tensor:
            return self._motion.rest

        return at_rest

    def _problem(self, stage: Stage, kind: str) -> PairProblem:
        from ...engine.maps.moving_pair import PairProblem

        halves = self._inputs.halves
        tests = [np.sort(np.random.default_rng((self._job.seed, 5)).permutation(half)[:TESTED]) for half in halves]
        counter = self._counter(kind)
        first, second = (self._of(stage, rows, kind).counted(counter) for rows in halves)
        first_test, second_test = (self._of(stage, rows, kind) for rows in tests)
        return PairProblem(first, second, first_test, second_test)

    def _of(self, stage: Stage, rows: np.ndarray, kind: str) -> LeastSquares:
        return replace(stage.least_squares(self._team.share(rows), self._vertices_of(kind)), total=self._team.total)

    def _counter(self, kind: str) -> Callable[[int], None]:
        """Tells how far a pass is; raises `Interrupted` where somebody asked to stop."""
        from ...engine.training.trainer import Interrupted

        total = sum(len(self._team.share(rows)) for rows in self._inputs.halves)
        done = 0

        def count(more: int) -> None:
            nonlocal done
            done += more
            number, within = divmod(done - 1, total)
            if self._team.leads:
                self._progress(within + 1, total, stage=f"{WORDS[kind]}, pass {number + 1}")
            if self._job.stop_requested():
                raise Interrupted

        return count

    def _keep(self, stage: Stage, kind: str, pair: Pair, rounds: int) -> None:
        if not self._team.leads:
            return
        more = {"rounds": np.array(rounds)}
        if self._inputs.refine:
            more |= {name: getattr(stage.poses, name).cpu().numpy() for name in ("correction", "variance")}
        keep_pair(self._job, f"{kind}.npz", pair, more)

    def _write(self, stage: Stage, kind: str, pair: Pair) -> None:
        """The half-maps, every shell as strong as the images have it, and refined poses."""
        from ...engine.maps.fsc import weigh_shells

        for name, half in zip(NAMES[kind], (pair.first, pair.second)):
            volume = stage.cloud.scatter(half.density).cpu().numpy()
            if not np.isfinite(volume).all():
                raise InputError(f"{name}: the solution is not finite; look at the images of "
                                 f"{self._inputs.prepared.folder.name} and the model's latents.")  # fmt: skip
            with self._job.output(name) as path:
                write_map(path, weigh_shells(volume, 1 / half.kept.cpu().numpy()), self._pixel_size, self._model.centre)
        if kind == MOVED and self._inputs.refine:
            with self._job.output(REFINED) as path:
                write_star(path, refined(self._inputs.prepared.particles, stage.poses))
        self._job.log(f"Half-maps {WORDS[kind]}: {pair.first.passes} passes over the images; each half's explains "
                      f"{pair.explained[-1].mean():.1f} nats of an image of the other half.")  # fmt: skip
        os.unlink(self._job.folder / f"{kind}.npz")

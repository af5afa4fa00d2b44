"""Solve half-maps under motion, or of the same particles at rest: least squares, a pass over the images at a time."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...errors import InputError
from ...explore.trained_model import Trained
from ...mesh.map_files import write_map
from ...particles import Particles, write_star
from ...particles.prepared import Prepared
from ..job_folder import JobRun
from ..record import read_json
from ..throttle import Throttled
from ..train.train_particles import REFINED, refined
from .kept_pair import IDENTITY, keep_pair, kept_identity, kept_pair
from .reconstruct_motion import ParticleMotion, mean_place, particle_motion
from .reconstructed_files import HALVES, TWIN_HALVES

if TYPE_CHECKING:
    import torch

    from ...engine.maps.least_squares import LeastSquares
    from ...engine.maps.moving_pair import Pair, PairProblem
    from ...engine.training.batches import Batch, ParticleImages
    from ...engine.training.pose_corrections import Poses
    from ...engine.training.stage import Stage
    from ...engine.training.team import Team

    Stages = tuple[Stage, Stage]

MOVED, RIGID = "moved", "rigid"  # what is solved
WORDS = {MOVED: "in motion", RIGID: "at rest"}
NAMES = {MOVED: HALVES, RIGID: TWIN_HALVES}
SOLVED = {MOVED: "moved.json", RIGID: "rigid.json"}  # how a pair was solved
BAND = 0.98  # of Nyquist: what is next to the last shell is not in the images
TESTED = 400  # images of each half on which the other's map is tested
PIXELS_AT_ONCE = 1 << 20  # of images worked on together
POSE_ROUNDS = 2


@dataclass(frozen=True)
class Inputs:
    """What is reconstructed: particles, the rows of the halves, and the model that moves each.

    ``models`` are one and the same, or those that were trained on the halves apart; ``whole`` is the training, in
    whose place the map is made. ``refine``: poses too. ``left_out``: particles of the halves that do not count.
    """

    prepared: Prepared
    halves: tuple[np.ndarray, np.ndarray]
    models: tuple[Trained, Trained]
    whole: Trained
    refine: bool
    left_out: int = 0

    @property
    def name(self) -> str:
        """The training's."""
        return self.whole.folder.name

    @cached_property
    def identity(self) -> str:
        """A digest of what the models say of the particles, and of the halves: other after another pass of training."""
        digest = hashlib.sha256()
        for model, rows in zip(self.models, self.halves):
            digest.update((model.folder / "latents.npz").read_bytes())
            digest.update(np.ascontiguousarray(rows).tobytes())
        if self.independent:
            digest.update((self.whole.folder / "latents.npz").read_bytes())
        return digest.hexdigest()

    @property
    def independent(self) -> bool:
        """Whether each half has a model of its own."""
        return self.models[0].folder != self.models[1].folder


def forget_others(inputs: Inputs, job: JobRun) -> None:
    """Remove what an earlier run of the job has solved with another state of the models, and say so."""
    stale = False
    for kind in (MOVED, RIGID):
        of = read_json(job.folder / SOLVED[kind])
        if of is not None and of.get(IDENTITY) != inputs.identity:
            stale |= _removed(job.folder, *NAMES[kind], SOLVED[kind])
        if kept_identity(job.folder / f"{kind}.npz") not in (None, inputs.identity):
            stale |= _removed(job.folder, f"{kind}.npz")
    if stale:
        job.log(f"{inputs.name} is another than when the job began: it begins anew.")


def _removed(folder: Path, *names: str) -> bool:
    for name in names:
        (folder / name).unlink(missing_ok=True)
    return True


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
        self._pixel_size, self._model = images.pixel_size, inputs.models[0].model
        self._motions = motion, _ = _motions(inputs, device)
        import torch

        white = torch.full((images.box // 2 + 1,), float(images.box**2), device=device)
        self._stage: Stage = make_stage(
            BatchCache(images, device), self._model.moving_points.mesh, images.box, white, BAND, motion.poses,
            motion.membership, motion.signal, device, max(4, PIXELS_AT_ONCE // images.box**2),
        )  # fmt: skip

    def solve(self, kind: str) -> None:
        """Solve a pair and write its half-maps; nothing where they are written. Raises `Interrupted`."""
        if all((self._job.folder / name).is_file() for name in NAMES[kind]):
            return
        pair, more = kept_pair(self._job.folder / f"{kind}.npz", self._device)
        if pair is not None and self._team.leads:
            self._job.log(f"{WORDS[kind]}: going on after {pair.first.passes} passes.")
        first, second = (
            replace(self._stage, poses=self._poses(motion, number, more), membership=motion.membership,
                    signal=motion.signal)
            for number, motion in enumerate(self._motions, 1)
        )
        stages = first, second
        rounds = int(more.get("rounds", 0))
        pair = self._solved(stages, kind, pair, rounds)
        while rounds < (POSE_ROUNDS if self._inputs.refine else 0):
            pair, rounds = self._with_better_poses(stages, kind, pair, rounds), rounds + 1
            self._keep(stages, kind, pair, rounds)
            pair = self._solved(stages, kind, pair, rounds)
        if self._team.leads:
            self._write(stages, kind, pair)
        self._team.wait()

    def _poses(self, motion: ParticleMotion, number: int, more: dict[str, np.ndarray]) -> Poses:
        """The poses to solve a half with: as training corrected them, or as this job has refined them since."""
        from ...engine.training.pose_corrections import mass_centre
        from ...engine.training.refine_poses import begin_refining

        if not self._inputs.refine:
            return motion.poses
        poses = begin_refining(motion.poses, *mass_centre(motion.rest, self._model.moving_points.mass))
        if f"correction{number}" in more:
            import torch

            poses.correction, poses.variance = (torch.from_numpy(more[f"{name}{number}"]).to(self._device)
                                                for name in ("correction", "variance"))  # fmt: skip
        return poses

    def _solved(self, stages: Stages, kind: str, pair: Pair | None, rounds: int) -> Pair:
        from ...engine.maps.moving_pair import begin_pair, solve_pair

        problem = self._problem(stages, kind)
        if pair is None:
            pair = begin_pair(problem)
            self._keep(stages, kind, pair, rounds)
        return solve_pair(problem, pair, lambda now: self._keep(stages, kind, now, rounds))

    def _with_better_poses(self, stages: Stages, kind: str, pair: Pair, rounds: int) -> Pair:
        """Refine the poses of each half by its own map, and begin from the maps that there are.

        The errors that are expected are learned from the steps, so that the first round allows for more than there may
        be, and the next takes back what was noise.
        """
        from ...engine.maps.moving_pair import begun_again
        from ...engine.training.refine_poses import refine_poses

        for number, half in enumerate((pair.first, pair.second)):
            stage, rows = stages[number].with_density(half.density), self._inputs.halves[number]
            step = refine_poses(stage, rows, self._vertices_of(number, kind), self._team)
            if self._team.leads:
                self._job.log(f"Poses of {len(rows)} particles refined {WORDS[kind]}, round {rounds + 1} of "
                              f"{POSE_ROUNDS}: by {step:.2f} Å (r.m.s.); errors of {stage.poses.error_text()} are "
                              "expected now.")  # fmt: skip
        return begun_again(self._problem(stages, kind), pair)

    def _vertices_of(self, number: int, kind: str) -> Callable[[Batch], torch.Tensor]:
        motion = self._motions[number]
        if kind == MOVED:
            return motion.vertices_of

        def at_rest(batch: Batch) -> torch.Tensor:
            return motion.rest

        return at_rest

    def _problem(self, stages: Stages, kind: str) -> PairProblem:
        from ...engine.maps.moving_pair import PairProblem

        halves = self._inputs.halves
        tests = [np.sort(np.random.default_rng((self._job.seed, 5)).permutation(half)[:TESTED]) for half in halves]
        counter = self._counter(kind)
        first, second = (self._of(stages, number, rows, kind).counted(counter) for number, rows in enumerate(halves))
        first_test, second_test = (self._of(stages, number, rows, kind) for number, rows in enumerate(tests))
        return PairProblem(first, second, first_test, second_test)

    def _of(self, stages: Stages, number: int, rows: np.ndarray, kind: str) -> LeastSquares:
        vertices_of = self._vertices_of(number, kind)
        return replace(stages[number].least_squares(self._team.share(rows), vertices_of), total=self._team.total)

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

    def _keep(self, stages: Stages, kind: str, pair: Pair, rounds: int) -> None:
        if not self._team.leads:
            return
        more = {"rounds": np.array(rounds), IDENTITY: np.array(self._inputs.identity)}
        if self._inputs.refine:
            more |= {f"{name}{number}": getattr(stage.poses, name).cpu().numpy()
                     for number, stage in enumerate(stages, 1) for name in ("correction", "variance")}  # fmt: skip
        keep_pair(self._job, f"{kind}.npz", pair, more)

    def _write(self, stages: Stages, kind: str, pair: Pair) -> None:
        """The half-maps, every shell as strong as the images have it, and refined poses."""
        from ...engine.maps.fsc import weigh_shells

        for name, half in zip(NAMES[kind], (pair.first, pair.second)):
            volume = self._stage.cloud.scatter(half.density).cpu().numpy()
            if not np.isfinite(volume).all():
                raise InputError(f"{name}: the solution is not finite; look at the images of "
                                 f"{self._inputs.prepared.folder.name} and the model's latents.")  # fmt: skip
            with self._job.output(name) as path:
                write_map(path, weigh_shells(volume, 1 / half.kept.cpu().numpy()), self._pixel_size, self._model.centre)
        if kind == MOVED and self._inputs.refine:
            with self._job.output(REFINED) as path:
                write_star(path, self._refined(stages))
        explained = float(pair.explained[-1].mean())
        with self._job.output(SOLVED[kind]) as path:
            path.write_text(json.dumps({"passes": pair.first.passes, "explained": round(explained, 2),
                                        IDENTITY: self._inputs.identity}) + "\n")  # fmt: skip
        self._job.log(f"Half-maps {WORDS[kind]}: {pair.first.passes} passes over the images; each half's explains "
                      f"{explained:.1f} nats of an image of the other half.")  # fmt: skip
        os.unlink(self._job.folder / f"{kind}.npz")

    def _refined(self, stages: Stages) -> Particles:
        """All particles, those of each half with the poses that were refined by its map, and the halves that these are.

        Where the particle file had none, they are told apart from now on: a pose knows the noise of its own half.
        """
        particles, (first, second) = self._inputs.prepared.particles, stages
        both, other = refined(particles, first.poses), refined(particles, second.poses)
        own, rows = self._inputs.halves
        rotation, shift, half = both.rotation.copy(), both.shift.copy(), both.half.copy()
        rotation[rows], shift[rows] = other.rotation[rows], other.shift[rows]
        half[own], half[rows] = 1, 2
        return replace(both, rotation=rotation, shift=shift, half=half)


def _motions(inputs: Inputs, device: str) -> tuple[ParticleMotion, ParticleMotion]:
    """Of each half; where they have models of their own, both make the map in the place of the whole training's."""
    whole = inputs.whole
    if not inputs.independent:
        both = particle_motion(whole, device)
        return both, both
    first, second = (
        particle_motion(model, device, mean_place(whole, rows) - mean_place(model, rows))
        for model, rows in zip(inputs.models, inputs.halves)
    )
    return first, second

"""What every training shares: images, mesh, settings and box sizes, and the map solved with the motion held fixed.

A decoder asks this for the stage of a box size and for half-maps at it. All begin from the rigid molecule
(`rigid_map.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch

from ...mesh.shape import edge_inverse
from ...mesh.tetmesh import TetMesh
from ...particles.copies import image_numbers
from ...particles.halves import sides
from ...particles.particles import Particles
from ..decoders.flow.soft_modes import rigidity_weights
from ..maps.half_maps import HalfMaps, solve_halves
from ..maps.least_squares import LeastSquares
from .batch_cache import BatchCache
from .batches import ParticleImages, split
from .membership import Membership
from .pose_corrections import Poses
from .schedule import ResolutionLevel
from .signal_scales import SignalScales
from .stage import Stage, make_stage
from .team import Team

SOLVE_PARTICLES = 40_000  # enough for the map that the next pass needs; the last solution takes all
GPU_BATCHES = 8  # batches that a GPU works on together where no gradient is asked for: it waits for work otherwise
FIRST_ITERATIONS = 5  # of conjugate gradients, for a map at a new box size


class Interrupted(Exception):
    """Somebody asked to stop; the newest checkpoint is the state to resume from."""


@dataclass(frozen=True)
class Settings:
    """How to train, whatever is trained; what a decoder or a latent source has to choose is its own parameters.

    ``images_at_once`` of a batch are held in memory; all of them when 0.
    """

    latent_dims: int = 2
    batch_size: int = 64
    images_at_once: int = 0
    backend: str = "auto"


class Trainer:
    """One training: everything about it that does not change while it runs."""

    def __init__(
        self,
        images: ParticleImages,
        mesh: TetMesh,
        settings: Settings,
        levels: tuple[ResolutionLevel, ...],
        seed: int = 0,
        device: str = "cpu",
        log: Callable[[str], None] = print,
        progress: Callable[..., None] = lambda step, total, **values: None,
        stop: Callable[[], bool] = lambda: False,
        team: Team | None = None,
        remake: Callable[[TetMesh, np.ndarray, float], TetMesh] = lambda mesh, volume, pixel_size: mesh,
    ) -> None:
        """``progress(step, total, stage=…, **values)`` is called after each batch; ``stop()`` is asked as often.

        The members of a ``team`` are given the same arguments; the leader's ``stop`` counts. Where images that are no
        particles had gone into the map that the mesh was made of, ``remake(mesh, map, pixel size)`` gives the one to
        train with, the map ``(N, N, N)`` ``[z, y, x]`` being without them; the same for all members.
        """
        self.team = team or Team()
        self.images, self.settings, self.levels, self.remake = images, settings, levels, remake
        self.seed, self.device, self.log, self.progress, self.stop = seed, device, log, progress, stop
        self.batches = BatchCache(images, device)
        self.poses = Poses.fixed(len(images), device)
        self.membership = Membership.all(len(images), device)
        self.signal = SignalScales.all_even(len(images), device)
        self.epochs = sum(level.epochs for level in levels)
        self.take_mesh(mesh)
        self.image = image_numbers(images.particles)  # (n,) equal for copies of one image
        self.halves = split_halves(images.particles, seed, self.image)
        self.stop_requested = False  # whether the team is to stop
        self.at_once = settings.images_at_once or len(split(np.arange(len(images)), settings.batch_size)[0])

    def take_mesh(self, mesh: TetMesh) -> None:
        """Train with this mesh; stages made before are of the old one."""
        self.mesh = mesh
        self.rest = torch.from_numpy(mesh.vertices.astype(np.float32)).to(self.device)
        self.cells = torch.from_numpy(mesh.cells.astype(np.int64)).to(self.device)
        self.inverse = torch.from_numpy(edge_inverse(mesh).astype(np.float32)).to(self.device)
        self.weights = torch.from_numpy(rigidity_weights(mesh).astype(np.float32)).to(self.device)

    def freedom(self, stage: Stage) -> torch.Tensor | None:
        """How far each voxel ``(N, N, N)`` of a stage's map may move or vary, 0 to 1; None where all of it may."""
        if self.mesh.free is None:
            return None
        free = torch.from_numpy(self.mesh.free).to(self.device)
        return stage.cloud.scatter(stage.cloud.interpolate(free).clamp(0, 1))

    def views(self, rows: np.ndarray) -> torch.Tensor:
        """`Particles.views` ``(m, 3, 3)`` of particles ``rows``, uncorrected."""
        return torch.from_numpy(self.images.particles.views(rows).astype(np.float32)).to(self.device)

    def level_of(self, epoch: int) -> ResolutionLevel:
        """The resolution level that pass number ``epoch`` (from 0) belongs to."""
        for level in self.levels:
            if epoch < level.epochs:
                return level
            epoch -= level.epochs
        return self.levels[-1]

    def stage_of(self, level: ResolutionLevel, noise: torch.Tensor) -> Stage:
        """The stage of a resolution level, with an empty map; ``noise`` ``(D // 2 + 1,)`` as in `make_stage`."""
        s = self.settings
        at_once = self.at_once * (1 if torch.device(self.device).type == "cpu" else GPU_BATCHES)
        return make_stage(
            self.batches, self.mesh, level.box, noise, level.band, self.poses, self.membership, self.signal,
            self.device, at_once, s.backend,
        )

    def solve(
        self,
        stage: Stage,
        vertices_of,
        start: HalfMaps | None,
        iterations: int,
        name: str,
        count: int | None = SOLVE_PARTICLES,
        halves: tuple[np.ndarray, np.ndarray] | None = None,
    ) -> HalfMaps:
        """Half-maps at a stage, from at most ``count`` particles (None: all).

        ``vertices_of(batch)`` gives moved vertices ``(b, v, 3)`` or ``(v, 3)`` Å; ``halves`` are the rows of the two
        halves, those of the trainer where None; ``start`` are half-maps to begin from.
        """
        first, second = (half if count is None else thin(half, count // 2) for half in halves or self.halves)
        halves = first, second
        counter = self.counter(name, (iterations + 1) * sum(len(self.team.share(half)) for half in halves))

        def problem_of(rows: np.ndarray) -> LeastSquares:
            problem = stage.least_squares(self.team.share(rows), vertices_of)
            return replace(problem.counted(counter), total=self.team.total)

        return solve_halves(problem_of, halves, start, iterations)

    def counter(self, name: str, total: int) -> Callable[[int], None]:
        """A function to call with the number of further images done, for the progress line."""
        done = 0

        def count(more: int) -> None:
            nonlocal done
            done += more
            self.report(min(done, total), total, stage=name)

        return count

    def report(self, step: int, total: int, **values: object) -> None:
        """Report progress. Raises `Interrupted` where somebody asked to stop."""
        self.progress(step, total, **values)
        # a member that stopped alone would leave the others waiting: the team agrees in each batch of a pass
        if self.stop_requested if self.team.size > 1 else self.stop():
            raise Interrupted

    def share_stop_request(self) -> None:
        """Pass the leader's request to stop on to the team; every process calls it at the same point of its work."""
        if self.team.size > 1:
            asked = torch.tensor([float(self.team.leads and self.stop())], device=self.device)
            self.stop_requested = bool(self.team.total(asked) > 0)


def split_halves(
    particles: Particles, seed: int, image: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the two halves: as the particles say, or at random where they do not; never empty.

    Copies of one image are in one half, but where there is only one image. ``image`` ``(n,)`` are their
    `image_numbers`, where these are known.
    """
    rng, image = np.random.default_rng((seed, 4)), image_numbers(particles) if image is None else image
    side = sides(particles.half, image, rng)
    for same in (image, np.arange(len(image))):
        if len(side) > 1 and len(np.unique(side)) == 1:
            side = sides(np.zeros(len(side), np.int8), same, rng)
    return np.flatnonzero(side == 1), np.flatnonzero(side == 2)


def thin(rows: np.ndarray, count: int) -> np.ndarray:
    """At most ``count`` of ``rows`` ``(m,)``, evenly spread."""
    return rows if len(rows) <= count else rows[np.linspace(0, len(rows) - 1, count).astype(np.int64)]

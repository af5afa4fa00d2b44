"""Two half-maps of particles in motion, solved side by side: what they agree on is the prior that each is solved with.

The halves know one another only by their FSC, and by how well the map of one explains some images of the other, which
says when to stop.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch

from ..projector.mesh_projector import VoxelCloud, project
from .conjugate_gradients import Solution, advance, begin, with_prior
from .fsc import fourier_shell_correlation
from .least_squares import LeastSquares

PRIOR_AFTER = 3  # steps after which the prior is learned: the FSC is then of maps that are nearly solved
MOST_STEPS = 12
ENOUGH = 3e-3  # of what a map explains of the other half's images: a step that adds less is the last


@dataclass(frozen=True)
class Pair:
    """Both solutions after ``steps``, and how much each explained of the other half's images after each step, in nats.

    explained : ``(steps, 2)``.
    """

    first: Solution
    second: Solution
    explained: np.ndarray

    @property
    def steps(self) -> int:
        """How many are done."""
        return len(self.explained)

    def fsc(self, cloud: VoxelCloud) -> np.ndarray:
        """``(N // 2 + 1,)`` of the two maps; 1 at zero frequency, the mean density that images say nothing of."""
        maps = (cloud.scatter(half.density).cpu().numpy() for half in (self.first, self.second))
        fsc = fourier_shell_correlation(*maps)
        fsc[0] = 1
        return fsc

    @property
    def converged(self) -> bool:
        """Whether another step would not explain the other half's images noticeably better."""
        if self.steps >= MOST_STEPS:
            return True
        if self.steps <= PRIOR_AFTER:
            return False
        before, now = self.explained[-2:].mean(axis=1)
        return bool(now - before < ENOUGH * abs(now))


@dataclass(frozen=True)
class PairProblem:
    """The density problems of both halves, and of the few images of each on which the other's map is tested."""

    first: LeastSquares
    second: LeastSquares
    first_test: LeastSquares
    second_test: LeastSquares

    @property
    def cloud(self) -> VoxelCloud:
        """Of both."""
        return self.first.cloud


def begin_pair(problem: PairProblem) -> Pair:
    """Nothing solved yet; one pass over the images."""
    return Pair(begin(problem.first), begin(problem.second), np.zeros((0, 2)))


def advance_pair(problem: PairProblem, pair: Pair) -> Pair:
    """A step of both; one pass over the images."""
    if pair.steps == PRIOR_AFTER:
        fsc = pair.fsc(problem.cloud)
        pair = replace(pair, first=with_prior(pair.first, fsc), second=with_prior(pair.second, fsc))
    first, second = advance(problem.first, pair.first), advance(problem.second, pair.second)
    explained = [explained_by(problem.second_test, first.density), explained_by(problem.first_test, second.density)]
    return Pair(first, second, np.vstack([pair.explained, explained]))


def begun_again(problem: PairProblem, pair: Pair) -> Pair:
    """The same maps where the problem has changed, as by other poses; one pass over the images. The prior is learned
    again with the next step.
    """
    first, second = (replace(begin(each, half.density), kept=half.kept, passes=half.passes + 1)
                     for each, half in ((problem.first, pair.first), (problem.second, pair.second)))  # fmt: skip
    return Pair(first, second, pair.explained[:PRIOR_AFTER])


def solve_pair(problem: PairProblem, pair: Pair | None, keep: Callable[[Pair], None]) -> Pair:
    """From ``pair``, or from nothing, until it has converged; ``keep`` is given it after every step."""
    pair = pair or begin_pair(problem)
    while not pair.converged:
        pair = advance_pair(problem, pair)
        keep(pair)
    return pair


@torch.no_grad()
def explained_by(problem: LeastSquares, density: torch.Tensor) -> float:
    """How much better than no map at all a density ``(n,)`` explains the images of a problem: nats an image."""
    box = problem.weights.shape[0]
    total = torch.zeros(2, dtype=torch.float64, device=density.device)
    for batch in problem.batches():
        model = batch.transfer * project(problem.cloud, density, problem.placement(batch), box, problem.backend)
        # ½ |I|² − ½ |I − m|² = Re I* m − ½ |m|², weighted
        terms = (batch.images.conj() * model).real - 0.5 * (model.real**2 + model.imag**2)
        weight = torch.ones(len(batch), device=density.device) if batch.weight is None else batch.weight
        total[0] += (weight * (problem.weights * terms).sum(dim=(1, 2))).sum()
        total[1] += weight.sum()
    total = problem.total(total)
    return float(total[0] / total[1].clamp(min=1))

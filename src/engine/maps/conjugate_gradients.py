"""Preconditioned conjugate gradients for the map, a pass over the images at a time, with or without a prior.

Minimise ½ vᵀA v − bᵀv + ½ vᵀR v over the density v: A and b are those of `LeastSquares`, R says how weak the signal is
expected to be at each radius. A solution is all that the next step needs, so that it can be kept between two passes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch

from ..projector.fourier_grid import squared_radius
from ..projector.mesh_projector import VoxelCloud
from .fsc import signal_kept, spectrum_slabs
from .least_squares import LeastSquares

LEAST_POWER = 1e-2  # of the mean over the radii: where images say nothing, steps are gentle
LEAST_GAIN = 1e-12  # of the first step's: less is rounding


class ShellOperator:
    """A density's Fourier transform, multiplied by a number for each radius.

    n images' planes fill radius k of the volume with density ∝ Σ w C² / (4 π k²), which is the diagonal of A in Fourier
    space when nothing moves and views are even: its inverse is the preconditioner, and motion and uneven views are left
    to the conjugate gradients. What is expected of the signal is known by radius too.
    """

    def __init__(self, cloud: VoxelCloud, values: torch.Tensor) -> None:
        """``values`` ``(d // 2 + 1,)`` are those at whole radii, between which they change linearly."""
        self._cloud, self._values = cloud, values

    def __call__(self, density: torch.Tensor) -> torch.Tensor:
        """Apply to a density ``(n,)``: symmetric, and positive where the values are."""
        return self._changed(density, torch.Tensor.mul_)

    def inverse(self, density: torch.Tensor) -> torch.Tensor:
        """Divide by the numbers instead."""
        return self._changed(density, torch.Tensor.div_)

    def _changed(self, density: torch.Tensor, change: Callable[[torch.Tensor, torch.Tensor], object]) -> torch.Tensor:
        """A few planes of the transform at a time, so that it is all that takes memory."""
        box = self._cloud.box
        spectrum = torch.fft.rfftn(self._cloud.scatter(density))
        for planes in spectrum_slabs(box):
            change(spectrum[planes], self._at(squared_radius(box, density.device, planes=planes).sqrt()))
        return self._cloud.gather(torch.fft.irfftn(spectrum, s=(box,) * 3))

    def _at(self, radius: torch.Tensor) -> torch.Tensor:
        low = torch.clamp(radius.floor().long(), max=len(self._values) - 2)
        part = torch.clamp(radius - low, max=1)
        return self._values[low] * (1 - part) + self._values[low + 1] * part


def slice_power(power: torch.Tensor) -> torch.Tensor:
    """The diagonal of A by radius, ``(d // 2 + 1,)``, from the sums ``power`` of w C² in each shell of the images."""
    radius = torch.arange(len(power), dtype=power.dtype, device=power.device)
    per_voxel = power / (4 * torch.pi * torch.clamp(radius, min=0.5) ** 2)
    return torch.clamp(per_voxel, min=float(per_voxel.mean()) * LEAST_POWER)


@dataclass(frozen=True)
class Solution:
    """A density that is being solved for.

    Attributes
    ----------
    density : ``(n,)`` v. residual : ``(n,)`` b − A v, what the images have beyond it.
    power : ``(d // 2 + 1,)`` Σ w C² by shell. direction : ``(n,)`` of the last step; zero before the first.
    product, first : gᵀ M⁻¹ g of the last and of the first step's gradient g = b − A v − R v. passes : over the images.
    kept : ``(d // 2 + 1,)`` share of each shell that the prior in use lets through; ones without a prior.
    """

    density: torch.Tensor
    residual: torch.Tensor
    power: torch.Tensor
    direction: torch.Tensor
    product: float
    first: float
    kept: torch.Tensor
    passes: int


def begin(problem: LeastSquares, start: torch.Tensor | None = None) -> Solution:
    """The solution before the first step, from a density ``(n,)`` or from zero; takes one pass over the images."""
    residual, power = problem.right_side(start)
    density = torch.zeros_like(residual) if start is None else start.clone()
    return Solution(density, residual, power, torch.zeros_like(residual), 0.0, 0.0, torch.ones_like(power), 1)


def advance(problem: LeastSquares, solution: Solution) -> Solution:
    """One step further; one pass. The same solution where there is nothing left to gain."""
    cloud, power = problem.cloud, slice_power(solution.power) * problem.cloud.box**3  # N³: of the transforms and back
    both = ShellOperator(cloud, power / solution.kept)  # M, A and R added up by radius
    prior = ShellOperator(cloud, power / solution.kept - power)  # R
    gradient = solution.residual - prior(solution.density)  # g = b − A v − R v
    steered = both.inverse(gradient)  # s = M⁻¹ g
    product = float(gradient @ steered)
    if product <= LEAST_GAIN * solution.first:
        return solution
    direction = steered  # p = s + β p, β = gᵀs / (gᵀs before): A-orthogonal to the steps before
    if solution.product > 0:
        direction = steered + product / solution.product * solution.direction
    image = problem.normal(direction)  # A p
    step = product / float(direction @ (image + prior(direction)))  # α = gᵀs / pᵀ(A + R) p, the minimum along p
    return replace(
        solution, density=solution.density + step * direction, residual=solution.residual - step * image,
        direction=direction, product=product, first=solution.first or product, passes=solution.passes + 1,
    )  # fmt: skip


def with_prior(solution: Solution, fsc: np.ndarray) -> Solution:
    """Expect of each shell as much signal as two solutions of half of the images agree on: FSC ``(N // 2 + 1,)``.

    FSC = s / (s + 1), s the signal's power over that of the noise (Rosenthal & Henderson 2003), so that the prior's
    precision R is A (1 − FSC) / FSC by radius (Scheres 2012). Steps begin anew.
    """
    kept = torch.from_numpy(signal_kept(fsc)[: len(solution.power)]).to(solution.power)
    return replace(solution, kept=kept, direction=torch.zeros_like(solution.density), product=0.0, first=0.0)


def solve_density(problem: LeastSquares, start: torch.Tensor | None, iterations: int) -> torch.Tensor:
    """Density ``(n,)`` after ``iterations`` from ``start`` (zero when None), without a prior.

    Few iterations are themselves a regulariser: what the images determine best converges first (Hestenes & Stiefel
    1952; van der Sluis & van der Vorst 1986).
    """
    solution = begin(problem, start)
    for _ in range(iterations):
        solution = advance(problem, solution)
    return solution.density

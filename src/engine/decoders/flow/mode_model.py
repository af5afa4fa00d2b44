"""Where training starts: a Gaussian model of the soft modes, fitted in closed form.

To first order an image is linear in the coefficients c of the mesh's soft modes: I ≈ C P V + J c + noise. With
c ~ N(μ, Σ) this is a linear Gaussian model with a known operator per image, and expectation–maximisation gives μ and Σ
from the little matrices JᵀWJ and JᵀWr alone (the same idea as 3DVA's and probabilistic PCA's, Tipping & Bishop
1999, with motion in place of density). The leading directions of Σ, as the images see them, are the first guess of
the motion; there is nothing random in it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from ...precise import in_double
from ...training.stage import Stage
from ...training.team import Team
from .flow_network import AMPLITUDE, Flow
from .soft_modes import RIGID_MOTIONS

STRONG, MOST_STRONG = 1.0, 6  # signal over noise of directions that poses may go along with; how many at most


@dataclass(frozen=True)
class ModeStatistics:
    """What each image says about the mode coefficients: curvature ``(n, m, m)`` = JᵀWJ and gradient
    ``(n, m)`` = JᵀWr of the log-likelihood.
    """

    curvature: torch.Tensor
    gradient: torch.Tensor

    def parted(self, chosen: np.ndarray) -> tuple[ModeStatistics, ModeStatistics]:
        """Of the images that are not ``chosen`` ``(n,)``, and of those that are."""
        second = torch.from_numpy(chosen).to(self.gradient.device)
        rest, picked = (ModeStatistics(self.curvature[part], self.gradient[part]) for part in (~second, second))
        return rest, picked


@dataclass(frozen=True)
class LinearMotion:
    """Coefficients are ``mean + z @ directions``: mean ``(m,)``, directions ``(k, m)``; information ``(m,)`` of every
    direction found (signal over noise, descending): how much more the images vary along it than noise explains;
    ``gain`` nats per image: log evidence of the motion over none, in images that it was not fitted to, if any are left.
    """

    mean: torch.Tensor
    directions: torch.Tensor
    information: torch.Tensor
    gain: float


def mode_statistics(
    stage: Stage, flow: Flow, rows: np.ndarray, modes: int, step: float, report: Callable[[int], None] | None = None,
    shares: torch.Tensor | None = None,
) -> ModeStatistics:  # fmt: skip
    """What each image of ``rows`` says of the first ``modes`` coefficients, by differences of ``step`` (Å).

    ``shares`` ``(v, p)`` of the density at the vertices give p coefficients more: how much more there is of each.
    """
    scale = flow.modes[:, :modes].norm(dim=0) / len(flow.vertices) ** 0.5
    steps = torch.diag(step / scale)
    moved = [flow.vertices + (flow.modes[:, :modes] @ one).reshape(-1, 3) for one in steps]
    parts = [] if shares is None else [torch.cat([flow.vertices, share[:, None]], 1) for share in shares.T]
    curvature, gradient = [], []
    with torch.no_grad():
        for batch in stage.batches(rows):
            base = stage.forward(batch, flow.vertices)
            residual = whitened(stage, batch.images - base)
            slopes = torch.stack(
                [
                    whitened(stage, stage.forward(batch, v) - base) * (s / step)
                    for v, s in zip(moved, scale, strict=True)
                ]
                + [whitened(stage, stage.forward(batch, v)) for v in parts],
                dim=1,
            )
            curvature.append(slopes @ slopes.transpose(1, 2))
            gradient.append((slopes @ residual[:, :, None]).squeeze(-1))
            if report is not None:
                report(len(batch))
    return ModeStatistics(in_double(torch.cat(curvature)), in_double(torch.cat(gradient)))


def whitened(stage: Stage, images: torch.Tensor) -> torch.Tensor:
    """Fourier images ``(b, d, d // 2 + 1)`` as real vectors ``(b, p)``, whose dot product is the weighted one."""
    used = stage.weights > 0
    return torch.view_as_real(images[:, used] * stage.weights[used].sqrt()).flatten(1)


def fit_covariance(
    statistics: ModeStatistics, iterations: int = 100, stiffness: float | torch.Tensor = 0.0, team: Team | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean ``(m,)`` and covariance ``(m, m)`` of the mode coefficients, by expectation–maximisation.

    ``stiffness`` is the prior's share in the precision of each coefficient, or ``(m,)``. Every process of the ``team``
    has all ``statistics``, and works on its share of the images.
    """
    team, (count, modes) = team or Team(), statistics.gradient.shape
    own = torch.from_numpy(team.share(np.arange(count)))
    curvature, gradient = statistics.curvature[own], statistics.gradient[own]
    mean_curvature = statistics.curvature.mean(dim=0)
    eye = torch.eye(modes, dtype=gradient.dtype, device=gradient.device)
    ridge = _ridge(mean_curvature)
    mean = torch.linalg.solve(mean_curvature + ridge, statistics.gradient.mean(dim=0))
    # start as if an image said as much about its coefficients as the prior does
    covariance = torch.linalg.inv(mean_curvature + ridge)
    for _ in range(iterations):
        inverse = torch.linalg.inv(covariance + 1e-9 * covariance.diagonal().mean() * eye)
        spread = torch.cholesky_inverse(torch.linalg.cholesky(curvature + inverse))
        centre = (spread @ (gradient + inverse @ mean)[:, :, None]).squeeze(-1)
        apart = centre - mean
        square = spread.sum(dim=0) + apart.T @ apart
        *square, step = team.total(torch.cat([square, apart.sum(dim=0)[None]])) / count
        mean = mean + step
        covariance = torch.stack(square) - step[:, None] * step
        covariance = torch.linalg.inv(torch.linalg.inv((covariance + covariance.T) / 2) + stiffness * eye)
    return mean, covariance


def _ridge(matrix: torch.Tensor) -> torch.Tensor:
    return 1e-9 * matrix.diagonal().mean() * torch.eye(len(matrix), dtype=matrix.dtype, device=matrix.device)


def fit_linear_motion(
    statistics: ModeStatistics,
    dims: int,
    iterations: int = 100,
    stiffness: float = 0.0,
    errors: torch.Tensor | None = None,
    held_out: np.ndarray | None = None,
    team: Team | None = None,
) -> LinearMotion:
    """Mean and the ``dims`` leading directions of the mode coefficients, of all images but those ``held_out`` ``(n,)``.

    ``errors`` ``(6, 6)`` is the covariance of the poses' errors, in coefficients of the first six modes: what they
    explain is no motion, and evidence for a motion is what it explains beyond them.
    """
    fitted, judged = (statistics, statistics) if held_out is None else statistics.parted(held_out)
    mean, covariance = fit_covariance(fitted, iterations, stiffness, team)
    if errors is not None:
        fitted, judged = beyond_poses(fitted, errors), beyond_poses(judged, errors)
        covariance = covariance.clone()
        covariance[:RIGID_MOTIONS, :RIGID_MOTIONS] -= errors
    mean_curvature = fitted.curvature.mean(dim=0)
    ridge = _ridge(mean_curvature) * (1 if errors is None else 1e6)
    lower = torch.linalg.cholesky(mean_curvature + ridge)
    values, vectors = torch.linalg.eigh(lower.T @ covariance @ lower)
    values, vectors = values.flip(0), vectors.flip(1)
    directions = torch.linalg.solve(lower.T, vectors[:, :dims] * values[:dims].clamp(min=0).sqrt()).T
    gain = _evidence(judged, mean, directions)
    return LinearMotion(mean.float(), directions.float(), values.float(), gain)


def fit_held_motion(
    statistics: ModeStatistics,
    dims: int,
    stiffness: float,
    errors: torch.Tensor | None,
    held_out: np.ndarray | None,
    team: Team | None = None,
) -> LinearMotion:
    """As `fit_linear_motion` where some of the molecule stands still: the first six coefficients are poses alone."""
    known = statistics if errors is None else beyond_poses(statistics, errors)
    elastic = slice(RIGID_MOTIONS, None)
    known = ModeStatistics(known.curvature[:, elastic, elastic].contiguous(), known.gradient[:, elastic].contiguous())
    motion = fit_linear_motion(known, dims, stiffness=stiffness, held_out=held_out, team=team)
    mean, directions = (nn.functional.pad(values, (RIGID_MOTIONS, 0)) for values in (motion.mean, motion.directions))
    return LinearMotion(mean, directions, motion.information, motion.gain)


def beyond_poses(statistics: ModeStatistics, errors: torch.Tensor) -> ModeStatistics:
    """What images say of the coefficients when the pose, off by ``errors`` ``(6, 6)``, is marginalised.

    For curvature C and gradient b, with C_r the columns of the first six and S = (C_rr + errors⁻¹)⁻¹:
    C − C_r S C_rᵀ and b − C_r S b_r.
    """
    curvature, gradient = statistics.curvature, statistics.gradient
    rigid = slice(0, RIGID_MOTIONS)
    inverse = torch.linalg.inv(errors + 1e-6 * torch.eye(RIGID_MOTIONS, dtype=errors.dtype, device=errors.device))
    explained = curvature[:, :, rigid] @ torch.linalg.inv(curvature[:, rigid, rigid] + inverse)
    return ModeStatistics(
        curvature - explained @ curvature[:, rigid], gradient - (explained @ gradient[:, rigid, None]).squeeze(-1)
    )


def pose_covariance(statistics: ModeStatistics, covariance: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Covariance ``(6, 6)`` of the first six coefficients that no elastic one goes along with, and what does.

    The second, ``(6, m)``, gives the part of the first six that is to be expected with coefficients ``(m,)``. Only
    those elastic directions count that stand above the noise: regressing on noise would explain errors away.
    """
    rigid, elastic = slice(0, RIGID_MOTIONS), slice(RIGID_MOTIONS, None)
    mean_curvature = statistics.curvature.mean(dim=0)[elastic, elastic]
    lower = torch.linalg.cholesky(mean_curvature + _ridge(mean_curvature))
    within = covariance[elastic, elastic]
    values, vectors = torch.linalg.eigh(lower.T @ within @ lower)
    last = torch.arange(len(values), device=values.device) >= len(values) - MOST_STRONG
    strong = vectors[:, (values > STRONG) & last]
    axes = lower @ strong  # coefficients e give places y = axesᵀ e along the directions
    along = axes.T @ within @ axes
    lead = covariance[rigid, elastic] @ axes @ torch.linalg.inv(along) if strong.shape[1] else axes.new_zeros(6, 0)
    errors = covariance[rigid, rigid] - lead @ along @ lead.T
    whole = torch.cat([torch.zeros_like(errors), lead @ axes.T], dim=1)
    return (errors + errors.T) / 2, whole


def residual_poses(
    statistics: ModeStatistics, mean: torch.Tensor, covariance: torch.Tensor, leads: torch.Tensor, errors: torch.Tensor
) -> torch.Tensor:
    """The errors of poses ``(n, 6)``, most likely in every image, in coefficients of the first six modes.

    Of the posterior means of all coefficients, the first six less what goes along with the others.
    """
    prior = covariance.clone()
    prior[:RIGID_MOTIONS, :RIGID_MOTIONS] += 1e-3 * errors  # never flat
    inverse = torch.linalg.inv(prior + _ridge(prior))
    right = statistics.gradient + inverse @ mean
    centre = torch.linalg.solve(statistics.curvature + inverse, right[:, :, None]).squeeze(-1) - mean
    return centre[:, :RIGID_MOTIONS] - centre @ leads.T


def _evidence(statistics: ModeStatistics, mean: torch.Tensor, directions: torch.Tensor) -> float:
    """Mean log evidence of ``mean + z @ directions``, z ~ N(0, 1), over no motion at all, nats per image."""
    curvature, gradient = statistics.curvature, statistics.gradient
    precision = directions @ curvature @ directions.T + torch.eye(len(directions)).to(gradient)
    along = (gradient - curvature @ mean) @ directions.T
    z = torch.linalg.solve(precision, along[:, :, None])[:, :, 0]
    moving = 0.5 * ((along * z).sum(dim=1) - torch.logdet(precision))
    return float((moving + gradient @ mean - 0.5 * (curvature @ mean) @ mean).mean())


@torch.no_grad()
def set_linear(flow: Flow, motion: LinearMotion) -> None:
    """Make the flow equal to a linear motion: the network's last layer silent but for its bias."""
    modes = len(motion.mean)
    flow.linear.weight.zero_()
    flow.linear.weight[:modes] = motion.directions.T / AMPLITUDE
    last = flow.layer(-1)
    last.weight.zero_()
    last.bias.zero_()
    last.bias[:modes] = motion.mean / AMPLITUDE

"""How much of each piece of a molecule an image shows, beside the mean of all, with motion and pose marginalised.

With c the coefficients of the soft modes, c ~ N(μ, Σ), Σ found together with the parts' own variance, the log evidence
of amplitudes a over none is

    b·a − ½ a·C a,   C = C_aa − C_am S C_ma,   b = b_a − C_am μ − C_am S (b_m − C_mm μ),   S = (C_mm + Σ⁻¹)⁻¹

for curvature C_.. and gradient b_. of the image (`mode_model.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from ...training.team import Team
from ..flow.mode_model import ModeStatistics, fit_covariance


@dataclass(frozen=True)
class Amplitudes:
    """What n images say of the amplitudes of p parts: ``curvature`` ``(n, p, p)``, ``gradient`` ``(n, p)``."""

    curvature: torch.Tensor
    gradient: torch.Tensor

    def belongs(self, groups: list[list[int]]) -> torch.Tensor:
        """Which of the parts each group has ``(p, g)``, as ones and zeros."""
        belongs = torch.zeros(self.gradient.shape[1], len(groups)).to(self.gradient)
        for number, group in enumerate(groups):
            belongs[group, number] = 1
        return belongs

    def grouped(self, groups: list[list[int]]) -> Amplitudes:
        """Of groups of parts, each with one amplitude."""
        return self.along(self.belongs(groups))

    def along(self, directions: torch.Tensor) -> Amplitudes:
        """Of amplitudes along ``directions`` ``(p, g)``: how much of each part one of each is."""
        return Amplitudes(directions.T @ self.curvature @ directions, self.gradient @ directions)

    def softened(self, variance: torch.Tensor) -> Amplitudes:
        """With amplitudes that vary by N(0, V) whether a part is there or not, marginalised; ``variance`` ``(p, p)``.

        C − C V (1 + C V)⁻¹ C and b − C V (1 + C V)⁻¹ b. Evidence is then beyond what such a variation explains.
        """
        spread = self.curvature @ variance
        taken = torch.linalg.solve(torch.eye(len(variance)).to(spread) + spread, spread, left=False)  # C V (1 + C V)⁻¹
        return Amplitudes(
            self.curvature - taken @ self.curvature, self.gradient - (taken @ self.gradient[:, :, None]).squeeze(-1)
        )

    def scaled(self, extent: float) -> Amplitudes:
        """Of amplitudes in units of ``extent``."""
        return Amplitudes(self.curvature * extent**2, self.gradient * extent)

    def beyond(self, amplitude: torch.Tensor) -> Amplitudes:
        """Of what there is beyond an ``amplitude`` ``(n, p)``, or ``(p,)`` of all images."""
        own = self.curvature @ amplitude[..., None]
        return Amplitudes(self.curvature, self.gradient - own.squeeze(-1))

    def of(self, rows: torch.Tensor) -> Amplitudes:
        """Of some images, ``(n,)`` bool."""
        return Amplitudes(self.curvature[rows], self.gradient[rows])


def amplitudes(
    statistics: ModeStatistics, modes: int, part: np.ndarray, stiffness: float, fitted: torch.Tensor,
    team: Team | None = None,
) -> Amplitudes:  # fmt: skip
    """What images say of the pieces' amplitudes, motion and pose being marginalised.

    ``statistics`` are of ``modes`` soft modes and, after them, the pieces, of which ``part`` ``(q,)`` tells where they
    belong; ``fitted`` ``(n,)`` bool, images from which the covariance of the modes is found, together with that of
    whole parts; ``stiffness`` of the modes, and ``team``, as in `fit_covariance`.
    """
    curvature, gradient = statistics.curvature, statistics.gradient
    whole = [[mode] for mode in range(modes)]
    whole += [(modes + np.flatnonzero(part == number)).tolist() for number in range(part.max() + 1)]
    some = Amplitudes(curvature[fitted], gradient[fitted]).grouped(whole)
    stiffnesses = torch.zeros_like(some.gradient[0])
    stiffnesses[:modes] = stiffness
    of_parts = ModeStatistics(some.curvature, some.gradient)
    mean, covariance = fit_covariance(of_parts, stiffness=stiffnesses, team=team)
    mean, covariance = mean[:modes], covariance[:modes, :modes]
    inverse = torch.linalg.inv(covariance + 1e-9 * covariance.diagonal().mean() * torch.eye(modes).to(covariance))
    own, shared = curvature[:, :modes, :modes], curvature[:, modes:, :modes]
    explained = shared @ torch.linalg.inv(own + inverse)  # C_am S
    left = gradient[:, :modes] - own @ mean
    return Amplitudes(
        curvature[:, modes:, modes:] - explained @ shared.transpose(1, 2),
        gradient[:, modes:] - shared @ mean - (explained @ left[:, :, None]).squeeze(-1),
    )

"""Which parts some particles lack, told from images before anything is trained, with motion and pose marginalised.

The molecule at rest has the mean of all particles: of a part that a share p of them has, p times its density. An image
is linear in how much more of a part it has than that mean: a = s / p − 1, s being 1 or 0. The two places are known, and
that tells absence from motion: a part that moves looks fainter in its mean place by a fraction, and never as if nothing
were there. With c the coefficients of the soft modes, c ~ N(μ, Σ), Σ found together with the parts' own variance, the
log evidence of amplitudes a over none is

    b·a − ½ a·C a,   C = C_aa − C_am S C_ma,   b = b_a − C_am μ − C_am S (b_m − C_mm μ),   S = (C_mm + Σ⁻¹)⁻¹

for curvature C_.. and gradient b_. of the image (`mode_model.py`). Each group of parts is there or not, all of a group
together, groups independently; which groups there are is found by adding one part at a time, as long as images that
shares were not fitted to are explained better.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
import torch

from ...training.incomplete_images import LEAST_SHARE
from ...training.team import Team
from ..flow.mode_model import ModeStatistics, fit_covariance

LEAST_GAIN, CERTAIN = 0.05, 3.0  # nats per image that a part must explain; standard errors that it is from zero
MOST_GROUPS = 5
VARIATION = 0.05  # variance that a moving part's amplitude has for its motion is not quite what is marginalised
_SPREADS = tuple(0.01 * 2**power for power in range(10))  # variances of an amplitude that are tried
# how much of a part comes and goes: all, or, where a mean of few of the particles has little of it and something of its
# neighbours besides, most
EXTENTS = (1.0, 0.7)
ITERATIONS, STARTS = 20, (0.5, 0.95)
FOLDS = 5  # of the images, by which two places and a spread of amplitudes are compared


@dataclass(frozen=True)
class Amplitudes:
    """What n images say of the amplitudes of p parts: ``curvature`` ``(n, p, p)``, ``gradient`` ``(n, p)``."""

    curvature: torch.Tensor
    gradient: torch.Tensor

    def grouped(self, groups: list[list[int]]) -> Amplitudes:
        """Of groups of parts, each with one amplitude."""
        belongs = torch.zeros(self.gradient.shape[1], len(groups)).to(self.gradient)
        for number, group in enumerate(groups):
            belongs[group, number] = 1
        return Amplitudes(belongs.T @ self.curvature @ belongs, self.gradient @ belongs)

    def softened(self, variance: float) -> Amplitudes:
        """With amplitudes that vary by N(0, ``variance``) whether a part is there or not, marginalised.

        C − C (C + 1/v)⁻¹ C and b − C (C + 1/v)⁻¹ b. Evidence is then beyond what such a variation explains.
        """
        parts = torch.eye(self.gradient.shape[1]).to(self.gradient)
        taken = self.curvature @ torch.linalg.inv(self.curvature + parts / variance)
        return Amplitudes(
            self.curvature - taken @ self.curvature, self.gradient - (taken @ self.gradient[:, :, None]).squeeze(-1)
        )

    def scaled(self, extent: float) -> Amplitudes:
        """Of amplitudes in units of ``extent``."""
        return Amplitudes(self.curvature * extent**2, self.gradient * extent)

    def of(self, rows: torch.Tensor) -> Amplitudes:
        """Of some images, ``(n,)`` bool."""
        return Amplitudes(self.curvature[rows], self.gradient[rows])


@dataclass(frozen=True)
class Fading:
    """What comes and goes.

    Attributes
    ----------
    groups : of parts that are there together. share : ``(g,)`` of the particles that have each.
    present : ``(n, g)`` probability of each image to have it.
    gain : nats per image that this explains beyond motion, of images that shares were not fitted to.
    """

    groups: list[list[int]]
    share: torch.Tensor
    present: torch.Tensor
    gain: float

    def all_of_it(self, parts: int) -> int | None:
        """The number of the group that is all ``parts``, if one is: images without it are none of the molecule."""
        return next((number for number, group in enumerate(self.groups) if len(group) == parts), None)

    @property
    def group_of(self) -> dict[int, int]:
        """The group of each part that comes and goes."""
        return {part: number for number, group in enumerate(self.groups) for part in group}


def amplitudes(
    statistics: ModeStatistics, modes: int, stiffness: float, fitted: torch.Tensor, team: Team | None = None
) -> Amplitudes:
    """What images say of the parts' amplitudes, motion and pose being marginalised.

    ``statistics`` are of ``modes`` soft modes and the parts after them; ``fitted`` ``(n,)`` bool, images from which the
    covariance of the modes is found; ``stiffness`` of the modes, and ``team``, as in `fit_covariance`.
    """
    curvature, gradient = statistics.curvature, statistics.gradient
    stiffnesses = torch.zeros(gradient.shape[1], dtype=gradient.dtype, device=gradient.device)
    stiffnesses[:modes] = stiffness
    some = ModeStatistics(curvature[fitted], gradient[fitted])
    mean, covariance = fit_covariance(some, stiffness=stiffnesses, team=team)
    mean, covariance = mean[:modes], covariance[:modes, :modes]
    inverse = torch.linalg.inv(covariance + 1e-9 * covariance.diagonal().mean() * torch.eye(modes).to(covariance))
    own, shared = curvature[:, :modes, :modes], curvature[:, modes:, :modes]
    explained = shared @ torch.linalg.inv(own + inverse)  # C_am S
    left = gradient[:, :modes] - own @ mean
    return Amplitudes(
        curvature[:, modes:, modes:] - explained @ shared.transpose(1, 2),
        gradient[:, modes:] - shared @ mean - (explained @ left[:, :, None]).squeeze(-1),
    )


def explain_by_presence(
    amplitudes: Amplitudes, share: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Log evidence ``(n,)`` over all of it always there, and the probability ``(n, g)`` of each group's presence.

    ``share`` ``(g,)`` of the particles have each group.
    """
    states = torch.tensor(list(product((0.0, 1.0), repeat=len(share)))).to(share)  # (2^g, g)
    prior = (states * share.log() + (1 - states) * (1 - share).log()).sum(dim=1)
    place = states / share - 1
    bend = torch.einsum("sg,ngh,sh->ns", place, amplitudes.curvature, place)
    log_odds = prior + amplitudes.gradient @ place.T - 0.5 * bend
    return torch.logsumexp(log_odds, dim=1), torch.softmax(log_odds, dim=1) @ states


def fit_shares(amplitudes: Amplitudes) -> torch.Tensor:
    """The share ``(g,)`` of the particles that have each group, by expectation–maximisation.

    From several starts, of which the one counts that explains the images best: steps may end where a part that is
    always there is said to be hardly ever there, and then to be many times as strong.
    """
    ends = []
    for start in STARTS:
        share = torch.full_like(amplitudes.gradient[0], start)
        for _ in range(ITERATIONS):
            share = explain_by_presence(amplitudes, share)[1].mean(dim=0).clamp(LEAST_SHARE, 1 - LEAST_SHARE)
        ends.append((float(explain_by_presence(amplitudes, share)[0].mean()), share))
    return max(ends, key=lambda end: end[0])[1]


def find_fading(amplitudes: Amplitudes, held_out: torch.Tensor, most: int, strictness: float = 1.0) -> Fading | None:
    """The groups of parts that come and go, at most ``most``; None where all is always there.

    ``held_out`` ``(n,)`` bool, images that judge; ``strictness`` multiplies what a part must explain of them.
    """
    softened = amplitudes.softened(VARIATION)
    tries = [_search(softened.scaled(extent), held_out, most, strictness) for extent in EXTENTS]
    return max((fading for fading in tries if fading), key=lambda fading: fading.gain, default=None)


def _search(amplitudes: Amplitudes, held_out: torch.Tensor, most: int, strictness: float) -> Fading | None:
    """As `find_fading`, of softened amplitudes in units of how much of a part comes and goes."""
    parts, best = amplitudes.gradient.shape[1], torch.zeros_like(amplitudes.gradient[held_out][:, 0])
    groups: list[list[int]] = []
    free = list(range(parts))
    while free and (tries := _one_more(groups, free, min(most, MOST_GROUPS))):
        judged = [_judged(amplitudes, held_out, each) for each in tries]
        chosen = int(np.argmax([float(each.mean()) for each in judged]))
        more = judged[chosen] - best
        error = float(more.std()) / len(more) ** 0.5
        if float(more.mean()) < strictness * max(LEAST_GAIN, CERTAIN * error):
            break
        added = next(part for part in free if any(part in group for group in tries[chosen]))
        if not _two_places(_residual_amplitudes(amplitudes, groups, added)):
            free.remove(added)
            continue
        groups, best = tries[chosen], judged[chosen]
        free = [part for part in free if not any(part in group for group in groups)]
    if not groups:
        return None
    of_groups = amplitudes.grouped(groups)
    share = fit_shares(of_groups.of(~held_out))
    return Fading(groups, share, explain_by_presence(of_groups, share)[1], float(best.mean()))


def _residual_amplitudes(amplitudes: Amplitudes, groups: list[list[int]], part: int) -> Amplitudes:
    """What images say of a part's amplitude beyond what the ``groups`` explain that come and go already."""
    alone = amplitudes.grouped([[part]])
    others = [[other for other in group if other != part] for group in groups]
    if not others:
        return alone
    of_groups = amplitudes.grouped(others)
    share = fit_shares(of_groups)
    place = explain_by_presence(of_groups, share)[1] / share - 1
    amplitude = torch.zeros_like(amplitudes.gradient)
    for number, group in enumerate(others):
        amplitude[:, group] = place[:, number, None]
    explained = (amplitudes.curvature[:, part] * amplitude).sum(dim=1, keepdim=True)
    return Amplitudes(alone.curvature, alone.gradient - explained)


def _two_places(alone: Amplitudes) -> bool:
    """Whether images see a part rather at two places, there or not, than vary by some amount.

    What motion leaves unexplained varies by some amount, which normal amplitudes N(0, v) take up: log evidence
    ½ b² v / (1 + v c) − ½ log (1 + v c). So moving is preferred to fading. Each image is judged by a share and a
    variance that were fitted to four fifths of the others.
    """
    more = torch.zeros_like(alone.gradient[:, 0])
    fold = torch.arange(len(more), device=more.device) % FOLDS
    for number in range(FOLDS):
        fitted, judged = alone.of(fold != number), alone.of(fold == number)
        spread = max(_SPREADS, key=lambda v: float(_normal_evidence(fitted, v).mean()))
        presence = explain_by_presence(judged, fit_shares(fitted))[0]
        more[fold == number] = presence - _normal_evidence(judged, spread)
    return float(more.mean()) > CERTAIN * float(more.std()) / len(more) ** 0.5


def _normal_evidence(alone: Amplitudes, variance: float) -> torch.Tensor:
    bend, gradient = 1 + variance * alone.curvature[:, 0, 0], alone.gradient[:, 0]
    return 0.5 * (gradient**2 * variance / bend - bend.log())


def _one_more(groups: list[list[int]], free: list[int], most: int) -> list[list[list[int]]]:
    """All ways to add one of the ``free`` parts: to a group, or as one of its own."""
    tries = [[*groups[:i], [*groups[i], part], *groups[i + 1 :]] for part in free for i in range(len(groups))]
    return tries + [[*groups, [part]] for part in free if len(groups) < most]


def _judged(amplitudes: Amplitudes, held_out: torch.Tensor, groups: list[list[int]]) -> torch.Tensor:
    """Log evidence ``(m,)`` of held-out images, shares being fitted to the others."""
    of_groups = amplitudes.grouped(groups)
    return explain_by_presence(of_groups.of(held_out), fit_shares(of_groups.of(~held_out)))[0]

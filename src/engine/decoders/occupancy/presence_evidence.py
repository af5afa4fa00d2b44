"""How well images are explained by groups of pieces that are there or not, and by amounts that vary.

The molecule at rest has the mean of all particles: of a part that a share p of them has, p times its density. An image
is linear in how much more of a part it has than that mean: a = s / p − 1, s being 1 or 0.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import torch

from ...training.incomplete_images import LEAST_SHARE
from ..flow.mode_model import ModeStatistics, fit_covariance
from .amplitudes import Amplitudes

ITERATIONS, STARTS = 20, (0.5, 0.95)
TURNS, VARIATION_ITERATIONS = 3, 30  # of finding presence and variation by each other, and variation by itself
LEAST_FOLLOWED, LEAST_VARIANCE = 0.5, 0.05  # of a piece's amount, of which another's is a share; that varies at all
MOST_OF_PIECE = 1.3  # that may come and go: above 1, for a piece's density may be the fainter for its motion
_SPREADS = tuple(0.01 * 2**power for power in range(10))  # variances of an amplitude that are tried


def explain_by_presence(
    amplitudes: Amplitudes, share: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Log evidence ``(n,)`` over all of it always there, and the probability ``(n, g)`` of each group's presence.

    ``share`` ``(g,)`` of the particles have each group.
    """
    states = _states(share)
    prior = (states * share.log() + (1 - states) * (1 - share).log()).sum(dim=1)
    log_odds = prior + _explained(amplitudes, states / share - 1)
    return torch.logsumexp(log_odds, dim=1), torch.softmax(log_odds, dim=1) @ states


def _states(share: torch.Tensor) -> torch.Tensor:
    """All combinations ``(2^g, g)`` of groups that are there, as ones and zeros."""
    return torch.tensor(list(product((0.0, 1.0), repeat=len(share)))).to(share)


def _explained(amplitudes: Amplitudes, place: torch.Tensor) -> torch.Tensor:
    """Log evidence ``(n, s)`` of amplitudes at each ``place`` ``(s, g)``."""
    bend = torch.einsum("sg,ngh,sh->ns", place, amplitudes.curvature, place)
    return amplitudes.gradient @ place.T - 0.5 * bend


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


def shares_together(amplitudes: Amplitudes) -> np.ndarray:
    """The share of the particles that have both of two groups ``(g, g)``, each alone in the diagonal.

    By expectation–maximisation over all combinations of groups, which need not be independent.
    """
    share = fit_shares(amplitudes)
    states = _states(share)
    log_odds = _explained(amplitudes, states / share - 1)
    often = torch.full_like(states[:, 0], 1 / len(states))
    for _ in range(ITERATIONS):
        often = torch.softmax(log_odds + often.log(), dim=1).mean(dim=0).clamp(min=1e-9)
    return torch.einsum("s,sg,sh->gh", often, states, states).cpu().numpy()


def spread_of(alone: Amplitudes) -> float:
    """The variance of a normal amplitude, of a single piece, that explains images best."""
    return max(_SPREADS, key=lambda variance: float(explain_by_spread(alone, variance).mean()))


def explain_by_spread(alone: Amplitudes, variance: float) -> torch.Tensor:
    """Log evidence ``(n,)`` of a normal amplitude N(0, v): ½ b² v / (1 + v c) − ½ log (1 + v c)."""
    bend, gradient = 1 + variance * alone.curvature[:, 0, 0], alone.gradient[:, 0]
    return 0.5 * (gradient**2 * variance / bend - bend.log())


def explain_by_both(
    amplitudes: Amplitudes, groups: list[list[int]], held_out: torch.Tensor, variance: torch.Tensor
) -> torch.Tensor:
    """Log evidence ``(m,)`` of held-out images, groups being there or not and all else varying as it may.

    The amounts of all pieces vary by N(μ, V) beside presence, V fitted with it to the other images, from ``variance``
    ``(q, q)`` on. Density that goes from one place to another does that, and needs no presence then. Of each piece of a
    group as much comes and goes as explains those images best, up to `MOST_OF_PIECE`: it may hold some of a neighbour.
    """
    fitted, judged = amplitudes.of(~held_out), amplitudes.of(held_out)
    if not groups:
        return explain_by_normal(judged, *_fit_variation(fitted))
    mean, extent = torch.zeros_like(amplitudes.gradient[0]), amplitudes.belongs(groups)
    for _ in range(TURNS):
        beside = fitted.beyond(mean).softened(variance)
        extent = fit_extents(beside, groups, extent)
        amplitude = presence_amplitude(beside.along(extent))
        mean, variance = _fit_variation(fitted.beyond(amplitude @ extent.T))
    share = fit_shares(fitted.beyond(mean).softened(variance).along(extent))
    beside = judged.beyond(mean).softened(variance).along(extent)
    return explain_by_normal(judged, mean, variance) + explain_by_presence(beside, share)[0]


def fit_extents(amplitudes: Amplitudes, groups: list[list[int]], extent: torch.Tensor | None = None) -> torch.Tensor:
    """How much of each piece comes and goes with its group ``(q, g)``, 0 of the others; by ``extent``, or all, before.

    Least squares, each group beside the others: Σ a² C x = Σ a b over the images, a being a group's amplitude.
    """
    extent = amplitudes.belongs(groups) if extent is None else extent
    amplitude = presence_amplitude(amplitudes.along(extent))
    fitted = torch.zeros_like(extent)
    for number, group in enumerate(groups):
        own = amplitude[:, number]
        others = amplitude @ extent.T - own[:, None] * extent[:, number]
        gradient = amplitudes.beyond(others).gradient[:, group]
        curvature = torch.einsum("n,nqr->qr", own**2, amplitudes.curvature[:, group][:, :, group])
        fitted[group, number] = torch.linalg.solve(curvature, own @ gradient).clamp(0, MOST_OF_PIECE)
    return fitted


def presence_amplitude(amplitudes: Amplitudes) -> torch.Tensor:
    """The amplitude ``(n, g)`` that each group most likely has in each image."""
    share = fit_shares(amplitudes)
    return explain_by_presence(amplitudes, share)[1] / share - 1


def varying_together(amplitudes: Amplitudes) -> list[list[int]]:
    """For each piece whose amount varies, the pieces whose amounts follow it by at least half, itself included.

    By the covariance of amounts that explains the images best. Pieces of a chain that is entwined with another are
    found so, though no cut of the mesh parts the two.
    """
    covariance = _fit_variation(amplitudes)[1].cpu().numpy()
    variance = covariance.diagonal()
    follow = [np.flatnonzero(covariance[piece] >= LEAST_FOLLOWED * variance[piece]).tolist()
              for piece in np.argsort(-variance) if variance[piece] > LEAST_VARIANCE]  # fmt: skip
    return [list(together) for together in dict.fromkeys(map(tuple, follow)) if len(together) > 1]


def _fit_variation(amplitudes: Amplitudes) -> tuple[torch.Tensor, torch.Tensor]:
    return fit_covariance(ModeStatistics(amplitudes.curvature, amplitudes.gradient), VARIATION_ITERATIONS)


def explain_by_normal(amplitudes: Amplitudes, mean: torch.Tensor, variance: torch.Tensor) -> torch.Tensor:
    """Log evidence ``(n,)`` of amplitudes N(``mean`` ``(q,)``, ``variance`` ``(q, q)``).

    ½ (b + b')·μ + ½ b'·V (1 + C V)⁻¹ b' − ½ log det (1 + C V), b' = b − C μ.
    """
    left = amplitudes.beyond(mean).gradient
    turn = torch.eye(len(variance)).to(variance) + amplitudes.curvature @ variance
    explained = (left * (torch.linalg.solve(turn, left) @ variance)).sum(dim=1)
    return 0.5 * ((amplitudes.gradient + left) @ mean + explained - torch.linalg.slogdet(turn)[1])

"""How well latents tell the true state: rank correlation, and prediction of the angle of left-out particles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree
from scipy.stats import rankdata

_NEIGHBOURS = (4, 16, 64, 256)


@dataclass(frozen=True)
class LatentScore:
    """One hinge's score.

    spearman : |rank correlation| of the true angle with the best single latent coordinate (NaN for a full turn)
    predicted : correlation of the true angle with its cross-validated prediction from all coordinates: Spearman, or
        for a full turn the circular correlation
    error : median absolute error of that prediction, degrees
    """

    spearman: float
    predicted: float
    error: float


def spearman(first: np.ndarray, second: np.ndarray) -> float:
    """Spearman's rank correlation of two ``(n,)`` arrays; 0 where one of them is constant."""
    a, b = (rankdata(values) - (len(values) + 1) / 2 for values in (first, second))
    power = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / power) if power > 0 else 0.0


def circular_correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Correlation of two angles ``(n,)`` in degrees (Fisher & Lee, Biometrika 70, 327, 1983).

    Sum over pairs of sin(aᵢ − aⱼ) sin(bᵢ − bⱼ), normalised: 1 where b = a + constant, −1 where b = −a + constant.
    It needs no mean direction, which uniform angles do not have.
    """
    a, b = np.radians(first), np.radians(second)
    cross = (np.cos(a) @ np.cos(b)) * (np.sin(a) @ np.sin(b)) - (np.cos(a) @ np.sin(b)) * (np.sin(a) @ np.cos(b))
    spread = [len(x) ** 2 - abs(np.exp(2j * x).sum()) ** 2 for x in (a, b)]
    power = np.sqrt(spread[0] * spread[1])
    return float(4 * cross / power) if power > 1e-9 * len(a) ** 2 else 0.0


def predict(latents: np.ndarray, target: np.ndarray, folds: int = 5, seed: int = 0) -> np.ndarray:
    """Predict ``target`` ``(n, t)`` from ``latents`` ``(n, k)``, each particle from the folds that it is not in.

    Mean of the nearest neighbours in latent space; how many (4 … 256) is chosen inside the training folds.
    """
    fold = np.random.default_rng(seed).permutation(len(latents)) % folds
    predicted = np.empty_like(target, dtype=np.float64)
    for left_out in range(folds):
        train, test = fold != left_out, fold == left_out
        count = _best_count(latents[train], target[train])
        predicted[test] = _neighbour_mean(latents[train], target[train], latents[test], count)
    return predicted


def _best_count(latents: np.ndarray, target: np.ndarray) -> int:
    """Number of neighbours with the least squared error when half of the particles predict the other half."""
    counts = [count for count in _NEIGHBOURS if count <= len(latents) // 2] or [1]
    one, two = slice(0, None, 2), slice(1, None, 2)
    errors = [
        np.sum((_neighbour_mean(latents[one], target[one], latents[two], count) - target[two]) ** 2) for count in counts
    ]
    return counts[int(np.argmin(errors))]


def _neighbour_mean(latents: np.ndarray, target: np.ndarray, query: np.ndarray, count: int) -> np.ndarray:
    nearest = cKDTree(latents).query(query, k=count)[1].reshape(len(query), count)
    return target[nearest].mean(axis=1)


def score_latents(latents: np.ndarray, angle: np.ndarray, circular: bool = False) -> LatentScore:
    """Score latents ``(n, k)`` against one hinge's true angles ``(n,)`` in degrees; ``circular``: a full turn."""
    latents = np.asarray(latents, np.float64).reshape(len(angle), -1)
    if not circular:
        best = max(abs(spearman(column, angle)) for column in latents.T)
        guess = predict(latents, angle[:, None])[:, 0]
        return LatentScore(best, spearman(guess, angle), float(np.median(np.abs(guess - angle))))
    radians = np.radians(angle)
    guess = predict(latents, np.stack([np.cos(radians), np.sin(radians)], axis=1))
    guess = np.degrees(np.arctan2(guess[:, 1], guess[:, 0]))
    error = np.abs((guess - angle + 180) % 360 - 180)
    return LatentScore(float("nan"), circular_correlation(guess, angle), float(np.median(error)))


def presence_told(presence: np.ndarray, absent: np.ndarray) -> np.ndarray:
    """Of each part ``(p,)``: the share of the particles of which it is rightly told to be there or not.

    By that column of ``presence`` ``(n, q)``, 0…1, which tells it best. absent : (n, p) bool.
    """
    present = presence > 0.5
    return (present[:, :, None] == ~absent[:, None]).mean(axis=0).max(axis=0)

"""Which images are particles of this molecule: a probability for each, which weighs all that is learned from it.

An image of the molecule resembles the model's image as strongly as its own signal is strong; junk does not at all, and
another molecule does less. For every image two numbers are found: the scale of the model's image that fits it best, and
how much of the image the model leaves beyond noise at that scale. Over all images they form one cloud where all are
particles, and further clouds apart from it where some are not. A mixture of normal distributions tells them apart, if
they can be told apart; how many there are is decided by the Bayesian information criterion (Schwarz 1978). Particles
whose signal is weak, as those of a micrograph of thick ice, may form a cloud of their own. They leave no more than the
others do, which another molecule does, and resemble the model still, which junk does not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from .batches import Batch

MOST_CLOUDS = 3
ITERATIONS = 200
APART = 3.0  # standard deviations between two clouds that are worth telling apart
ALIKE = 0.85  # of the particles' scale: a cloud above this is a state of the molecule, whatever it leaves over
NOTHING = 0.3  # of the particles' scale: a cloud below this does not resemble the model
MORE = 0.5  # of the median deviation: a cloud that leaves so much more than the particles' is no weaker one of theirs
ROBUST = (0.1, 99.9)  # percentiles beyond which an image does not shape the clouds


@dataclass
class Membership:
    """The probability ``(n,)`` of each image to be a particle of the molecule."""

    probability: torch.Tensor
    foreign: int = 0  # images that were last said to be none
    whole: bool = True  # whether no image is in doubt: asked of every batch, and so not looked up in all of them

    @classmethod
    def all(cls, count: int, device: str | torch.device) -> Membership:
        """Every image is one."""
        return cls(torch.ones(count, device=device))

    def learn(self, probability: torch.Tensor) -> None:
        """Take another probability ``(n,)``."""
        self.probability, self.whole = probability, bool((probability == 1).all())

    def weighted(self, batch: Batch) -> Batch:
        """The batch with the weights of its images."""
        return batch if self.whole else replace(batch, weight=self.probability[batch.rows])

    def members(self, rows: np.ndarray) -> np.ndarray:
        """Of ``rows`` ``(m,)`` int, those with a probability above one half."""
        return rows[(self.probability[rows] > 0.5).cpu().numpy()]


def particle_probability(alike: np.ndarray) -> np.ndarray:
    """The probability ``(n,)`` of being a particle, from the `resemblance` ``(n, 2)`` of all images to the model.

    Ones where all images form one cloud.
    """
    low, high = np.percentile(alike, ROBUST, axis=0)
    inside = ((alike >= low) & (alike <= high)).all(axis=1)
    scale = np.maximum(np.median(np.abs(alike - np.median(alike, axis=0)), axis=0), 1e-9)
    points = alike / scale
    fits = [_fit(points[inside], labels) for labels in _slices(points[inside, 0])]
    best = min(fits, key=lambda fit: fit.criterion)
    main = int(best.share.argmax())
    others = [cloud for cloud in range(len(best.share)) if cloud != main and _is_foreign(best, main, cloud)]
    if not others:
        return np.ones(len(alike))
    density = best.log_density(points)
    odds = np.logaddexp.reduce(density[:, others], axis=1) - np.logaddexp.reduce(np.delete(density, others, 1), axis=1)
    probability = 1 / (1 + np.exp(np.clip(odds, -50, 50)))
    # far from all clouds, on the side of the particles, is a particle of strong signal
    return np.where(alike[:, 0] > best.mean[main, 0] * scale[0], np.maximum(probability, 0.5), probability)


@dataclass(frozen=True)
class _Mixture:
    """Normal distributions in two dimensions: ``share`` ``(c,)``, ``mean`` ``(c, 2)``, ``covariance`` ``(c, 2, 2)``."""

    share: np.ndarray
    mean: np.ndarray
    covariance: np.ndarray
    criterion: float = 0.0

    def log_density(self, points: np.ndarray) -> np.ndarray:
        """Logarithm of share times density ``(n, c)``."""
        apart = points[:, None] - self.mean
        solved = np.einsum("ncd,cde,nce->nc", apart, np.linalg.inv(self.covariance), apart)
        return np.log(self.share) - 0.5 * (solved + np.linalg.slogdet(self.covariance)[1]) - np.log(2 * np.pi)


def _is_foreign(mixture: _Mixture, main: int, cloud: int) -> bool:
    """Whether a cloud lies apart from the particles', resembles the model less, and is no weaker one of theirs."""
    away = mixture.mean[cloud] - mixture.mean[main]
    pooled = (mixture.covariance[main] + mixture.covariance[cloud]) / 2
    apart = np.sqrt(away @ np.linalg.solve(pooled, away))
    alike = mixture.mean[cloud, 0] / mixture.mean[main, 0]
    return bool(apart > APART and alike < ALIKE and (alike < NOTHING or away[1] > MORE))


def _slices(values: np.ndarray) -> list[np.ndarray]:
    """Clouds to begin with, a label ``(n,)`` for each of the ``values`` ``(n,)``: as many in each, or as wide.

    From slices of as many, two small clouds would begin, and end, as one.
    """
    rank = np.argsort(np.argsort(values))
    place = (values - values.min()) / max(np.ptp(values), 1e-30)
    even = [rank * clouds // len(values) for clouds in range(1, MOST_CLOUDS + 1)]
    wide = [np.minimum((place * clouds).astype(np.int64), clouds - 1) for clouds in range(2, MOST_CLOUDS + 1)]
    return even + wide


def _fit(points: np.ndarray, label: np.ndarray) -> _Mixture:
    """A mixture by expectation–maximisation, begun with clouds as the ``label`` ``(n,)`` says."""
    clouds = int(label.max()) + 1
    chance = np.eye(clouds)[label]
    floor = 1e-3 * np.cov(points.T)
    before = -np.inf
    for _ in range(ITERATIONS):
        share = chance.mean(axis=0) + 1e-9
        mean = chance.T @ points / (len(points) * share)[:, None]
        apart = points[:, None] - mean
        covariance = np.einsum("nc,ncd,nce->cde", chance, apart, apart) / (len(points) * share)[:, None, None] + floor
        mixture = _Mixture(share / share.sum(), mean, covariance)
        density = mixture.log_density(points)
        total = np.logaddexp.reduce(density, axis=1)
        chance = np.exp(density - total[:, None])
        if total.sum() - before < 1e-4 * len(points) * 1e-2:
            break
        before = total.sum()
    numbers = 6 * clouds - 1
    return _Mixture(mixture.share, mixture.mean, mixture.covariance, numbers * np.log(len(points)) - 2 * total.sum())

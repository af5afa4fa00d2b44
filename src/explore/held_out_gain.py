"""What held-out images say of a motion, summed up: nats per image with their error, and up to which resolution."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..models.halves_record import ShellGain

SURE = 3.0  # standard errors beyond which a gain is one


@dataclass(frozen=True)
class GainSummary:
    """A mean over images and its standard error, nats per image.

    Attributes
    ----------
    gain, error : of all shells. shells : each from coarse to fine.
    tail, tail_error : ``(S,)`` of each shell and all finer ones. resolution : Å; None where there is no gain.
    """

    gain: float
    error: float
    shells: tuple[ShellGain, ...]
    tail: np.ndarray
    tail_error: np.ndarray
    resolution: float | None


def summarise(gain: np.ndarray, weight: np.ndarray, image: np.ndarray, width: float) -> GainSummary:
    """The mean of the gains ``(m, S)`` of particles, nats by shell 0 … S − 1.

    Parameters
    ----------
    weight : (m,) how far each counts. image : (m,) equal for copies of one image, whose noise is one.
    width : Å, of the images' field of view, so that shell s is at width / s.

    The gain reaches as far as the finest shell from which on there is still a gain of three standard errors: single
    shells say little by themselves.
    """
    mean, error = mean_and_error(gain, weight, image)
    tail, tail_error = mean_and_error(np.cumsum(gain[:, ::-1], axis=1)[:, ::-1], weight, image)
    real = np.flatnonzero(tail > SURE * tail_error)
    whole_is_real = tail[0] > SURE * tail_error[0]
    # shell 0 is the mean of an image, which no model is judged by
    shells = tuple(ShellGain(width / s, float(mean[s]), float(error[s])) for s in range(1, gain.shape[1]))
    resolution = width / max(int(real[-1]), 1) if whole_is_real else None
    return GainSummary(float(tail[0]), float(tail_error[0]), shells, tail, tail_error, resolution)


def mean_and_error(values: np.ndarray, weight: np.ndarray, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weighted mean ``(S,)`` of ``values`` ``(m, S)``, and its standard error over images, not over their copies."""
    _, number = np.unique(image, return_inverse=True)
    total = weight.sum()
    mean = weight @ values / total
    # of the ratio Σ w x / Σ w, images being drawn: √Σⱼ (Σ_{i in j} wᵢ (xᵢ − mean))² / Σ w
    away = np.zeros((int(number.max()) + 1, values.shape[1]))
    np.add.at(away, number.ravel(), weight[:, None] * (values - mean))
    count = len(away)
    return mean, np.sqrt((away**2).sum(axis=0) * count / max(count - 1, 1)) / total

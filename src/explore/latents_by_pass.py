"""Latents after each pass of a training, kept for some particles, and how they come to their last places."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..models.model_files import read_arrays

FILE = "latents_by_pass.npz"
MOST_PARTICLES, MOST_PASSES, MOST_DIMS = 5_000, 60, 8  # kept: 5 MB at most, as half-precision numbers


@dataclass(frozen=True, eq=False)
class LatentsByPass:
    """Of particles at ``rows`` ``(m,)`` after the passes numbered ``passes`` ``(p,)``: ``z`` ``(p, m, k)``."""

    rows: np.ndarray
    passes: np.ndarray
    z: np.ndarray

    @classmethod
    def none_yet(cls, count: int, dims: int) -> LatentsByPass:
        """Of a training of so many particles that has not begun."""
        rows = np.unique(np.linspace(0, count - 1, min(count, MOST_PARTICLES)).astype(np.int64))
        return cls(rows, np.zeros(0, np.int64), np.zeros((0, len(rows), min(dims, MOST_DIMS)), np.float16))

    def with_pass(self, number: int, z: np.ndarray, passes: int) -> LatentsByPass:
        """With the latents ``(n, k)`` of all particles after pass ``number`` of so many ``passes``.

        Later ones that were kept before a training was resumed are dropped. Of a long training the first passes and
        every few of the others are kept.
        """
        before = self.passes < number
        every = -(-passes // (MOST_PASSES // 2))
        if not (number <= MOST_PASSES // 2 or number % every == 0 or number == passes):
            return LatentsByPass(self.rows, self.passes[before], self.z[before])
        added = z[self.rows, : self.z.shape[2]].astype(np.float16)
        return LatentsByPass(self.rows, np.append(self.passes[before], number),
                             np.concatenate([self.z[before], added[None]]))  # fmt: skip

    def arrays(self) -> dict[str, np.ndarray]:
        """As they are kept."""
        return {"rows": self.rows, "passes": self.passes, "z": self.z}


def read_latents_by_pass(folder: Path) -> LatentsByPass:
    """Those of a train job; ``InputError`` where it has not kept any."""
    path = folder / FILE
    if not path.is_file():
        raise InputError(f"{folder.name} has kept no latents of its passes; trainings of this version do: train again.")
    arrays = read_arrays(path)
    if not {"rows", "passes", "z"} <= arrays.keys():
        raise InputError(f"{path}: holds no latents of passes; train again.")
    return LatentsByPass(arrays["rows"], arrays["passes"], arrays["z"].astype(np.float32))


@dataclass(frozen=True, eq=False)
class Convergence:
    """How latents come to their last places.

    Attributes
    ----------
    to_last : ``(p,)`` mean canonical correlation of each pass's latents with the last's.
    last_step : that of the last two passes.
    bend : ``(p,)`` 0 to 1, how far the latents of a pass are, beyond a linear function of the last ones, a quadratic
        one: near 1 of a V, where both ends of a motion have one place.
    arch : of the last pass, how far one latent dimension is a quadratic function of another: 0 to 1; 0 with one.
    """

    to_last: np.ndarray
    last_step: float
    bend: np.ndarray
    arch: float


def convergence(kept: LatentsByPass) -> Convergence:
    """From the latents of at least two passes."""
    from .motion_agreement import canonical_correlations

    z = kept.z[:, np.isfinite(kept.z).all(axis=(0, 2))].astype(float)
    z = z - z.mean(axis=1, keepdims=True)
    weight = np.ones(z.shape[1])
    to_last = np.array([canonical_correlations(each, z[-1], weight).mean() for each in z])
    bend = np.array([_beyond_linear(z[-1], each) for each in z])
    last_step = float(canonical_correlations(z[-2], z[-1], weight).mean()) if len(z) > 1 else float("nan")
    return Convergence(to_last, last_step, bend, arch(z[-1]))


def arch(z: np.ndarray) -> float:
    """How far one dimension of latents ``(m, k)`` is a quadratic function of another: share of variance, 0 to 1."""
    dims = z.shape[1]
    pairs = [(i, j) for i in range(dims) for j in range(dims) if i != j]
    return max((_beyond_linear(z[:, [i]], z[:, [j]]) for i, j in pairs), default=0.0)


def _beyond_linear(known: np.ndarray, wanted: np.ndarray) -> float:
    """The largest share of a column's variance in ``wanted`` ``(m, k)`` that squares and products of ``known`` explain
    and ``known`` itself does not.
    """
    ones = np.ones((len(known), 1))
    products = np.stack([known[:, i] * known[:, j] for i in range(known.shape[1]) for j in range(i + 1)], axis=1)
    straight = _left_over(np.hstack([ones, known]), wanted)
    bent = _left_over(np.hstack([ones, known, products]), wanted)
    return float(np.clip(straight - bent, 0, 1).max())


def _left_over(columns: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Share ``(k,)`` of the variance of ``wanted`` that a linear fit of ``columns`` leaves."""
    fit = columns @ np.linalg.lstsq(columns, wanted, rcond=None)[0]
    return ((wanted - fit) ** 2).sum(axis=0) / np.maximum(((wanted - wanted.mean(axis=0)) ** 2).sum(axis=0), 1e-12)

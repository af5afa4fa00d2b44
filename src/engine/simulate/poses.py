"""Viewing directions, shifts and defocus of simulated particles."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation


def random_rotations(rng: np.random.Generator, count: int) -> np.ndarray:
    """Rotations ``(count, 3, 3)`` uniform on SO(3)."""
    quaternion = rng.standard_normal((count, 4))
    return Rotation.from_quat(quaternion).as_matrix()


def random_shifts(rng: np.random.Generator, count: int, spread: float) -> np.ndarray:
    """Shifts ``(count, 2)`` in Å, normal with standard deviation ``spread``, cut at three of them."""
    return np.clip(rng.standard_normal((count, 2)), -3, 3) * spread


def random_defocus(rng: np.random.Generator, count: int, span: tuple[float, float], astigmatism: float) -> np.ndarray:
    """Defocus ``(count, 3)``: U and V in Å, angle in degrees; the mean uniform in ``span``, U − V half-normal."""
    mean = rng.uniform(span[0], span[1], count)
    half = np.abs(rng.standard_normal(count)) * astigmatism / 2
    return np.stack([mean + half, mean - half, rng.uniform(0, 180, count)], axis=1)

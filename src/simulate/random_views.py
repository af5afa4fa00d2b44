"""Viewing directions, shifts and defocus of simulated particles."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation


def random_rotations(rng: np.random.Generator, count: int) -> np.ndarray:
    """Rotations ``(count, 3, 3)`` uniform on SO(3)."""
    quaternion = rng.standard_normal((count, 4))
    return Rotation.from_quat(quaternion).as_matrix()


def turn_into_cap(rotations: np.ndarray, rng: np.random.Generator, share: float, angle: float) -> np.ndarray:
    """Rotations ``(count, 3, 3)`` of which a ``share`` looks along the molecule's z axis to within ``angle`` degrees.

    Those directions are uniform within the cap; the other rotations stay as they are, and in-plane turns random.
    """
    chosen = np.flatnonzero(rng.permutation((np.arange(len(rotations)) + 0.5) / len(rotations)) < share)
    height = rng.uniform(np.cos(np.radians(angle)), 1, len(chosen))
    turns = rng.uniform(-180, 180, (len(chosen), 2))
    angles = np.stack([turns[:, 0], np.degrees(np.arccos(height)), turns[:, 1]], axis=1)
    rotations = rotations.copy()
    rotations[chosen] = Rotation.from_euler("ZYZ", angles, degrees=True).as_matrix()
    return rotations


def random_shifts(rng: np.random.Generator, count: int, spread: float) -> np.ndarray:
    """Shifts ``(count, 2)`` in Å, normal with standard deviation ``spread``, cut at three of them."""
    return np.clip(rng.standard_normal((count, 2)), -3, 3) * spread


def random_defocus(rng: np.random.Generator, count: int, span: tuple[float, float], astigmatism: float) -> np.ndarray:
    """Defocus ``(count, 3)``: U and V in Å, angle in degrees; the mean uniform in ``span``, U − V half-normal."""
    mean = rng.uniform(span[0], span[1], count)
    half = np.abs(rng.standard_normal(count)) * astigmatism / 2
    return np.stack([mean + half, mean - half, rng.uniform(0, 180, count)], axis=1)

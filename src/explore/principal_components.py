"""Principal components of latents: where the particles spread, in latent units or in ångströms of motion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..models import Model
from ..models.motion import principal_axes, principal_motions_and_sizes


@dataclass(frozen=True, eq=False)
class Components:
    """A basis of latent space, strongest first: ``z = mean + coordinates @ steps``.

    Attributes
    ----------
    mean : ``(K,)`` latent point at coordinates zero.
    steps : ``(K, K)``, row k is a unit of coordinate k, in latent units.
    size : ``(K,)`` standard deviation of the particles along each, in ``unit``.
    unit : "Å" of the molecule's r.m.s. motion (a unit of coordinate is then one standard deviation), or "" for latent
        units (a unit of coordinate is then one latent unit, and the steps are orthonormal).
    """

    mean: np.ndarray
    steps: np.ndarray
    size: np.ndarray
    unit: str = ""

    def coordinates(self, z: np.ndarray) -> np.ndarray:
        """Coordinates ``(…, K)`` of latent points ``(…, K)``."""
        return (np.asarray(z) - self.mean) @ np.linalg.inv(self.steps)

    def latents(self, coordinates: np.ndarray) -> np.ndarray:
        """Latent points ``(…, K)`` at coordinates ``(…, K)``."""
        return self.mean + np.asarray(coordinates) @ self.steps


def latent_components(latents: np.ndarray) -> Components:
    """Principal components of latents ``(n, K)``; each step's largest entry is positive."""
    return Components(latents.mean(axis=0, dtype=float), *principal_axes(latents))


def motion_components(model: Model) -> Components:
    """Principal components of the molecule's motion, as ``generate`` has them: `models.motion.principal_motions`."""
    steps, sizes = principal_motions_and_sizes(model)
    return Components(model.latents.mean(axis=0, dtype=float), steps, sizes, "Å")


def components_of(model: Model) -> Components:
    """Of the motion where the model moves vertices, else of the latents."""
    return latent_components(model.latents) if model.moving is None else motion_components(model)

"""Latent points as they are given: checked, and in named series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import InputError


@dataclass(frozen=True)
class Series:
    """Latent points that belong together. name : as it was asked. z : ``(m, K)`` float32."""

    name: str
    z: np.ndarray


def checked_latents(z: np.ndarray | Sequence[float], latent_dims: int) -> np.ndarray:
    """``z`` as ``(…, K)`` float32; ``InputError`` where its length is not K or a number is not finite."""
    z = np.asarray(z, np.float32)
    if z.ndim == 0 and latent_dims == 1:
        z = z[None]
    if z.ndim == 0 or z.shape[-1] != latent_dims:
        given = 1 if z.ndim == 0 else z.shape[-1]
        raise InputError(
            f"z has {given} numbers, and the model has {latent_dims} latent dimensions; give {latent_dims}."
        )
    if not np.isfinite(z).all():
        raise InputError("z holds a value that is not a number; give finite ones.")
    return z


def points_at(numbers: Sequence[float], latent_dims: int) -> np.ndarray:
    """Points ``(m, K)`` float32 that were given number by number as ``at``; ``InputError`` where they are not whole."""
    if len(numbers) % latent_dims:
        raise InputError(
            f"at: {len(numbers)} numbers make no whole points, since there are {latent_dims} latent dimensions; "
            f"give {latent_dims} for each."
        )
    return np.array(numbers, np.float32).reshape(-1, latent_dims)

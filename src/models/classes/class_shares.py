"""What models of several classes say of them, whether the classes move or not."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...particles.resample import resample_box
from ..origin import GivenColumn


def class_columns(shares: np.ndarray) -> dict[str, GivenColumn]:
    """The class of each particle, counted from 1, and the probability of it, of ``shares`` ``(n, K)``."""
    return {
        "class": GivenColumn(shares.argmax(axis=1) + 1, True),
        "class_probability": GivenColumn(shares.max(axis=1), False),
    }


def shares_text(shares: np.ndarray) -> str:
    """The part of the particles that each class has, of ``shares`` ``(n, K)``."""
    return ", ".join(f"class {k + 1} {100 * share:.0f} %" for k, share in enumerate(np.nanmean(shares, axis=0)))


def coarser_maps(volume: np.ndarray, volumes: np.ndarray, pixel_size: float, box: int) -> dict[str, Any]:
    """The mean map and those of all classes on an even, smaller box over the same field of view, by a model's names."""
    return {
        "volume": resample_box(volume, box),
        "volumes": np.stack([resample_box(one, box) for one in volumes]),
        "box": box,
        "pixel_size": pixel_size * len(volume) / box,
    }

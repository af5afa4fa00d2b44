"""The Fourier components of images in two random halves: one to place an image by, the other to judge it by.

Latents that are fitted to an image explain some of its noise. Components that they were not fitted to have noise of
their own, so what a model explains of these is what it knows.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from ..projector.fourier_grid import crop_rows
from ..training.stage import Stage


def component_halves(box: int, seed: int) -> np.ndarray:
    """``(2, box, box // 2 + 1)`` bool: which components of an rfft2 are in each half, for all images alike.

    The column kx = 0 stores each component twice, at ky and −ky; both are in one half.
    """
    first = np.random.default_rng((seed, 11)).random((box, box // 2 + 1)) < 0.5
    first[box // 2 + 1 :, 0] = first[1 : (box + 1) // 2, 0][::-1]
    return np.stack([first, ~first])


def of_half(stage: Stage, half: np.ndarray) -> Stage:
    """The stage with the likelihood of the components ``half`` ``(D, D // 2 + 1)`` alone, D no less than its box."""
    mask = torch.from_numpy(half.astype(np.float32)).to(stage.device)
    if len(half) != stage.box:
        mask = crop_rows(mask[..., : stage.box // 2 + 1], stage.box)
    return replace(stage, weights=stage.weights * mask)

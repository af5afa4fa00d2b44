"""The rigid molecule as what predicts images: without latents, so that it is placed by the code that a flow is."""

from __future__ import annotations

import torch

from ..decoders.decoder import Predictor
from ..training.batches import Batch
from ..training.stage import Stage


class RestPredictor(Predictor):
    """A mesh at rest, its vertices ``(v, 3)`` Å; latents have no dimensions."""

    def __init__(self, rest: torch.Tensor) -> None:
        self._rest = rest

    def predict(self, stage: Stage, batch: Batch, z: torch.Tensor) -> torch.Tensor:
        """Images ``(b, d, d // 2 + 1)`` in Fourier space; ``z`` ``(b, 0)``."""
        return stage.forward(batch, self._rest)

"""Numbers that are none stop a training before they are written over its newest good checkpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from ...errors import InputError
from ..decoders.decoder import Pass

if TYPE_CHECKING:
    from .training_loop import Training


def check_numbers(now: Pass, values: torch.Tensor) -> None:
    """``InputError`` where what a batch was measured to be is no number."""
    if not torch.isfinite(values).all():
        _refuse(now, "the misfit of a batch")


def check_finite(now: Pass, training: Training) -> None:
    """``InputError`` where anything that a pass has learned is no number."""
    weights = [value for each in training.optimisers for group in each.param_groups for value in group["params"]]
    learned = {
        "a latent": [now.points.z, now.points.precision],
        "a weight of a network": [*weights, *training.source.state().values()],
        "the map or its noise": [training.decoder.noise, training.decoder.maps.first, training.decoder.maps.second],
        "something that the decoder has learned": list(training.decoder.state()[0].values()),
    }
    for what, tensors in learned.items():
        if not all(torch.isfinite(tensor).all() for tensor in tensors if tensor.is_floating_point()):
            _refuse(now, what)


def _refuse(now: Pass, what: str) -> None:
    kept = f"the model after pass {now.epoch} is kept" if now.epoch else "no pass was finished, so there is no model"
    text = (f"In pass {now.epoch + 1} of {now.trainer.epochs} {what} became no number (nan or infinite), and training "
            f"stopped; {kept}. Start a new training with smaller learning rates.")  # fmt: skip
    now.trainer.log(text)
    raise InputError(text)

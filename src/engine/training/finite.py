"""Numbers that are none stop a training before they are written over its newest good checkpoint."""

from __future__ import annotations

import torch

from ...errors import InputError
from ..decoders.decoder import Decoder, Pass


def check_numbers(now: Pass, values: torch.Tensor) -> None:
    """``InputError`` where what a batch was measured to be is no number."""
    if not torch.isfinite(values).all():
        _refuse(now, "the misfit of a batch")


def check_finite(now: Pass, decoder: Decoder, known: dict[str, torch.Tensor]) -> None:
    """``InputError`` where anything that a pass has learned is no number; ``known`` is the latent source's state."""
    learned = {
        "a latent": [now.points.z, now.points.precision],
        "what the latents come from": list(known.values()),
        "the map or its noise": [decoder.noise, decoder.maps.first, decoder.maps.second],
        "what the decoder has learned": list(decoder.state()[0].values()),
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

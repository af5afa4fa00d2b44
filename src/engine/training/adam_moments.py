"""What Adam knows of the parameters that it moves, as arrays of a checkpoint."""

from __future__ import annotations

import torch


def adam_arrays(optimiser: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    """Moments and step counters, ``adam.NUMBER.NAME`` for the parameter of that number."""
    tensors: dict[str, torch.Tensor] = {}
    for number, moments in optimiser.state_dict()["state"].items():
        tensors |= {f"adam.{number}.{name}": torch.as_tensor(value) for name, value in moments.items()}
    return tensors


def adam_state(tensors: dict[str, torch.Tensor]) -> dict[int, dict[str, torch.Tensor]]:
    """Adam's moments by parameter number, of the arrays of a checkpoint."""
    state: dict[int, dict[str, torch.Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith("adam."):
            _, number, moment = name.split(".", 2)
            # the step counter lives on the CPU whatever the device
            state.setdefault(int(number), {})[moment] = value.cpu() if moment == "step" else value
    return state

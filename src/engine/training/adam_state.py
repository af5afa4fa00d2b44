"""What Adam knows of its parameters, as tensors that a checkpoint can hold."""

from __future__ import annotations

import torch


def adam_tensors(optimiser: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    """Moments and step counts, named ``adam.`` parameter number ``.`` moment."""
    state = optimiser.state_dict()["state"]
    return {f"adam.{index}.{name}": torch.as_tensor(value) for index, moments in state.items()
            for name, value in moments.items()}  # fmt: skip


def restore_adam(optimiser: torch.optim.Optimizer, tensors: dict[str, torch.Tensor]) -> None:
    """Know what `adam_tensors` gave; other names among ``tensors`` are passed over."""
    state: dict[int, dict[str, torch.Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith("adam."):
            _, index, moment = name.split(".", 2)
            # the step counter lives on the CPU whatever the device
            state.setdefault(int(index), {})[moment] = value.cpu() if moment == "step" else value
    optimiser.load_state_dict({**optimiser.state_dict(), "state": state})

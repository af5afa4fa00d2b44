"""A step along the gradient of a batch, which the members of a team have found a share of each."""

from __future__ import annotations

import torch

from .trainer import Trainer


def gradient_step(
    trainer: Trainer, optimisers: list[torch.optim.Optimizer], values: torch.Tensor
) -> torch.Tensor:
    """A step along the gradient summed over the team; ``values`` ``(m,)``, summed too, are returned."""
    if not optimisers:
        trainer.share_stop_request()
        return trainer.team.total(values) if len(values) else values
    values = _total_gradient(trainer, optimisers, values)
    for optimiser in optimisers:
        optimiser.step()
    return values


def _total_gradient(
    trainer: Trainer, optimisers: list[torch.optim.Optimizer], values: torch.Tensor
) -> torch.Tensor:
    """Sum gradients and ``values`` over the team, and its leader's request to stop, in one message."""
    team = trainer.team
    if team.size == 1:
        return values
    # what had no part in any image has no gradient, with no member of the team
    values_of = (value for each in optimisers for group in each.param_groups for value in group["params"])
    gradients = [value.grad for value in values_of if value.grad is not None]
    asked = torch.tensor([float(team.leads and trainer.stop())], device=values.device)
    message = team.total(torch.cat([values, asked, *(gradient.reshape(-1) for gradient in gradients)]))
    trainer.stop_requested = bool(message[len(values)] > 0)
    at = len(values) + 1
    for gradient in gradients:
        gradient.copy_(message[at : at + gradient.numel()].reshape(gradient.shape))
        at += gradient.numel()
    return message[: len(values)]

"""How much better the moving molecule explains images than the rigid one, in nats by shell, without fitting to them.

Each image is placed, its latents and pose, by one half of its Fourier components, and the other half is what both
molecules are judged by; then the other way round. Of a molecule that does not move, what a flow has learned is noise,
and the gain is zero or less but for the noise of the images that are judged, whatever the poses. Where an image says
little of its latents the gain is a quarter of the squared information, as that of the log evidence is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from ..training.batches import Batch
from ..training.resemblance import SIZE, resemblance
from ..training.stage import Stage
from ..training.trainer import Trainer
from .component_split import component_halves, of_half
from .place_images import PlacementModel, place


@dataclass(frozen=True)
class HeldOutGain:
    """What m held-out images say.

    Attributes
    ----------
    gain : ``(m, S)`` nats by shell 0..S − 1, S − 1 half the box.
    latents : ``(m, k)`` of the moving molecule, by all components.
    resemblance : ``(m, 3)`` to the rigid molecule.
    """

    gain: torch.Tensor
    latents: torch.Tensor
    resemblance: torch.Tensor


@torch.no_grad()
def held_out_gain(trainer: Trainer, moving: PlacementModel, rigid: PlacementModel) -> HeldOutGain:
    """The gain of all of a trainer's images. Raises `Interrupted`."""
    count, stage = len(trainer.images), moving.stage
    rows = trainer.team.share(np.arange(count))
    gain = torch.zeros(count, stage.box // 2 + 1, device=trainer.device)
    latents = torch.zeros(count, moving.dims, device=trainer.device)
    alike = torch.zeros(count, SIZE, device=trainer.device)
    counter = trainer.counter("held-out images", len(rows))
    splits = both_splits(moving, rigid, trainer.seed)
    for batch in stage.batches(rows):
        gain[batch.rows], z, rest_images = batch_gain(splits, batch)
        alike[batch.rows] = sum(resemblance(stage, batch, image) for image in rest_images) / len(splits)
        latents[batch.rows] = place(moving, batch, z)[1]
        counter(len(batch))
    for table in (gain, latents, alike):
        trainer.team.collect(table, rows)
    return HeldOutGain(gain, latents, alike)


@dataclass(frozen=True)
class SplitPlacement:
    """The moving molecule and the rigid one, placed by one half of the components, and the stage of the other half."""

    moving: PlacementModel
    rigid: PlacementModel
    judge: Stage


def both_splits(moving: PlacementModel, rigid: PlacementModel, seed: int) -> tuple[SplitPlacement, SplitPlacement]:
    """Placed by either half of the components, and judged by the other."""
    first, second = component_halves(moving.stage.box, seed)
    one, other = (SplitPlacement(_of_half(moving, fit), _of_half(rigid, fit), of_half(moving.stage, judge))
                  for fit, judge in ((first, second), (second, first)))  # fmt: skip
    return one, other


@torch.no_grad()
def batch_gain(splits: Sequence[SplitPlacement], batch: Batch) -> tuple[torch.Tensor, torch.Tensor, list[torch.Tensor]]:
    """The gain ``(b, S)`` of a batch, all splits together, in nats by shell; latents ``(b, k)`` of the last split, and
    the rigid molecule's images ``(b, d, d // 2 + 1)`` of each.
    """
    gain, rest_images = torch.zeros((), device=batch.images.device), []
    for split in splits:
        flow_image, z = _image(split.moving, batch)
        rest_image, _ = _image(split.rigid, batch)
        gain = gain + _misfit(split.judge, batch, rest_image) - _misfit(split.judge, batch, flow_image)
        rest_images.append(rest_image)
    return gain, z, rest_images


def _of_half(model: PlacementModel, half: np.ndarray) -> PlacementModel:
    stage, coarse = of_half(model.stage, half), of_half(model.coarse, half)
    return replace(model, stage=stage, coarse=coarse)


def _image(model: PlacementModel, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    """The image ``(b, d, d // 2 + 1)`` where a molecule's stage places it, and the latents ``(b, k)`` there."""
    batch, z = place(model, batch)
    return model.predictor.predict(model.stage, batch, z), z


def _misfit(judge: Stage, batch: Batch, model: torch.Tensor) -> torch.Tensor:
    """Negative log-likelihood ``(b, S)`` by shell, up to a constant."""
    residual = batch.images - model
    cost = 0.5 * judge.weights * (residual.real**2 + residual.imag**2)
    shells = torch.zeros(len(batch), judge.box // 2 + 1, device=cost.device)
    return shells.index_add_(1, judge.shells().reshape(-1), cost.flatten(1))

"""The rigid molecule: its map and the noise that it leaves, from which every training sets out."""

from __future__ import annotations

import torch

from ..maps.half_maps import HalfMaps, supported_map
from ..maps.noise_power import measure_noise
from .batches import Batch
from .schedule import ResolutionLevel
from .stage import Stage
from .trainer import FIRST_ITERATIONS, Trainer


def rigid_stage(trainer: Trainer, level: ResolutionLevel, noise: torch.Tensor | None = None) -> tuple[Stage, HalfMaps]:
    """A level's stage with the map of the rigid molecule and the noise that it leaves, and the half-maps of that map.

    ``noise`` ``(D // 2 + 1,)`` is its power by shell as far as it is known; white where None.
    """
    if noise is None:
        noise = torch.full((trainer.images.box // 2 + 1,), float(trainer.images.box**2), device=trainer.device)
    stage, maps = solve_at_rest(trainer, level, trainer.stage_of(level, noise), None)
    trainer.log(f"Rigid map at {stage.box} pixels: {len(stage.cloud)} voxels.")
    return stage, maps


def solve_at_rest(
    trainer: Trainer, level: ResolutionLevel, stage: Stage, start: HalfMaps | None
) -> tuple[Stage, HalfMaps]:
    """The rigid molecule's map with poses and weights as they are now, from ``start``, and the noise that it leaves."""

    def at_rest(batch: Batch) -> torch.Tensor:
        return trainer.rest

    maps = trainer.solve(stage, at_rest, start, FIRST_ITERATIONS, "rigid map")
    stage = stage.with_density(supported_map(stage.cloud, maps))
    noise = measure_noise(trainer, stage, lambda batch: stage.forward(batch, trainer.rest))
    return stage.with_noise(noise, level.band), maps

"""Particles that lack a part, taken for particles again (`training/incomplete_images.py`)."""

from __future__ import annotations

from ...maps.half_maps import HalfMaps
from ...training.find_members import take_probability
from ...training.incomplete_images import incomplete, members_in_parts
from ...training.rigid_map import solve_at_rest
from ...training.schedule import coarsest
from ...training.stage import Stage
from ...training.trainer import Trainer


def take_back_incomplete(trainer: Trainer, stage: Stage) -> tuple[Stage, HalfMaps] | None:
    """Take images for particles that only lack a part; the stage with the map of all, and its half-maps.

    None where there are too few of them. ``stage`` has the molecule at rest at the coarsest size.
    """
    probability = members_in_parts(trainer, stage)
    if probability is None:
        return None
    more = int(incomplete(trainer, probability).sum())
    take_probability(trainer, probability)
    trainer.log(f"{more:,} images that were taken for no particles are some that lack a part.")
    level = coarsest(trainer.images.box, trainer.images.pixel_size)
    return solve_at_rest(trainer, level, stage, None)

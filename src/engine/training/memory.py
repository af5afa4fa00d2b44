"""How many images are worked on at once: found by trying before training begins, not by failing hours later.

The largest work of a training is a batch at the finest box, so that is what is tried, on images of noise. A GPU says
no when it is full; a computer does not, so there the memory that a few images take is measured.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from ...errors import is_out_of_memory
from ...particles.free_memory import free_memory
from ...particles.prefetch import processes_here
from ..decoders.flow.flow_step import FlowStep
from .batches import Batch
from .stage import Stage

if TYPE_CHECKING:
    from ..decoders.flow.flow_state import State
    from .trainer import Trainer

SPARE = 1.25  # more images are tried than will be used: a GPU's memory is not as free in hour three as at the start
SHARE = 0.5  # of the computer's free memory that images may take
LOOK = 0.002  # seconds between two looks at how much memory is in use


def find_images_at_once(trainer: Trainer, state: State) -> int:
    """The most images, of at most a batch, that fit in memory at the finest box; the same for a whole team.

    Raises whatever the device raises where a single image is too much.
    """
    stage, wanted = trainer.stage_of(trainer.rungs[-1], state.noise), trainer.at_once
    trial = _Trial(trainer, stage, state)
    found = _largest_on_gpu(trial, wanted) if stage.device.type != "cpu" else _largest_on_cpu(trial, wanted)
    return trainer.team.least(found)


def _largest_on_gpu(trial: _Trial, wanted: int) -> int:
    while wanted > 1:
        try:
            trial.run(round(SPARE * wanted))
            return wanted
        except Exception as error:
            if not is_out_of_memory(error):
                raise
        release_memory()
        wanted //= 2
    trial.run(1)
    return 1


def _largest_on_cpu(trial: _Trial, wanted: int) -> int:
    limit, count = SHARE * free_memory() / processes_here(), min(2, wanted)
    while True:
        with _measured() as measure:
            trial.run(count)
        if count == wanted or 2 * measure.growth > limit:
            return count
        count = min(2 * count, wanted)


@dataclass(frozen=True)
class _Trial:
    """The work of a batch at the finest stage, its outcome thrown away."""

    trainer: Trainer
    stage: Stage
    state: State

    def run(self, count: int) -> None:
        """Compute ``count`` images as a pass does, and as the solution of the map does."""
        # never more rows than there are particles, though a trial may be of more images than that
        rows = np.resize(np.arange(len(self.trainer.images)), count)
        batch = _noise_images(self.stage, rows, self.trainer.images.particles.rotation[rows])
        state, poses = self.state, self.state.poses.clone()
        batch = poses.corrected(batch)
        state = replace(state, latents=state.latents.clone(), precision=state.precision.clone(), poses=poses)
        stage = self.stage.with_density(torch.ones_like(self.stage.density))
        white = torch.zeros(count, state.latents.shape[1])
        FlowStep(self.trainer, stage, state, 1.0, [], 0).accumulate(batch, np.arange(count), white)
        state.flow.zero_grad()
        problem = stage.least_squares(rows, lambda batch: state.flow(state.latents[batch.rows]))
        replace(problem, batches=lambda: [batch]).normal(stage.density)


def _noise_images(stage: Stage, rows: np.ndarray, rotation: np.ndarray) -> Batch:
    shape = (len(rows), stage.box, stage.box // 2 + 1)
    return Batch(
        rows=torch.from_numpy(rows),
        images=torch.randn(*shape, dtype=torch.complex64),
        transfer=torch.ones(*shape),
        rotation=torch.from_numpy(rotation.astype(np.float32)),
    ).to(stage.device)


def release_memory() -> None:
    """Give back what a failed try has left reserved."""
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


class _Measure:
    """How far the memory of this process has grown, in bytes."""

    growth = 0


@contextmanager
def _measured() -> Iterator[_Measure]:
    import psutil

    process, measure, done = psutil.Process(), _Measure(), threading.Event()
    before = process.memory_info().rss

    def watch() -> None:
        while True:
            measure.growth = max(measure.growth, process.memory_info().rss - before)
            if done.wait(LOOK):
                return

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield measure
    finally:
        done.set()
        watcher.join()

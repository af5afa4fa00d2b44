"""How many images are worked on at once: found by trying before training begins, not by failing hours later.

The largest work of a training is a batch at the finest box, so that is what is tried, on images of noise. A GPU says
no when it is full; a computer does not, so there the memory that a few images take is measured.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch

from ...errors import is_out_of_memory
from ...particles.free_memory import free_memory
from ...particles.prefetch import processes_here
from ..decoders.decoder import Pass
from .batches import Batch
from .stage import Stage
from .trainer import Trainer
from .training_loop import Training, try_batch

SPARE = 1.25  # more images are tried than will be used: a GPU's memory is not as free in hour three as at the start
SHARE = 0.5  # of the computer's free memory that images may take
LOOK = 0.002  # seconds between two looks at how much memory is in use


def find_images_at_once(trainer: Trainer, training: Training) -> int | None:
    """The most images, of at most a batch, that fit in memory at the finest box; the same for a whole team.

    None where the decoder has nothing to try.

    Raises whatever the device raises where a single image is too much.
    """
    stage, wanted = training.decoder.trial_stage(trainer), trainer.at_once
    if stage is None:
        return None
    trial = _Trial(Pass(trainer, stage, training.points, 0), training)
    most = _largest_on_gpu(trial, wanted) if stage.device.type != "cpu" else _largest_on_cpu(trial, wanted)
    return trainer.team.least(most)


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

    now: Pass
    training: Training

    def run(self, count: int) -> None:
        """Compute ``count`` images as a pass does, and as the solution of the map does."""
        # never more rows than there are particles, though a trial may be of more images than that
        images = self.now.trainer.images
        rows = np.resize(np.arange(len(images)), count)
        try_batch(self.now, self.training, _noise_images(self.now.stage, rows, images.particles.rotation[rows]))
        for optimiser in self.training.optimisers:
            optimiser.zero_grad()


def _noise_images(stage: Stage, rows: np.ndarray, rotation: np.ndarray) -> Batch:
    shape = (len(rows), stage.box, stage.box // 2 + 1)
    return Batch(
        rows=torch.from_numpy(rows),
        images=torch.randn(*shape, dtype=torch.complex64),
        transfer=torch.ones(*shape),
        rotation=torch.from_numpy(rotation.astype(np.float32)),
    ).to(stage.device)


def release_memory() -> None:
    """Give back what a failed try, or a training that has ended, has left reserved."""
    gc.collect()  # a trainer and what it was given to call know one another
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

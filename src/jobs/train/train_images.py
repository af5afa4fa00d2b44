"""Where ``train`` reads its images: the prepared stack, a copy on a fast disk, or memory."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import InputError
from ...particles.free_memory import free_memory
from ...particles.memory_stack import held_bytes, load_stack
from ...particles.particles import Particles
from ...particles.prepared import Prepared
from ...particles.stack import ImageStack
from ..job_folder import JobRun
from ..throttle import Throttled
from .stack_cache import Progress, cached
from .train_parameters import CommonParameters

MEMORY_SHARE = 0.9  # of the free memory that images may take

if TYPE_CHECKING:
    from ...engine.training.batches import ParticleImages


def ready_images(
    parameters: CommonParameters, particles: Particles, processes: int, job: JobRun | None = None
) -> Particles:
    """Bring the images to this computer's cache, and see that they fit into memory, where either is asked for.

    Returns the particles with their stacks where they are read now. ``processes`` is how many of this computer are to
    hold the images in memory, 0 where that has been looked into. ``job`` hears of it, and its stop raises the engine's
    ``Interrupted``; without, nobody hears. Done again, it finds the copies in place.
    """
    if parameters.cache is not None:
        folder, say = cache_folder(parameters.cache), job.log if job else _silent
        particles = cached(particles, folder, _reporter(job, "MB copied"), say)
    if parameters.in_memory:
        _check_memory(particles, processes)
    return particles


def open_images(parameters: CommonParameters, prepared: Prepared, job: JobRun | None, team: bool) -> ParticleImages:
    """The images for the trainer, read into memory where that is asked for.

    ``job`` as in `ready_images`; of a ``team``, everything is ready on every computer, and nobody leaves alone.
    """
    from ...engine.training.batches import ParticleImages

    alone = None if team else job
    particles = ready_images(parameters, prepared.particles, 0 if team else 1, alone)
    if not parameters.in_memory:
        return ParticleImages(prepared.particles, prepared.filter, ImageStack(particles))
    held = load_stack(particles, _reporter(alone, "MB read"))
    if job:
        job.log(f"Holding {held.images.nbytes / 1e9:.2f} GB of images in memory.")
    return ParticleImages(prepared.particles, prepared.filter, held)


def cache_folder(text: str) -> Path:
    """The folder that ``--cache`` means here, ~ and $VARIABLES filled in; ``InputError`` where it is not absolute."""
    folder = Path(os.path.expandvars(text)).expanduser()
    if not folder.is_absolute() or "$" in str(folder):
        raise InputError(f"cache: {text} is no full path on this computer; give one such as /scratch/me, or a variable "
                         "that is set where the job runs.")  # fmt: skip
    return folder


def _check_memory(particles: Particles, processes: int) -> None:
    """``InputError`` where the images do not fit into this computer's memory as often as processes hold them."""
    image_bytes, free = held_bytes(particles), int(MEMORY_SHARE * free_memory())
    if processes * image_bytes > free:
        times = f"{processes} times " if processes > 1 else ""
        raise InputError(f"in_memory: the images need {times}{image_bytes / 1e9:.2f} GB and {free / 1e9:.2f} GB of "
                         "memory are to be had here; leave --in-memory out, or give --cache a folder on a fast "
                         "disk.")  # fmt: skip


def _reporter(job: JobRun | None, stage: str) -> Progress:
    """A function that reports to ``job`` how many MB are done, and raises `Interrupted` where it is asked to stop."""
    from ...engine.training.trainer import Interrupted

    if job is None:
        return _silent
    progress = Throttled(job)

    def report(done: int, total: int) -> None:
        progress(max(1, -(-done // 10**6)), max(1, -(-total // 10**6)), stage=stage)
        if job.stop_requested():
            raise Interrupted

    return report


def _silent(*values: object) -> None:
    """The report where there is no job to report to."""

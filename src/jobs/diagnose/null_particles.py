"""The particles of a null test: images of a rigid molecule, in a folder like prep's, from which training reads."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ...particles import Particles, write_star
from ...particles.copies import image_numbers
from ...particles.prepared import NOISE, RECORD, STACK, STAR, check_readable
from ...particles.stream import StackWriter
from ..job_folder import JobRun
from .finished_training import FinishedTraining

_CHUNK_PIXELS = 1 << 20  # of images that are made at a time: part of what the noise is, as every chunk has its own
_SOURCE_ROW = "flexrecSourceRow"


def write_null_particles(training: FinishedTraining, folder: Path, job: JobRun) -> bool:
    """Write images of the training's map, held rigid, for the particles that it took for some; False where stopped.

    Poses, CTFs, aberrations, scales, halves and copies are those of the particles; the images are seen along poses that
    are off by as much as the training found the particles' to be. No image is of anything else.
    """
    if (folder / RECORD).is_file():
        return True
    folder.mkdir(parents=True, exist_ok=True)
    own, shown = _rows(training.prepared.particles.take(training.members))
    if not _write_images(training, shown, folder, job):
        return False
    particles = _in_new_stack(own, folder)
    write_star(folder / STAR, particles)
    prepared = training.prepared
    with job.output(os.path.relpath(folder / NOISE, job.folder)) as path, open(path, "wb") as file:
        np.savez(file, filter=prepared.filter)
    record: dict[str, Any] = {
        "box": prepared.box, "pixel_size": prepared.pixel_size, "count": len(particles), "source": STAR,
        "centre": None if prepared.centre is None else prepared.centre.tolist(), "contrast": "white",
        "rigid_molecule_of": training.folder.name, "warnings": [],
    }  # fmt: skip
    with job.output(os.path.relpath(folder / RECORD, job.folder)) as path:
        path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    check_readable(folder, particles)
    return True


def _rows(particles: Particles) -> tuple[Particles, Particles]:
    """The particles with ``index`` naming the image that each has, and one particle for each of the images."""
    _, first, index = np.unique(image_numbers(particles), return_index=True, return_inverse=True)
    return replace(particles, index=index.ravel().astype(np.int64)), particles.take(first)


def _in_new_stack(particles: Particles, folder: Path) -> Particles:
    """Read from the folder's stack, and named by their rows in it."""
    count = len(particles)
    return replace(
        particles,
        stacks=((folder / STACK).resolve(),),
        stack=np.zeros(count, np.int32),
        columns=particles.columns | {_SOURCE_ROW: np.arange(count)},
        source=(folder / STAR).resolve(),
    )


def _write_images(training: FinishedTraining, shown: Particles, folder: Path, job: JobRun) -> bool:
    from ...simulate.rigid_images import PoseSpread, rigid_images

    model, prepared, errors = training.model, training.prepared, None
    variance = training.pose_variance
    if variance is not None:
        latents = training.latents
        errors = PoseSpread(variance, latents["pose_centre"], float(latents["pose_radius"]))
    noise = training.passes["noise"]
    made = rigid_images(shown, prepared.filter, model.moving_points.mesh, model.volume, noise, errors, job.seed)
    digest = hashlib.sha256(repr((job.seed, len(shown), variance)).encode())
    for values in (model.volume, noise, prepared.filter, shown.rotation, shown.shift, shown.defocus):
        digest.update(np.ascontiguousarray(values).tobytes())
    writer = StackWriter(folder, STACK, len(shown), prepared.box, prepared.pixel_size,
                         max(8, _CHUNK_PIXELS // prepared.box**2), digest.hexdigest())  # fmt: skip
    job.log(f"Making {len(shown):,} images of a rigid molecule: the map of {training.folder.name}.")
    for chunk in writer.write(made.images, 1):
        job.progress(chunk, writer.chunks, stage="images of a rigid molecule")
        if chunk < writer.chunks and job.stop_requested():
            return False
    return True

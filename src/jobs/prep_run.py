"""Run a ``prep`` job: images to one box and pixel size, noise whitened, poses checked by a quick back-projection."""

from __future__ import annotations

import json
import os
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..particles import ImageStack, InputWarning, Particles, read_particles, write_star
from ..particles.convert import Converter, NotFinite, not_finite
from ..particles.frame import Frame, choose_frame
from ..particles.prepared import NOISE, RECORD, STACK, STAR, check_readable
from ..particles.stream import StackWriter
from .inputs import job_file
from .prep_check import Check, check_particles, read_consensus
from .prep_measure import Noise, images_digest, measure_noise
from .prep_picture import draw

_CHUNK_PIXELS = 1 << 23
_SOURCE_ROW = "flexrecSourceRow"


def run(parameters, job) -> None:
    """Write the prepared particles, their noise, a back-projection, a record and a picture into the job's folder."""
    notes: list[str] = []
    particles, rows = _read(parameters, job, notes)
    ImageStack(particles).check()
    frame = choose_frame(particles, parameters.box, parameters.crop)
    radius = parameters.radius or 0.85 * frame.crop / 2
    if radius > 0.97 * frame.crop / 2:
        raise InputError(f"radius {radius:g} Å: no background is left in images {frame.crop:.0f} Å wide; give "
                         f"{0.85 * frame.crop / 2:.0f} Å or less.")  # fmt: skip
    converter = Converter(particles, frame, radius)
    consensus = read_consensus(_map_file(parameters.consensus), particles, frame)
    job.log(f"{len(particles)} particles to {frame.box} pixels of {frame.pixel_size:.4g} Å; disc of {radius:.0f} Å")
    workers = parameters.workers or min(os.cpu_count() or 1, 8)
    try:
        noise = measure_noise(converter, consensus, parameters, job)
        notes.extend(noise.notes)
        converter = _with_contrast(converter, noise.contrast)
        if not _write_images(converter, noise, workers, job):
            return
    except NotFinite:
        raise _count_bad(converter, job) from None
    prepared = _write_particles(particles, rows, frame, job)
    check = check_particles(prepared, noise.filter, consensus, radius, job, notes)
    _write_record(parameters, particles, frame, radius, noise, check, notes, job)
    check_readable(job.folder, prepared)
    _write_picture(converter, prepared, noise, check, frame, job)


def _read(parameters, job, notes: list[str]) -> tuple[Particles, np.ndarray]:
    """The particles asked for and their rows in the source file."""
    path = job_file(parameters.particles, STAR) if parameters.particles.is_dir() else parameters.particles
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", InputWarning)
        particles = read_particles(path, parameters.image_root)
    for warning in caught:
        if issubclass(warning.category, InputWarning):
            _note(str(warning.message), job, notes)
    for name in ("rotation", "shift", "defocus", "phase_shift"):
        values = getattr(particles, name).reshape(len(particles), -1)
        bad = np.flatnonzero(~np.isfinite(values).all(axis=1))
        if len(bad):
            raise InputError(f"{path}: {len(bad)} particles have a {name} that is no number (the first is particle "
                             f"{bad[0] + 1}); remove them.")  # fmt: skip
    for name in ("pixel_size", "voltage"):
        values = getattr(particles.optics, name)[np.unique(particles.group)]
        if not np.all(values > 0):
            raise InputError(f"{path}: an optics group has a {name} of {values.min():g}; mend the file.")
    rows = np.arange(len(particles))
    if parameters.subset is not None and parameters.subset < len(rows):
        rows = np.sort(np.random.default_rng(job.seed).choice(len(rows), parameters.subset, replace=False))
    return particles.take(rows), rows


def _map_file(path: Path | None) -> Path | None:
    """A job's folder stands for the consensus.mrc in it."""
    return None if path is None else job_file(path, "consensus.mrc")


def _note(text: str, job, notes: list[str]) -> None:
    """A warning, in the log and in prep.json."""
    notes.append(text)
    job.log(f"warning: {text}")


def _with_contrast(converter: Converter, contrast: float) -> Converter:
    if contrast == 1:
        return converter
    particles = replace(converter.particles, contrast=converter.particles.contrast * contrast)
    return Converter(particles, converter.frame, converter.radius)


# ---------------------------------------------------------------------------- images


def _write_images(converter: Converter, noise: Noise, workers: int, job) -> bool:
    """particles.mrcs; False where the job was asked to stop."""
    particles, frame = converter.particles, converter.frame
    largest = int(particles.optics.box.max())
    writer = StackWriter(
        job.folder,
        STACK,
        len(particles),
        frame.box,
        frame.pixel_size,
        max(8, _CHUNK_PIXELS // largest**2),
        images_digest(converter, noise.filter, noise.contrast),
    )
    if writer.done():
        job.log(f"continuing after chunk {writer.done()} of {writer.chunks}")
    for chunk in writer.write(lambda rows: converter.images(rows, noise.filter), workers):
        job.progress(chunk, writer.chunks, stage="images")
        if chunk < writer.chunks and job.stop_requested():
            return False
    return True


def _count_bad(converter: Converter, job) -> InputError:
    """The error that says how many images are not finite, and which is the first."""
    particles, stack, bad = converter.particles, ImageStack(converter.particles), []
    for number in np.unique(particles.group):
        members = np.flatnonzero(particles.group == number)
        for part in np.array_split(members, max(1, len(members) // 100)):
            bad.extend(part[not_finite(stack.read(part))])
            job.progress(int(part[-1]) + 1, len(particles), stage="search for damaged images")
    first = min(bad)
    return InputError(f"{particles.source}: {len(bad)} images hold values that are not numbers (NaN or infinity); the "
                      f"first is image {particles.index[first] + 1} of {particles.stacks[particles.stack[first]]}; "
                      "remove those particles or extract them again.")  # fmt: skip


# ---------------------------------------------------------------------------- outputs


def _write_particles(particles: Particles, rows: np.ndarray, frame: Frame, job) -> Particles:
    """particles.star: the same poses and CTF, the new stack."""
    groups, count = len(particles.optics), len(particles)
    prepared = replace(
        particles,
        stacks=((job.folder / STACK).resolve(),),
        stack=np.zeros(count, np.int32),
        index=np.arange(count, dtype=np.int64),
        optics=replace(
            particles.optics, pixel_size=np.full(groups, frame.pixel_size), box=np.full(groups, frame.box, np.int64)
        ),
        columns=particles.columns | {_SOURCE_ROW: rows},
        contrast=1.0,
        source=(job.folder / STAR).resolve(),
    )
    write_star(job.folder / STAR, prepared)
    return prepared


def _write_record(parameters, particles, frame, radius, noise, check: Check, notes: list[str], job) -> None:
    record = {
        "box": frame.box,
        "pixel_size": frame.pixel_size,
        "count": len(particles),
        "source": os.path.relpath(particles.source, job.folder.resolve()),
        "image_root": None if parameters.image_root is None else str(parameters.image_root),
        "crop": frame.crop,
        "radius": radius,
        "whitened": parameters.whiten,
        "contrast": "white" if particles.contrast * noise.contrast > 0 else "dark",
        "noise": NOISE,
        "centre": None if check.centre is None else check.centre.tolist(),
        "backprojection": check.record(),
        "warnings": notes,
    }
    with job.output(RECORD) as path:
        path.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _write_picture(converter: Converter, prepared: Particles, noise: Noise, check: Check, frame: Frame, job) -> None:
    shown = np.unique(np.linspace(0, len(prepared) - 1, 6).astype(int))
    before = [converter.raw(shown[i : i + 1])[0] for i in range(len(shown))]
    with job.output("prep.png") as path:
        draw(path, before, ImageStack(prepared).read(shown), shown, noise.power, check, frame)

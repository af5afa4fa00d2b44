"""Run a ``prep`` job: images to one box and pixel size, noise whitened, poses checked by a quick back-projection."""

from __future__ import annotations

import json
import os
from dataclasses import replace

import numpy as np

from ...engine.maps.back_projection_check import Check, check_particles, choose_halves
from ...errors import InputError
from ...figures.prep_figure import draw
from ...particles import ImageStack, Particles, write_star
from ...particles.convert import Converter
from ...particles.frame import Frame, choose_frame
from ...particles.particles import PHASE_FLIPPED
from ...particles.prepared import NOISE, RECORD, STACK, STAR, check_readable
from ...particles.stream import StackWriter
from ...particles.symmetry import operators
from ..job_folder import JobRun
from .prep_doubts import doubt, doubt_radius
from .prep_measure import Noise, images_digest, measure_noise, save_filter
from .prep_notes import Notes
from .prep_parameters import PrepParameters
from .prep_read import check_headers, read_consensus, read_input, with_refinement
from .prep_survey import SurveyedImages, survey_images, with_images
from .prep_symmetry import check_symmetric, with_symmetry, write_unit

_CHUNK_PIXELS = 1 << 23
_SOURCE_ROW = "flexrecSourceRow"


def run(parameters: PrepParameters, job: JobRun) -> None:
    """Write the prepared particles, their noise, a back-projection, a record and a picture into the job's folder."""
    notes = Notes(job, parameters.normalize if parameters.whiten else None)
    parameters = with_refinement(parameters, job.log)
    particles, rows = read_input(parameters, job.seed, notes)
    ImageStack(particles).check()
    check_headers(particles, notes)
    frame = choose_frame(particles, parameters.box, parameters.crop)
    radius = _radius(parameters, frame)
    group = operators(parameters.symmetry)
    consensus = read_consensus(parameters.consensus, parameters.pixel_size, particles, frame)
    check_symmetric(consensus, parameters.consensus, group, parameters.symmetry)
    job.log(f"{len(particles)} particles to {frame.box} pixels of {frame.pixel_size:.4g} Å; disc of {radius:.0f} Å")
    workers = parameters.workers or min(os.cpu_count() or 1, 8)
    raw = Converter(particles, frame, radius)
    images = survey_images(raw, rows, images_digest(raw), workers, notes)
    if images is None:
        return
    particles, image = with_images(images, notes)
    converter = Converter(particles, frame, radius, images.hot)
    noise = measure_noise(converter, image, consensus, parameters, notes)
    converter = _with_contrast(converter, noise.contrast)
    if not _write_images(converter, noise, workers, job):
        return
    stored = _prepared(particles, images.rows, frame, job)
    prepared, image = with_symmetry(stored, image, group, parameters.symmetry, notes)
    halves = choose_halves(prepared, image, noise.filter, radius, job.seed)
    check = check_particles(halves, consensus, job)
    save_filter(noise, check.gain, job)
    write_unit(check, consensus, frame.pixel_size, group, notes)
    warning = doubt(halves, check, consensus)
    if warning:
        notes.warn(warning + state_taken(parameters.ctf_state))
    small = doubt_radius(consensus, radius, frame.pixel_size)
    if small:
        notes.warn(small)
    write_star(job.folder / STAR, prepared)
    _write_record(parameters, images, len(prepared), frame, radius, noise, check, notes)
    check_readable(job.folder, prepared)
    _write_picture(converter, stored, noise, check, frame, job)


def state_taken(state: str) -> str:
    """What else may be wrong where the check finds something: what was said to have been done to the images."""
    return "" if state == "auto" else f" The images were taken as {state}: if they are not, mend that first."


def _radius(parameters: PrepParameters, frame: Frame) -> float:
    """Å of the disc that holds the particle."""
    radius = parameters.radius or 0.85 * frame.crop / 2
    if radius > 0.97 * frame.crop / 2:
        raise InputError(f"radius {radius:g} Å: no background is left in images {frame.crop:.0f} Å wide; give "
                         f"{0.85 * frame.crop / 2:.0f} Å or less.")  # fmt: skip
    return radius


def _with_contrast(converter: Converter, contrast: float) -> Converter:
    if contrast == 1:
        return converter
    particles = replace(converter.particles, contrast=converter.particles.contrast * contrast)
    return Converter(particles, converter.frame, converter.radius, converter.hot)


# ---------------------------------------------------------------------------- images


def _write_images(converter: Converter, noise: Noise, workers: int, job: JobRun) -> bool:
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
        images_digest(converter, noise.whitening.filter, noise.whitening.even, noise.contrast),
    )
    if writer.done():
        job.log(f"continuing after chunk {writer.done()} of {writer.chunks}")
    for chunk in writer.write(lambda rows: converter.images(rows, noise.whitening), workers):
        job.progress(chunk, writer.chunks, stage="images")
        if chunk < writer.chunks and job.stop_requested():
            return False
    return True


# ---------------------------------------------------------------------------- outputs


def _prepared(particles: Particles, rows: np.ndarray, frame: Frame, job: JobRun) -> Particles:
    """The same poses and CTF, the new stack."""
    groups, count = len(particles.optics), len(particles)
    return replace(
        particles,
        stacks=((job.folder / STACK).resolve(),),
        stack=np.zeros(count, np.int32),
        index=np.arange(count, dtype=np.int64),
        optics=replace(
            particles.optics,
            pixel_size=np.full(groups, frame.pixel_size),
            box=np.full(groups, frame.box, np.int64),
            ctf_state=np.minimum(particles.optics.ctf_state, PHASE_FLIPPED),  # see Converter
        ),
        columns=particles.columns | {_SOURCE_ROW: rows},
        contrast=1.0,
        source=(job.folder / STAR).resolve(),
    )


def _write_record(
    parameters: PrepParameters,
    images: SurveyedImages,
    count: int,
    frame: Frame,
    radius: float,
    noise: Noise,
    check: Check,
    notes: Notes,
) -> None:
    job, particles = notes.job, images.particles
    record = {
        "box": frame.box,
        "pixel_size": frame.pixel_size,
        "count": count,
        "source": os.path.relpath(particles.source, job.folder.resolve()),
        "image_root": None if parameters.image_root is None else str(parameters.image_root),
        "crop": frame.crop,
        "radius": radius,
        "whitened": parameters.whiten,
        "normalized": noise.whitening.even,
        "left_out": images.left_out,
        "mended": len(images.hot.rows),
        "ctf_state": parameters.ctf_state,  # with what RELION's optimiser.star says
        "contrast": "white" if particles.contrast * noise.contrast > 0 else "dark",
        "noise": NOISE,
        "centre": None if check.centre is None else check.centre.tolist(),
        "backprojection": check.record(),
        "warnings": notes.texts,
    }
    if len(operators(parameters.symmetry)) > 1:
        record |= {"symmetry": parameters.symmetry.strip().upper(), "images": len(particles)}
    with job.output(RECORD) as path:
        path.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _write_picture(
    converter: Converter, prepared: Particles, noise: Noise, check: Check, frame: Frame, job: JobRun
) -> None:
    shown = np.unique(np.linspace(0, len(prepared) - 1, 6).astype(int))
    before = [converter.raw(shown[i : i + 1])[0] for i in range(len(shown))]
    with job.output("prep.png") as path:
        draw(path, before, ImageStack(prepared).read(shown), shown, noise.power, check, frame)

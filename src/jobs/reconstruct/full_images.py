"""Images as large as they were recorded, read from the stacks that prep read: cropped and whitened as prep does it."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...engine.maps.half_pair import SMALLEST_BOX
from ...errors import InputError
from ...explore.trained_model import Trained
from ...particles.convert import Converter, Whitening
from ...particles.copies import copies, image_numbers
from ...particles.frame import Frame, choose_frame
from ...particles.hot_pixels import HotPixels, Survey, find_hot_pixels
from ...particles.particles import PHASE_FLIPPED, Particles
from ...particles.prepared import NOISE, RECORD, Prepared
from ...particles.stack import ImageStack, image_name
from ..inputs import join_record
from ..job_folder import JobRun
from ..prep.prep_measure import measure_whitening
from ..prep.prep_parameters import PREP, PrepParameters
from ..prep.prep_read import input_rows, with_given_state
from ..prep.prep_survey import SURVEY
from ..record import read_record

if TYPE_CHECKING:
    from ...engine.training.batches import ParticleImages

WHITENING = "whitening.npz"
SMALLEST_PIXELS, LARGEST_PIXEL = SMALLEST_BOX, 30.0  # what half-maps can be measured and read in: voxels, Å
LOOKED_AT = 64  # recorded images that are compared with those that prep made of them
SAME = 0.5  # correlation with what prep made of it, above which it is the same image: others have 0.2 at most


@dataclass(frozen=True)
class ConvertedImages:
    """Reads images as `ImageStack` does, each brought to the frame and whitened when it is asked for."""

    converter: Converter
    whitening: Whitening

    def read(self, rows: np.ndarray) -> np.ndarray:
        """``(m, D, D)`` float32, protein white."""
        return self.converter.images(np.asarray(rows), self.whitening)


def full_frame(prepared: Prepared, source: Particles, box: int | None) -> Frame:
    """The field of view of the prepared images, in ``box`` pixels; in the recorded ones where that is None.

    ``source`` are the particles as they were recorded. ``InputError`` where there are not as many pixels.
    """
    crop = prepared.box * prepared.pixel_size
    count = np.bincount(source.group, minlength=len(source.optics))
    recorded = round(crop / float(source.optics.pixel_size[int(np.argmax(count))]))
    recorded -= recorded % 2
    box = max(recorded, prepared.box) if box is None else box
    least = max(SMALLEST_PIXELS, -(-crop // LARGEST_PIXEL))
    if box % 2 or not least <= box <= max(recorded, prepared.box):
        raise InputError(f"box {box}: must be even, at least {least:.0f} and at most the {recorded} pixels that the "
                         "images had where prep cropped them.")  # fmt: skip
    return Frame(box, crop / box)


def check_pixel_size(particles: Particles, prepared: Prepared) -> None:
    """``InputError`` where recorded ``particles`` have another pixel size or box now than when prep read them."""
    if not (prepared.folder / "job.json").is_file():
        return  # how prep cropped is not known
    asked, crop = _prep_asked(prepared.folder)[0], prepared.box * prepared.pixel_size
    now = choose_frame(particles, prepared.box, asked.crop).crop
    if abs(now - crop) > 1e-4 * crop:
        raise InputError(f"{particles.source}: its images are {now:.5g} Å wide by the pixel size there, and were "
                         f"{crop:.5g} Å when prep read them; put the file that prep read back, or run prep and train "
                         f"again.{_own_box(prepared)}")  # fmt: skip


def check_same_images(converter: Converter, prepared: Prepared) -> None:
    """``InputError`` where recorded images are not those that prep has read for its particles.

    A few, spread over all, are brought to prep's frame and compared with what prep has made of them.
    """
    particles = converter.particles
    rows = np.unique(np.linspace(0, len(particles) - 1, min(LOOKED_AT, len(particles))).astype(int))
    frame = Frame(prepared.box, prepared.pixel_size)
    again = Converter(particles, frame, converter.radius, converter.hot).images(rows, _preps_whitening(prepared))
    alike = _correlations(again, ImageStack(prepared.particles).read(rows))
    other = rows[alike < SAME]
    if len(other):
        raise InputError(f"{particles.source}: {image_name(particles, other[0])} is not the image that prep read for "
                         f"particle {other[0] + 1} ({len(other)} of {len(rows)} that were looked at are others); put "
                         "the file that prep read back, with its stacks, or run prep and train again."
                         f"{_own_box(prepared)}")  # fmt: skip


def _own_box(prepared: Prepared) -> str:
    return f" With --box {prepared.box}, prep's own images are used."


def _correlations(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(m,) of image pairs (m, D, D); 0 where one of them is the same everywhere."""
    first, second = (images - images.mean((1, 2), keepdims=True) for images in (first, second))
    norm = np.sqrt((first**2).sum((1, 2)) * (second**2).sum((1, 2)))
    return np.divide((first * second).sum((1, 2)), norm, out=np.zeros(len(first), np.float32), where=norm > 0)


def _preps_whitening(prepared: Prepared) -> Whitening | None:
    """What prep has multiplied its images by; None where that is not kept."""
    with np.load(prepared.folder / NOISE, allow_pickle=False) as stored:
        return Whitening(stored["whitening"], bool(stored["even"])) if "whitening" in stored.files else None


def recorded_particles(trained: Trained, prepared: Prepared) -> Particles:
    """The prepared particles with their images as they were recorded: their poses and halves, the source's stacks.

    ``InputError`` where the particle file or its stacks are gone, or hold other particles.
    """
    asked = _prep_asked(prepared.folder)[0]
    record = json.loads((prepared.folder / RECORD).read_text(encoding="utf-8"))
    asked = replace(asked, ctf_state=record.get("ctf_state", asked.ctf_state))
    source = with_given_state(trained.source_particles, asked)
    rows = trained.source_rows(np.arange(len(prepared.particles)))
    if len(rows) and rows.max() >= len(source):
        raise InputError(f"{source.source}: has {len(source)} particles, fewer than prep read there; put the file that "
                         f"prep read back, or say --box {prepared.box}, for which its own images do.")  # fmt: skip
    return with_sources(prepared.particles, source.take(rows))


def with_sources(particles: Particles, source: Particles) -> Particles:
    """``particles`` with the images of ``source``, row by row, and what its optics groups say of them."""
    optics = source.optics
    first = [int(source.group[np.argmax(particles.group == group)]) for group in range(len(particles.optics))]
    own = replace(
        particles.optics,
        pixel_size=optics.pixel_size[first],
        box=optics.box[first],
        ctf_state=optics.ctf_state[first],
    )
    return replace(particles, stacks=source.stacks, stack=source.stack, index=source.index, optics=own,
                   contrast=source.contrast, source=source.source)  # fmt: skip


def open_full_images(trained: Trained, prepared: Prepared, box: int | None, job: JobRun) -> ParticleImages:
    """The images of the prepared particles in ``box`` pixels; those of prep where it has as many.

    How they are whitened is measured once and kept in whitening.npz. ``InputError`` as `recorded_particles`.
    """
    from ...engine.training.batches import ParticleImages

    if box == prepared.box:
        return ParticleImages(prepared.particles, prepared.filter)
    particles = recorded_particles(trained, prepared)
    check_pixel_size(particles, prepared)
    frame = full_frame(prepared, particles, box)
    if frame.box == prepared.box:
        return ParticleImages(prepared.particles, prepared.filter)
    record = json.loads((prepared.folder / RECORD).read_text(encoding="utf-8"))
    converter = Converter(particles, frame, float(record["radius"]), _hot_pixels(trained, prepared, job))
    check_same_images(converter, prepared)
    whitening, signal = _whitening(converter, record, prepared, job)
    count = len(particles.optics)
    optics = replace(
        particles.optics,
        pixel_size=np.full(count, frame.pixel_size),
        box=np.full(count, frame.box, np.int64),
        ctf_state=np.minimum(particles.optics.ctf_state, PHASE_FLIPPED),  # see Converter
    )
    return ParticleImages(replace(particles, optics=optics), signal, ConvertedImages(converter, whitening))


def _prep_asked(folder: Path) -> tuple[PrepParameters, int]:
    """What prep was asked, and its seed; the defaults where that is not kept."""
    if not (folder / "job.json").is_file():
        return PREP.build({"particles": folder}), 0
    record = read_record(folder)
    return join_record(PREP, record, folder.parent), int(record["seed"])


def _hot_pixels(trained: Trained, prepared: Prepared, job: JobRun) -> HotPixels | None:
    """The hot pixels that prep has found in the recorded images."""
    path = prepared.folder / SURVEY
    if not path.is_file():
        job.log(f"{path}: is not there, so hot pixels of the recorded images are not replaced.")
        return None
    with np.load(path, allow_pickle=False) as stored:
        survey = Survey(*(stored[field.name] for field in fields(Survey)))
    parameters, seed = _prep_asked(prepared.folder)
    source = trained.source_particles
    surveyed = input_rows(len(source), parameters.subset, seed)
    rows = trained.source_rows(np.arange(len(prepared.particles)))
    places = np.searchsorted(surveyed, rows)
    if len(surveyed) != len(survey.level) or places.max(initial=0) >= len(surveyed) or (surveyed[places] != rows).any():
        raise InputError(f"{source.source}: has not the particles that prep has read there; put that file back, or say "
                         f"--box {prepared.box}, for which prep's own images do.")  # fmt: skip
    hot = find_hot_pixels(survey, source.group[surveyed]).take(places)
    return hot if len(hot.rows) else None


def _whitening(
    converter: Converter, record: dict, prepared: Prepared, job: JobRun
) -> tuple[Whitening, np.ndarray]:
    """What the images are multiplied by, and ``(g, D//2+1)`` float32 what that makes of their signal."""
    path = job.folder / WHITENING
    if not path.is_file():
        distinct = np.flatnonzero(~copies(image_numbers(prepared.particles)))
        sample = np.random.default_rng(job.seed).permutation(distinct)
        whiten = bool(record["whitened"])
        _, _, whitening, level = measure_whitening(converter, sample, whiten, whiten and record["normalized"], job)
        signal = whitening.filter / np.float32(level) * _gains(prepared)[:, None]
        with job.output(WHITENING) as temporary, open(temporary, "wb") as file:
            np.savez(file, filter=whitening.filter, even=whitening.even, signal=signal.astype(np.float32))
    with np.load(path, allow_pickle=False) as stored:
        return Whitening(stored["filter"], bool(stored["even"])), stored["signal"]


def _gains(prepared: Prepared) -> np.ndarray:
    """How much stronger the signal of each optics group ``(g,)`` is than its noise tells, as prep has measured it."""
    with np.load(prepared.folder / NOISE, allow_pickle=False) as stored:
        if "whitening" not in stored.files:
            return np.ones(len(prepared.filter), np.float32)
        expected = stored["whitening"] / np.float32(stored["level"])
    return np.median(prepared.filter / np.maximum(expected, 1e-30), axis=1).astype(np.float32)

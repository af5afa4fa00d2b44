"""What ``prep`` looks for in the raw images before it uses them: damage, hot pixels, uneven noise, copies."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ...errors import InputError
from ...particles import Particles
from ...particles.convert import Converter
from ...particles.copies import IMAGE, copies, image_numbers
from ...particles.halves import divided, together
from ...particles.hot_pixels import HotPixels, Survey, find_hot_pixels, survey
from ...particles.prefetch import in_order
from ...particles.stack import image_name
from ..job_folder import JobRun
from .prep_notes import Notes

SURVEY = "survey.npz"
_CHUNK_PIXELS = 1 << 21
_MOST_HOT = 0.05  # of an image's pixels: with more, there is no image left
_UNEVEN = 2.0  # times the usual noise, or a fraction of it: what is odd for an image
_NAMED = 3  # images that a note names


@dataclass(frozen=True)
class SurveyedImages:
    """The particles that are left, their rows in the source file, their images' survey, and the hot pixels in them."""

    particles: Particles
    rows: np.ndarray
    survey: Survey
    hot: HotPixels
    left_out: int

    def take(self, chosen: np.ndarray) -> SurveyedImages:
        """The particles of this mask alone."""
        rows = np.flatnonzero(chosen)
        return SurveyedImages(self.particles.take(rows), self.rows[rows], self.survey.take(rows), self.hot.take(rows),
                        self.left_out + int(np.count_nonzero(~chosen)))  # fmt: skip


def survey_images(
    converter: Converter, rows: np.ndarray, digest: str, workers: int, notes: Notes
) -> SurveyedImages | None:
    """Look at every image once; say what is odd, and leave out the images that show nothing.

    ``rows`` are those of the particles in the source file. None where the job was asked to stop. The survey is kept in
    survey.npz under ``digest``. ``InputError`` where images hold values that are not numbers, or all are empty.
    """
    result = _saved(notes.job.folder / SURVEY, digest)
    if result is None:
        result = _survey(converter, workers, notes.job)
        if result is None:
            return None
        with notes.job.output(SURVEY) as path:
            np.savez(path, of=digest, **{name: getattr(result, name) for name in result.__dataclass_fields__})
    particles = converter.particles
    _refuse_damaged(particles, result)
    images = SurveyedImages(particles, rows, result, find_hot_pixels(result, particles.group), 0)
    images = _without_empty(images, notes)
    images = _without_hot(images, converter, notes)
    _note_uneven(images, notes)
    return images


def _survey(converter: Converter, workers: int, job: JobRun) -> Survey | None:
    particles = converter.particles
    order = np.lexsort((particles.index, particles.stack, particles.group))
    parts = [
        part
        for members in np.split(order, np.flatnonzero(np.diff(particles.group[order])) + 1)
        for part in _chunks(members, int(particles.optics.box[particles.group[members[0]]]))
    ]
    radii = np.minimum(converter.radius / particles.optics.pixel_size, 0.97 * particles.optics.box / 2)

    def look(part: np.ndarray) -> Survey:
        return survey(converter.raw(part), float(radii[particles.group[part[0]]]))

    results, done = [], 0
    for number, result in enumerate(in_order(look, parts, workers)):
        results.append(result)
        done += len(parts[number])
        job.progress(done, len(particles), stage="survey")
        if done < len(particles) and job.stop_requested():
            return None
    return Survey.joined(results).take(np.argsort(np.concatenate(parts)))


def _chunks(rows: np.ndarray, box: int) -> list[np.ndarray]:
    return np.array_split(rows, -(-len(rows) // max(1, _CHUNK_PIXELS // max(box, 1) ** 2)))


def _saved(path: Path, digest: str) -> Survey | None:
    """What an earlier, interrupted run of this job found."""
    if not path.exists():
        return None
    with np.load(path, allow_pickle=False) as saved:
        if str(saved["of"]) != digest:
            return None
        return Survey(*(saved[name] for name in Survey.__dataclass_fields__))


# ---------------------------------------------------------------------------- damage


def _refuse_damaged(particles: Particles, result: Survey) -> None:
    bad = np.flatnonzero(~result.finite)
    if len(bad):
        raise InputError(f"{particles.source}: {len(bad)} images hold values that are not numbers (NaN or infinity); "
                         f"the first is {image_name(particles, bad[0])}; remove those particles or extract them "
                         "again.")  # fmt: skip
    if result.empty.all():
        raise InputError(f"{particles.source}: its images are empty (the same value everywhere); are the stacks whole?")


def _without_empty(images: SurveyedImages, notes: Notes) -> SurveyedImages:
    empty = images.survey.empty
    if not empty.any():
        return images
    notes.warn(f"{empty.sum()} of {len(empty)} images are empty (the same value everywhere, or "
               f"all around the particle): "
               f"{_named(images.particles, np.flatnonzero(empty))}; they are left out.")  # fmt: skip
    return images.take(~empty)


def _without_hot(images: SurveyedImages, converter: Converter, notes: Notes) -> SurveyedImages:
    """Count the hot pixels; images that consist of them are left out."""
    rows, particles = images.hot.rows, images.particles
    if len(rows) == 0:
        return images
    plain = Converter(particles, converter.frame, converter.radius)
    share = np.zeros(len(particles))
    pixels = 0
    for row in rows:
        hot = images.hot.of(plain.raw(np.array([row]))[0], row)
        share[row] = hot.mean()
        pixels += int(hot.sum()) * bool(share[row] <= _MOST_HOT)
    ruined = share > _MOST_HOT
    mended = rows[~ruined[rows]]
    if len(mended):
        worst = mended[np.argmax(images.survey.farthest[mended] / images.hot.limit[mended])]
        notes.warn(f"{len(mended)} of {len(particles)} images have pixels that can be neither noise nor protein "
                   f"({pixels} in all; the farthest is {images.survey.farthest[worst]:.3g} from its background, whose "
                   f"standard deviation is {images.survey.noise[worst]:.3g}): {_named(particles, mended)}; such pixels "
                   "are replaced by the median around them.")  # fmt: skip
    if ruined.any():
        notes.warn(f"{ruined.sum()} of {len(particles)} images consist of such pixels by more than "
                   f"{100 * _MOST_HOT:.0f} %: {_named(particles, np.flatnonzero(ruined))}; they are left "
                   "out.")  # fmt: skip
        return images.take(~ruined)
    return images


def _named(particles: Particles, rows: np.ndarray) -> str:
    """The first few images in words."""
    names = ", ".join(image_name(particles, row) for row in rows[:_NAMED])
    return names if len(rows) <= _NAMED else f"{names} and {len(rows) - _NAMED} more"


# ---------------------------------------------------------------------------- grey scale


def _note_uneven(images: SurveyedImages, notes: Notes) -> None:
    """Say how far the images' noise differs, within and between optics groups."""
    particles, noise = images.particles, images.survey.noise
    groups = [int(number) for number in np.unique(particles.group)]
    usual = np.ones(len(particles.optics))
    for number in groups:
        usual[number] = np.median(noise[particles.group == number])
    if not images.survey.noisy or not (usual[groups] > 0).all() or notes.normalize is None:
        return
    levels = {particles.optics.name[number]: usual[number] for number in groups}
    what = ("each image is brought to the same noise (normalize)" if notes.normalize else
            "the images are left so, since normalize is off")  # fmt: skip
    if max(levels.values()) > _UNEVEN * min(levels.values()):
        some = sorted(levels.items(), key=lambda item: item[1])
        some = some if len(some) <= 4 else [*some[:2], *some[-2:]]
        notes.warn(f"the noise differs between optics groups: standard deviation "
                   f"{', '.join(f'{level:.3g} in {name}' for name, level in some)}; {what}.")  # fmt: skip
    ratio = noise / usual[particles.group]
    odd = int(np.count_nonzero((ratio > _UNEVEN) | (ratio < 1 / _UNEVEN)))
    if odd == 0:
        return
    low, high = np.quantile(ratio, (0.05, 0.95))
    text = (f"the noise differs from image to image: {odd} of {len(ratio)} have more than {_UNEVEN:.0f} times or less "
            f"than 1/{_UNEVEN:.0f} of the usual ({low:.2g} to {high:.2g} times it in 90 % of them, "
            f"{ratio.min():.2g} to {ratio.max():.2g} in all); {what}.")  # fmt: skip
    notes.warn(text) if odd > 0.01 * len(ratio) else notes.job.log(text)


# ---------------------------------------------------------------------------- copies


def with_images(images: SurveyedImages, notes: Notes) -> tuple[Particles, np.ndarray]:
    """(the particles, copies of one image in one half of them and marked as such; the first row of each's image)."""
    particles = images.particles
    image = image_numbers(particles, images.survey.digest)
    again = copies(image)
    if not again.any():
        return particles, image
    _note_copies(particles, image, notes)
    half = together(particles.half, image)
    moved = int(np.count_nonzero((half != particles.half) & (particles.half > 0)))
    if moved:
        notes.warn(f"{moved} of the copies are in the other half of the particle file than their image's first; they "
                   "are put into its half.")  # fmt: skip
        if not divided(half).any():
            notes.warn("that leaves nothing in one half, so the images are divided anew.")
    return replace(particles, half=divided(half), columns=particles.columns | {IMAGE: images.rows[image]}), image


def _note_copies(particles: Particles, image: np.ndarray, notes: Notes) -> None:
    again = np.flatnonzero(copies(image))
    turned = np.abs(particles.rotation[again] - particles.rotation[image[again]]).max((1, 2)) > 1e-3
    count, views = len(again), int(turned.sum())
    text = (f"{count} of {len(image)} particles are copies of the image of another ({views} of them with another "
            "orientation, as symmetry expansion makes them); all copies of an image are in one half.")  # fmt: skip
    if views == count:
        notes.job.log(text)
    else:
        notes.warn(text + " Remove the duplicates if that was not meant: they count twice.")

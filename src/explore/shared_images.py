"""Which particles of two models are the same images, whichever programs trained them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..particles.image_match import Keys, Match, matched
from ..particles.particles import Particles
from ..particles.resample import ImageResampler
from ..particles.stack import ImageStack
from .trained_model import SOURCE_ROW, Trained, source_of_prep

Source = tuple[Particles, np.ndarray]  # all particles of a file, and rows (n,) in it

_LEAST = 10  # particles in common, of which anything can be said
_SAME_DEFOCUS = 0.9  # correlation of the defocus of particles, as two programs have refined it
_LOOKED_AT = 20  # images that must look alike where rows alone tell which is which
_SAME_SMALL = 0.8  # correlation of an image and one that another program has made smaller, with edges of its own
_SAME_IMAGE = 0.99  # correlation of two copies of an image, of which one may be inverted


def shared_images(first: Trained, second: Trained) -> Match:
    """Rows of the latents of both, of the images that both have: particles without latent numbers are left out.

    ``InputError`` where too few are shared.
    """
    match = _match(first, second)
    placed = first.finite[match.first] & second.finite[match.second]
    match = Match(match.first[placed], match.second[placed], match.by)
    if len(match) < _LEAST:
        raise InputError(f"{first.folder.name} and {second.folder.name} have {len(match)} particles in common, by uid, "
                         "by the names of their images, or by rows whose images look alike; compare models of the same "
                         "ones, or say where the images are (flexrec images).")  # fmt: skip
    return match


def _match(first: Trained, second: Trained) -> Match:
    if first.recorded_source is not None and first.recorded_source == second.recorded_source:
        # one file: rows tell copies of an image apart, and the file need not be there
        _, of_first, of_second = np.intersect1d(_source_rows(first), _source_rows(second), return_indices=True)
        return Match(of_first, of_second, "their rows in the same particle file")
    match = matched(image_keys(first), image_keys(second))
    if match.shortened and len(match) and not _look_alike(first, second, match):
        match = Match(match.first[:0], match.second[:0], match.by)
    return match if len(match) else matched_by_row(lambda: source_of(first), lambda: source_of(second))


def _source_rows(trained: Trained) -> np.ndarray:
    return trained.source_rows(np.arange(len(trained.latents)))


def _look_alike(first: Trained, second: Trained, match: Match) -> bool:
    """Whether images that were told by a part of their names are the same: particles.mrcs may be the name of anything.

    By the first image, where both files are here, else by the defocus of all, if both know it.
    """
    try:
        given = [trained.source_particles.take(_source_rows(trained)[rows])
                 for trained, rows in ((first, match.first), (second, match.second))]  # fmt: skip
    except InputError:
        return True  # nothing is known but the names
    try:
        images = [ImageStack(particles).read(np.zeros(1, int))[0] for particles in given]
    except InputError:
        return _correlate(given[0].defocus[:, 0], given[1].defocus[:, 0], _SAME_DEFOCUS)
    return images[0].shape == images[1].shape and _correlate(images[0], images[1], _SAME_IMAGE)


def source_of(trained: Trained) -> Source:
    """The particles of the file that prep was given, or another program, and which row each of the latents is of."""
    return trained.source_particles, _source_rows(trained)


def matched_by_row(first: Callable[[], Source], second: Callable[[], Source]) -> Match:
    """By rows of two files of as many particles, where the images of some that are spread over them look alike; else
    none. So are those of a stack that was written anew under another name, as with smaller images.
    """
    none = Match(np.empty(0, int), np.empty(0, int), "their rows in two particle files, whose images look alike")
    try:
        (particles, of_one), (others, of_other) = first(), second()
        if len(particles) != len(others):
            return none
        rows, of_first, of_second = np.intersect1d(of_one, of_other, return_indices=True)
        some = rows[np.unique(np.linspace(0, len(rows) - 1, _LOOKED_AT).astype(int))] if len(rows) else rows
        images = [ImageStack(source).read(some) for source in (particles, others)]
    except InputError:
        return none
    box = min(stack.shape[-1] for stack in images)
    one, other = (_smaller(stack, box) for stack in images)
    told = _all_alike(one, other) and not _all_alike(one, np.roll(other, 1, axis=0))
    return Match(of_first, of_second, none.by) if told and len(some) == _LOOKED_AT else none


def _all_alike(images: np.ndarray, others: np.ndarray) -> bool:
    """Whether each of the images ``(m, D, D)`` is that of the others in its row, made smaller elsewhere."""
    pairs = zip(images.reshape(len(images), -1), others.reshape(len(others), -1))
    return all(np.ptp(one) > 0 and np.ptp(other) > 0 and abs(np.corrcoef(one, other)[0, 1]) > _SAME_SMALL
               for one, other in pairs)  # fmt: skip


def _smaller(images: np.ndarray, box: int) -> np.ndarray:
    """Images ``(m, D, D)`` with ``box`` pixels on a side, over the same field of view."""
    size = images.shape[-1]
    if size == box:
        return images
    return np.fft.irfft2(ImageResampler(size, 1.0, box, size / box).transform(images), (box, box))


def _correlate(first: np.ndarray, second: np.ndarray, least: float) -> bool:
    """Whether they correlate, or say nothing: unknown, or all alike in both."""
    spread = [float(np.ptp(values)) for values in (first, second)]
    if not np.isfinite(spread).all() or max(spread) == 0:
        return True
    return min(spread) > 0 and abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) > least


def image_keys(trained: Trained) -> Keys:
    """What the particles' images are known by, one for each row of the latents: in the file that prep was given, or
    another program. ``InputError`` where nothing is known.
    """
    if trained.model.origin is not None:
        try:
            return Keys.of(trained.source_particles).take(_source_rows(trained))
        except InputError:
            if trained.model.origin.keys is None:
                raise
            return trained.model.origin.keys
    return prepared_keys(trained.particles, trained.prepared)


def prepared_keys(particles: Particles, folder: Path) -> Keys:
    """The same of the particles in the folder of a prep job, by the file that it was given.

    Where that is gone, prep's own file has the uid of each at least, if they came from cryoSPARC.
    """
    try:
        source, rows = prepared_source(particles, folder)
        return Keys.of(source).take(rows)
    except InputError:
        uid = Keys.of(particles).uid
        if uid is None:
            raise
        return Keys(uid)


def prepared_source(particles: Particles, folder: Path) -> Source:
    """As `source_of` has it, of the particles in the folder of a prep job; ``InputError`` where the file is gone."""
    columns = particles.columns
    rows = np.asarray(columns[SOURCE_ROW], np.int64) if SOURCE_ROW in columns else np.arange(len(particles))
    return source_of_prep(folder), rows

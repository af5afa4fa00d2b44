"""Which particles of two models are the same images, whichever programs trained them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import InputError
from ..particles.image_match import Keys, Match, matched
from ..particles.particles import Particles
from ..particles.stack import ImageStack
from .trained_model import SOURCE_ROW, Trained, source_of_prep

_LEAST = 10  # particles in common, of which anything can be said
_SAME_DEFOCUS = 0.9  # correlation of the defocus of particles, as two programs have refined it
_SAME_IMAGE = 0.99  # correlation of two copies of an image, of which one may be inverted


def shared_images(first: Trained, second: Trained) -> Match:
    """Rows of the latents of both, of the images that both have: particles without latent numbers are left out.

    ``InputError`` where too few are shared.
    """
    match = _match(first, second)
    placed = first.finite[match.first] & second.finite[match.second]
    match = Match(match.first[placed], match.second[placed], match.by)
    if len(match) < _LEAST:
        raise InputError(f"{first.folder.name} and {second.folder.name} have {len(match)} particles in common, by uid "
                         "or by the names of their images; compare models of the same ones.")  # fmt: skip
    return match


def _match(first: Trained, second: Trained) -> Match:
    if first.recorded_source is not None and first.recorded_source == second.recorded_source:
        # one file: rows tell copies of an image apart, and the file need not be there
        _, of_first, of_second = np.intersect1d(_source_rows(first), _source_rows(second), return_indices=True)
        return Match(of_first, of_second, "their rows in the same particle file")
    match = matched(image_keys(first), image_keys(second))
    if match.shortened and len(match) and not _look_alike(first, second, match):
        return Match(match.first[:0], match.second[:0], match.by)
    return match


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
    columns = particles.columns
    rows = np.asarray(columns[SOURCE_ROW], np.int64) if SOURCE_ROW in columns else np.arange(len(particles))
    try:
        return Keys.of(source_of_prep(folder)).take(rows)
    except InputError:
        uid = Keys.of(particles).uid
        if uid is None:
            raise
        return Keys(uid)

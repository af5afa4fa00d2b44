"""The particles' images: which are at hand, and where they are said to be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..models.image_folders import keep_folder
from ..particles import ImageStack, Particles, read_particles
from ..particles.stack_paths import is_file
from ..particles.symmetry import COPY
from .trained_model import Trained


@dataclass(frozen=True, eq=False)
class AvailableImages:
    """Images of some particles.

    Attributes
    ----------
    kind : which images, in a word. rows : ``(m,)`` particles that have one.
    read : from rows ``(k,)`` among these to images ``(k, D, D)`` float32, protein white; ``InputError`` where a stack
        is damaged. origin : where they come from, where that is not plain.
    """

    kind: str
    rows: np.ndarray
    read: Callable[[np.ndarray], np.ndarray]
    origin: str = ""


def available_images(trained: Trained, rows: np.ndarray) -> Iterator[AvailableImages]:
    """Images of particles ``rows`` ``(n,)`` that are at hand: raw, as prep was given them, then as prep made them."""
    trained.image_folder  # noqa: B018 - a damaged list is said, and not passed over
    try:
        source, places = trained.source_particles, trained.source_rows
        here = rows[_readable_stacks(source)[source.stack[places(rows)]]]
        if len(here):
            yield AvailableImages("raw", here, lambda some: ImageStack(source).read(places(some)))
    except (InputError, OSError):
        pass  # the particle file is gone: prep's own images may be there
    if trained.model.origin is not None:
        return
    made = trained.particles
    here = rows[_readable_stacks(made)[made.stack[rows]]]
    if len(here):
        yield AvailableImages("prepared", here, lambda some: ImageStack(made).read(some))


def _readable_stacks(particles: Particles) -> np.ndarray:
    """``(stacks,)`` bool."""
    return np.array([is_file(stack) for stack in particles.stacks], bool)


def lost_images(trained: Trained, rows: np.ndarray) -> str:
    """What is not where it was, in a sentence, where particles ``rows`` ``(n,)`` have no images here."""
    try:
        source = trained.source_particles
    except InputError:
        return f"The images are not here: the particle file is no longer at {trained.recorded_source}."
    lost = np.unique(source.stack[trained.source_rows(rows)])
    others = f", nor the other {len(lost) - 1} stacks" if len(lost) > 1 else ""
    return f"The images are not here: there is no {source.stacks[lost[0]]}{others}."


def use_folder(trained: Trained, folder: Path) -> str:
    """Look for the particle file and its stacks in a folder from now on; says how many particles have images there.

    Stacks are looked for with the folders that the particle file names, then by file name alone. The project remembers
    it. ``InputError``, and all stays as it was, where the folder has no image of these particles.
    """
    folder = folder.absolute()
    if not folder.is_dir():
        raise InputError(f"there is no folder {folder}; choose another.")
    particles = _particles_in(trained, folder)
    here = int(_readable_stacks(particles)[particles.stack].sum())
    if not here:
        first = particles.stacks[particles.stack[0]].name
        raise InputError(f"{folder}: has none of the image stacks, such as {first}; choose their folder.")
    keep_folder(trained.project, trained.particles_name, folder)
    trained.look_again()
    return f"{here:,} of {len(particles):,} particles have their images here now"


def _particles_in(trained: Trained, folder: Path) -> Particles:
    """The training's particles as they were given to prep, with stacks below ``folder``."""
    recorded = trained.recorded_source
    if trained.model.origin is not None:
        particles = trained.model.origin.all_particles(folder)
        return particles.take(trained.model.origin.rows(len(particles), folder))
    if recorded is None:
        raise InputError(f"{trained.prepared}: does not say which particle file it was given; run prep again.")
    source = recorded if recorded.is_file() else folder / recorded.name
    if not source.is_file():
        raise InputError(f"{folder}: has no {recorded.name}, which names the image of each particle and is no longer "
                         f"in {recorded.parent}; put it beside the stacks, and choose their folder.")  # fmt: skip
    particles, rows = read_particles(source, folder, require=()), trained.source_rows(np.arange(len(trained.latents)))
    known, columns = trained.particles.rotation, trained.particles.columns
    own = np.asarray(columns[COPY]) == 0 if COPY in columns else slice(None)  # copies by symmetry have other poses
    if rows.max() >= len(particles) or not np.allclose(
        particles.rotation[rows][own], known[own], atol=1e-3, equal_nan=True
    ):
        raise InputError(f"{source}: is of other particles than {trained.prepared.name}; choose another folder.")
    return particles.take(rows)

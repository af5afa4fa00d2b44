"""What leaves FlexRec of a selection: its rows of the particle file, and its images."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..particles import ImageStack
from ..particles.subset import INDEX_SUFFIXES, save_rows
from .selected import check_particles
from .selection import Selection
from .trained import Trained


def save_particles(trained: Trained, selection: Selection, file: Path) -> None:
    """Write a selection's rows of the particle file that prep was given: see `particles.subset.save_rows`.

    A list of their numbers needs that file no more.
    """
    check_particles(trained, selection)
    source = None if Path(file).suffix.lower() in INDEX_SUFFIXES else trained.source
    save_rows(source, trained.source_rows(selection.rows), file)


def particle_images(trained: Trained, rows: np.ndarray, raw: bool = False) -> np.ndarray:
    """Images ``(m, D, D)`` float32 of these rows, protein white: as prep made them, or ``raw`` as they were given."""
    if raw:
        return ImageStack(trained.source_particles).read(trained.source_rows(rows))
    return ImageStack(trained.particles).read(rows)

"""What leaves FlexRec of a selection: its rows of the particle file, and its images."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import InputError
from ..particles import ImageStack
from ..particles.subset import save_rows
from .selection import Selection
from .trained import Trained


def save_particles(trained: Trained, selection: Selection, file: Path) -> None:
    """Write a selection's rows of the particle file that prep was given: see `particles.subset.save_rows`."""
    check_particles(trained, selection)
    save_rows(trained.source, trained.source_rows(selection.rows), file)


def check_particles(trained: Trained, selection: Selection) -> None:
    """``InputError`` where a selection is of other particles than the training."""
    other = selection.particles and trained.identity and selection.particles != trained.identity
    if selection.count != len(trained.latents) or other:
        raise InputError(f"Selection {selection.name!r} is of other particles than {trained.folder.name}; name a "
                         "training of the same prep job.")  # fmt: skip


def particle_images(trained: Trained, rows: np.ndarray, raw: bool = False) -> np.ndarray:
    """Images ``(m, D, D)`` float32 of these rows, protein white: as prep made them, or ``raw`` as they were given."""
    if raw:
        return ImageStack(trained.source_particles).read(trained.source_rows(rows))
    return ImageStack(trained.particles).read(rows)

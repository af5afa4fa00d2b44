"""What ``prep`` does with a symmetric molecule: a copy of each particle for every subunit, and what is one subunit."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...engine.maps.back_projection_check import Check
from ...errors import InputError
from ...mesh.asymmetric_unit import LEAST_ALIKE, asymmetric_unit, symmetry_correlation
from ...mesh.map_files import write_map
from ...particles import Particles
from ...particles.prepared import UNIT
from ...particles.symmetry import expand, symmetry_copies
from .prep_notes import Notes
from .prep_read import Consensus


def check_symmetric(consensus: Consensus | None, path: Path | None, group: np.ndarray, symbol: str) -> None:
    """``InputError`` where a consensus is not symmetric by ``group`` ``(s, 3, 3)``."""
    if consensus is None or len(group) == 1:
        return
    correlation = symmetry_correlation(consensus.density, group, consensus.pixel_size)
    if correlation < LEAST_ALIKE:
        raise InputError(f"{path}: has no symmetry {symbol} about its centre, turned by it the map correlates with "
                         f"itself by {correlation:.2f} only; give the group and the axes that it was refined with "
                         "(RELION's: Cn about z).")  # fmt: skip


def with_symmetry(
    prepared: Particles, image: np.ndarray, group: np.ndarray, symbol: str, notes: Notes
) -> tuple[Particles, np.ndarray]:
    """The prepared particles once for each operator, unless the file has them so, and the first row of each's image.

    ``image`` ``(n,)`` is that of the particles as they are. Copies refer to one image of the stack.
    """
    if len(group) == 1:
        return prepared, image
    there = symmetry_copies(prepared, image, group)
    if there:
        notes.warn(f"{there} of {len(prepared)} particles are copies of another by symmetry {symbol} already, so they "
                   "are not expanded again.")  # fmt: skip
        return prepared, image
    notes.job.log(f"{len(prepared)} particles are taken {len(group)} times, once for each subunit of {symbol}; the "
                  "images are stored once.")  # fmt: skip
    return expand(prepared, group), np.repeat(image * len(group), len(group))


def write_unit(check: Check, consensus: Consensus | None, pixel_size: float, group: np.ndarray, notes: Notes) -> None:
    """asymmetric_unit.mrc, the mask of one subunit in the prepared frame; nothing without symmetry."""
    if len(group) == 1:
        return
    density = check.density if consensus is None else consensus.framed
    unit = asymmetric_unit(density, pixel_size, group)
    with notes.job.output(UNIT) as path:
        write_map(path, unit, pixel_size, check.centre)
    if consensus is None:
        notes.warn(f"without a consensus it was not checked that the molecule has {len(group)} equal subunits about "
                   "its centre, in this group: look at backprojection.mrc, or give --consensus.")  # fmt: skip
    notes.job.log(f"{UNIT}: one of {len(group)} subunits, cut where the density between them is least; train lets it "
                  "alone move.")  # fmt: skip

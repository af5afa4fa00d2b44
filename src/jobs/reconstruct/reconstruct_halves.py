"""Which particles a reconstruction is made of, in two halves that know nothing of one another."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...errors import InputError
from ...particles.copies import image_numbers
from ...particles.halves import sides
from ...particles.prepared import Prepared, particles_identity
from ...particles.selection import load_selection
from ..job_folder import JobRun
from .reconstruct_parameters import ReconstructParameters

HALVES = "halves.npz"
FEWEST = 2  # particles in a half


def halves_of(parameters: ReconstructParameters, prepared: Prepared, job: JobRun) -> tuple[np.ndarray, np.ndarray]:
    """Rows ``(m,)`` int64 of each half among the prepared particles, sorted.

    They are kept in halves.npz, so that a job that goes on has the same ones, whatever became of the selection.
    ``InputError`` where there is no such selection, it is of other particles, or a half has hardly any.
    """
    path = job.folder / HALVES
    if path.is_file():
        with np.load(path, allow_pickle=False) as stored:
            return stored["half1"], stored["half2"]
    rows = _rows(parameters.selection, prepared, job.folder.parent)
    image = image_numbers(prepared.particles)[rows]
    side, whose = _sides(prepared.particles.half, rows, image, job.seed)
    halves = rows[side == 1], rows[side == 2]
    counts = " and ".join(f"{len(half)}" for half in halves)
    if min(map(len, halves)) < FEWEST:
        what = f"selection {parameters.selection!r}" if parameters.selection else prepared.folder.name
        advice = "take particles of both halves" if not min(map(len, halves)) else "take more particles"
        raise InputError(f"{what}: its halves, {whose}, have {counts} particles, and each half-map needs {FEWEST} at "
                         f"least; {advice}.")  # fmt: skip
    what = f"Selection {parameters.selection!r}" if parameters.selection else f"All of {prepared.folder.name}"
    job.log(f"{what}: {len(rows)} particles; the halves, {whose}, have {counts}.")
    again = len(rows) - len(np.unique(image))
    if again:
        job.log(f"{again} particles are copies of the image of another; all copies of an image are in one half.")
    with job.output(HALVES) as temporary, open(temporary, "wb") as file:
        np.savez(file, half1=halves[0], half2=halves[1])
    return halves


def _rows(name: str | None, prepared: Prepared, project: Path) -> np.ndarray:
    """Rows of the selection of that name, or of all particles."""
    count = len(prepared.particles)
    if name is None:
        return np.arange(count)
    selection = load_selection(project, name)
    if not selection.is_of(count, particles_identity(prepared.folder)):
        raise InputError(f"selection {name!r} is of other particles than {prepared.folder.name}; name the prep job "
                         "that it is of with --particles.")  # fmt: skip
    return selection.rows.astype(np.int64)


def _sides(half: np.ndarray, rows: np.ndarray, image: np.ndarray, seed: int) -> tuple[np.ndarray, str]:
    """(1 or 2 for each of the rows, whose these halves are); copies of one image have the same.

    The file's halves were refined apart, so they are kept. Where it has none, or only one, all are drawn at random.
    """
    rng = np.random.default_rng(seed)
    if len(np.unique(half[half > 0])) < 2:
        return sides(np.zeros(len(rows), np.int8), image, rng), "drawn at random"
    drawn = int(np.count_nonzero(half[rows] == 0))
    others = f" ({drawn} that have none there drawn at random)" if drawn else ""
    return sides(half[rows], image, rng), f"those of the particle file{others}"

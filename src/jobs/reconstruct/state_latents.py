"""Whose latents a map at a point is made by: a trained model's, ours or another program's, or a file's."""

from __future__ import annotations

import json
import os
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ...errors import InputError
from ...explore.metric import Motion
from ...explore.state_distance import StateDistance
from ...explore.trained_model import SOURCE_ROW, Trained, open_trained, read_again
from ...models.model_files import read_arrays
from ...models.reach import Reach
from ...models.support import Support
from ...particles import Particles
from ...particles.prepared import RECORD, Prepared, particles_identity
from ..find_model import trained_folder
from ..inputs import job_file
from .reconstruct_parameters import ReconstructParameters

LATENTS = "latents.npz"


@dataclass(frozen=True, eq=False)
class StateLatents:
    """Latents of prepared particles.

    Attributes
    ----------
    name : whose they are, as a person named it. z : ``(n, K)`` float32; no numbers where a particle has no place.
    precision : ``(n, K, K)`` of their posterior; None where it is not known.
    motion : of the model that they are of, where it moves. centre : ``(3,)`` Å, where that has its maps; or None.
    weight : ``(n,)`` the probability of each image to be a particle; 0 where it has no place.
    particles : the prepared ones, their poses corrected where the training has corrected them.
    """

    name: str
    z: np.ndarray
    precision: np.ndarray | None
    motion: Motion | None
    centre: np.ndarray | None
    weight: np.ndarray
    particles: Particles

    @property
    def placed(self) -> np.ndarray:
        """``(n,)`` bool: particles that have a place."""
        return np.isfinite(self.z).all(axis=1)

    def distance(self) -> StateDistance:
        """Of the particles that have a place."""
        placed = self.placed
        return StateDistance(self.z[placed], None if self.precision is None else self.precision[placed], self.motion)

    def among(self, points: np.ndarray) -> list[str]:
        """For each of the points ``(m, K)``, how it lies among the particles: a word of `support.GRADES`.

        ``InputError`` where one lies where there are none: no image shows that state.
        """
        own = self.z[self.placed]
        Reach.of(own).within(points)
        support = Support.of(own)
        grades = [str(grade) for grade in support.grade(points)]
        if "outside" in grades:
            number = grades.index("outside")
            where = ", ".join(f"{value:.4g}" for value in points[number])
            raise InputError(f"Point {number + 1} ({where}) lies where there are no particles, so no image shows "
                             "that state; give one among them, or ask flexrec generate.")  # fmt: skip
        return grades


def state_latents(parameters: ReconstructParameters, prepared: Prepared) -> StateLatents:
    """The latents that were named; ``InputError`` where none were, or where they are not of these particles."""
    if (parameters.model is None) == (parameters.latents is None):
        options = "both --model and --latents say" if parameters.model else "neither --model nor --latents says"
        raise InputError(f"at, path: {options} whose latents the points are; give one of them.")
    if parameters.model is not None:
        return _of_model(parameters.model, prepared)
    assert parameters.latents is not None
    path = job_file(parameters.latents, LATENTS)
    return _of_arrays(path, _latent_arrays(path), prepared)


def _of_model(path: Path, prepared: Prepared) -> StateLatents:
    trained = open_trained(trained_folder(path))
    if trained.identity and trained.identity != particles_identity(prepared.folder):
        raise InputError(f"model: {trained.folder.name} is of other particles than {prepared.folder.name}; name the "
                         "prep job that it was trained on with --particles.")  # fmt: skip
    arrays = {"z": trained.latents}
    if trained.model.precision is not None:
        arrays["precision"] = trained.model.precision
    if (trained.folder / LATENTS).is_file():
        arrays = read_arrays(trained.folder / LATENTS) | arrays
    latents = _of_arrays(trained.folder, arrays, prepared)
    return replace(latents, motion=_motion(trained), centre=trained.model.centre)


def _motion(trained: Trained) -> Motion | None:
    """The metric of a model that moves something; one that has not learned any motion yet has none to measure by."""
    if trained.motion is None:
        return None
    still = np.ptp(trained.motion.coordinates(trained.latents[trained.finite][:100]), axis=0).max() <= 0
    return None if still else trained.motion


def _latent_arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an .npz with a z, or of a .npy that is one."""
    try:
        if path.suffix.lower() == ".npy":
            arrays = {"z": np.load(path, allow_pickle=False)}
        else:
            with np.load(path, allow_pickle=False) as file:
                arrays = {name: file[name] for name in ("z", "precision", "probability") if name in file.files}
        z = np.asarray(arrays["z"], np.float32)
    except (OSError, KeyError, ValueError, EOFError, AttributeError, TypeError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: has no array z; write it with numpy.savez(path, z=…).") from error
    z = z[:, None] if z.ndim == 1 else z
    if z.ndim != 2 or z.shape[1] < 1:
        raise InputError(f"{path}: array z must be particles x dimensions, and is {' x '.join(map(str, z.shape))}.")
    return arrays | {"z": z}


def _of_arrays(path: Path, arrays: dict[str, np.ndarray], prepared: Prepared) -> StateLatents:
    """The latents of prepared particles in arrays of these, or of all particles that prep was given."""
    given = len(arrays["z"])
    rows = _rows(path, given, prepared)
    z = arrays["z"][rows].astype(np.float32)
    precision = arrays.get("precision")
    if precision is not None and precision.shape != (given, z.shape[1], z.shape[1]):
        raise InputError(f"{path}: array precision has shape {precision.shape}, where ({given}, {z.shape[1]}, "
                         f"{z.shape[1]}) goes with its z; leave it out.")  # fmt: skip
    precision = None if precision is None else _numbers(path, "precision", precision)[rows]
    probability = _probability(path, arrays, given)[rows]
    placed = np.isfinite(z).all(axis=1)
    if precision is not None:
        placed &= np.isfinite(precision).all(axis=(1, 2))
        known = precision[placed].astype(np.float64)
        if len(known) and np.linalg.eigvalsh(known).min() < -1e-3 * np.abs(known).max():
            raise InputError(f"{path}: array precision has negative eigenvalues, so it is the inverse of no "
                             "covariance; write it so, or leave it out.")  # fmt: skip
    if not placed.any():
        raise InputError(f"{path}: no particle's latents are numbers; train again, or write the file again.")
    z[~placed] = np.nan
    weight = np.where(placed, probability, 0.0)
    return StateLatents(path.name, z, precision, None, None, weight, _corrected(arrays, rows, prepared.particles))


def _probability(path: Path, arrays: dict[str, np.ndarray], given: int) -> np.ndarray:
    """Of each of the ``given`` images to be a particle, ``(given,)``; 1 where that is not told."""
    if "probability" not in arrays:
        return np.ones(given)
    values = _numbers(path, "probability", arrays["probability"])
    if values.shape != (given,) or not ((values >= 0) & (values <= 1)).all():
        raise InputError(f"{path}: array probability must be a number from 0 to 1 for each of its {given} particles; "
                         "write it so, or leave it out.")  # fmt: skip
    return values


def _numbers(path: Path, name: str, values: np.ndarray) -> np.ndarray:
    if values.dtype.kind not in "biuf":
        raise InputError(f"{path}: array {name} holds no numbers; write it again, or leave it out.")
    return values


def _rows(path: Path, given: int, prepared: Prepared) -> np.ndarray:
    """Which of the ``given`` latents each prepared particle has, ``(n,)``; ``InputError`` where that cannot be said."""
    count, columns = len(prepared.particles), prepared.particles.columns
    if given == count:
        return np.arange(count)
    source = _source_rows(prepared)
    if source is not None and given == source:
        return np.asarray(columns[SOURCE_ROW], np.int64)
    other = "" if source is None else f", and the particle file of {source}"
    raise InputError(f"{path}: has latents of {given} particles, but {prepared.folder.name} is of {count}{other}; give "
                     "the latents of these particles, or name their prep job with --particles.")  # fmt: skip


def _source_rows(prepared: Prepared) -> int | None:
    """How many particles the file has that prep was given; None where it is gone, or prep has not kept the rows."""
    if SOURCE_ROW not in prepared.particles.columns:
        return None
    source = json.loads((prepared.folder / RECORD).read_text(encoding="utf-8"))["source"]
    try:
        return len(read_again(Path(os.path.normpath(prepared.folder.resolve() / source))))
    except (InputError, OSError):
        return None


def _corrected(arrays: dict[str, np.ndarray], rows: np.ndarray, particles: Particles) -> Particles:
    """The particles, with what ``arrays`` have of their poses and signals (see `checkpoint.particle_arrays`)."""
    if "signal_scale" in arrays:
        particles = replace(particles, scale=particles.scale * arrays["signal_scale"][rows])
    if "pose_correction" not in arrays:
        return particles
    import torch

    from ...engine.training.pose_corrections import Poses
    from ..train.train_particles import refined

    correction = torch.from_numpy(arrays["pose_correction"][rows])
    centre, radius = torch.from_numpy(arrays["pose_centre"]), float(arrays["pose_radius"])
    return refined(particles, Poses(correction, torch.ones(2), centre, radius))

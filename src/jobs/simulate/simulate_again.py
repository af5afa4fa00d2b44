"""Images of a ``simulate`` job made again from its record and its seed, where its stack is not at hand."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import InputError
from ...particles.symmetry import operators
from ...simulate.experiment import Experiment
from ...simulate.moving_molecule import MovingMolecule
from ...simulate.simulated_images import some_images
from ..inputs import join_record
from ..project import job_folders
from ..record import DONE, read_record, read_status
from ..registry import find_job
from .simulate_design import design, read_assembly


@dataclass(frozen=True)
class RegeneratedImages:
    """The images that a job wrote, to rounding: one part in a million of the noise. Some 5 ms each without numba.

    folder : of the job. moving : its molecule, scaled as in the images. experiment : all else that they depend on.
    group : (s, 3, 3) operators of its symmetry.
    """

    folder: Path
    moving: MovingMolecule
    experiment: Experiment
    group: np.ndarray

    def __len__(self) -> int:
        return len(self.experiment)

    def read(self, rows: np.ndarray) -> np.ndarray:
        """Images ``(m, D, D)`` float32 of these rows ``(m,)``, protein white."""
        return some_images(self.moving, self.experiment, np.asarray(rows, np.int64))

    def same_views(self, rows: np.ndarray, rotation: np.ndarray) -> bool:
        """Whether particles that are known to be seen so, ``(m, 3, 3)``, are the job's of these rows ``(m,)``.

        They are not where another numpy draws other random numbers from the seed.
        """
        if len(rows) and rows.max() >= len(self):
            return False
        views = self.experiment.rotation[rows][:, None] @ self.group
        return bool((np.abs(views - rotation[:, None]).max((2, 3)).min(axis=1) < 2e-4).all())


def simulated_by(source: Path) -> Path | None:
    """The finished simulate job that wrote a particle file, there or gone; None where none did."""
    folder = source.parent
    if source.name != "particles.star" or folder not in job_folders(folder.parent):
        return None
    ours = read_record(folder)["verb"] == "simulate" and read_status(folder).status == DONE
    return folder if ours else None


def regenerated_images(folder: Path) -> RegeneratedImages:
    """Images of a finished simulate job; ``InputError`` where what it was made of is gone, or is another by now."""
    record = read_record(folder)
    parameters = join_record(find_job("simulate"), record, folder.parent)
    try:
        assembly = read_assembly(parameters)
        truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
        known, frame, gain = int(truth["points"]), np.array(truth["frame"], float), float(truth["gain"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{folder}: its images cannot be made again ({error}); run the job again.") from error
    molecule = assembly.molecule
    if len(molecule) != known or not np.allclose(molecule.frame, frame, atol=1e-3):
        raise InputError(f"{folder}: its images cannot be made again, since the molecule is another by now; run the job"
                         " again.")  # fmt: skip
    moving = MovingMolecule.build(molecule, assembly.hinges, gain, assembly.part)
    experiment = design(parameters, assembly, record["seed"])
    return RegeneratedImages(folder, moving, experiment, operators(parameters.symmetry))

"""A finished training that is put to a test: its record, its model, its particles and what it learned of them."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import InputError
from ...models import Model, open_model
from ...models.model_files import read_arrays
from ...particles.prepared import Prepared, load_prepared
from ..inputs import job_file, join_record
from ..record import read_record
from ..registry import find_job

CHECKPOINT = "resume.safetensors"


@dataclass(frozen=True, eq=False)
class FinishedTraining:
    """``folder`` of a train job whose passes are all done; ``about`` is its model.json, ``record`` its job.json."""

    folder: Path
    about: dict[str, Any]
    record: dict[str, Any]

    @cached_property
    def parameters(self) -> Any:
        """What it was asked."""
        return join_record(find_job("train"), self.record, self.folder.parent)

    @cached_property
    def model(self) -> Model:
        """What it learned."""
        return open_model(self.folder)

    @cached_property
    def prepared(self) -> Prepared:
        """Its particles, whose images must be there."""
        return load_prepared(Path(os.path.normpath(self.folder / self.about["prepared"])))

    @cached_property
    def latents(self) -> dict[str, np.ndarray]:
        """The arrays of latents.npz."""
        return read_arrays(self.folder / "latents.npz")

    @cached_property
    def passes(self) -> dict[str, np.ndarray]:
        """The arrays of training.npz."""
        return read_arrays(self.folder / "training.npz")

    @property
    def members(self) -> np.ndarray:
        """Rows ``(m,)`` of the images that are rather particles than not, and have a latent point."""
        fine = np.isfinite(self.model.latents).all(axis=1)
        return np.flatnonzero(fine & (self.latents.get("probability", np.ones(len(fine))) >= 0.5))

    @cached_property
    def pose_variance(self) -> np.ndarray | None:
        """``(2,)`` Å² of the errors of poses, turns and shifts, as it learned them; None where it corrected none."""
        if "pose_correction" not in self.latents:
            return None
        learned = _kept_variance(self.folder / CHECKPOINT)
        if learned is not None:
            return learned
        squares = (self.latents["pose_correction"] ** 2).mean(axis=0)  # what the images tell of them, if a little less
        return np.array([squares[:3].mean(), squares[3:].mean()])


def finished_training(path: Path) -> FinishedTraining:
    """The training of a job's folder or a file in it; ``InputError`` where it is not finished."""
    folder = path if path.is_dir() else path.parent
    about = json.loads(job_file(folder, "model.json").read_text(encoding="utf-8"))
    epoch, epochs = about.get("epoch"), about.get("epochs")
    if epoch != epochs:
        raise InputError(f"model: {folder.name} is after pass {epoch} of {epochs}; wait until it is done, or go on "
                         f"with flexrec resume {folder.name}.")  # fmt: skip
    return FinishedTraining(folder, about, read_record(folder))


def _kept_variance(path: Path) -> np.ndarray | None:
    """What a checkpoint says of it; None where it is gone or says nothing."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as file:
            return np.asarray(file.get_tensor("pose_variance"), float)
    except (OSError, SafetensorError):
        return None

"""The training of a null test: as the real one was asked, of the rigid molecule's images, in a project of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..inputs import job_file
from ..job_folder import JobRun
from .finished_training import FinishedTraining
from .train_again import train_again

TRAINING = "001-train"
_LATENTS = "initial_latents.npz"


def train_null(training: FinishedTraining, project: Path, particles: Path, device: str, job: JobRun) -> Path | None:
    """Train, or go on; the train job's folder, or None where the job was asked to stop.

    Parameters, seed and mesh are those of the training, the mesh as it was in the end. Latents that it was given to
    begin with are given here too.
    """
    changes: dict[str, Any] = {"particles": particles}
    if getattr(training.parameters, "initial_latents", None) is not None:
        changes["initial_latents"] = project / _LATENTS
        _write_latents(training, project / _LATENTS)
    return train_again(training, project / TRAINING, device, job, "rigid molecule", training.record["seed"], **changes)


def _write_latents(training: FinishedTraining, path: Path) -> None:
    """Those of the particles that images were made of."""
    from ..train.train_run import read_latents

    given = read_latents(job_file(training.parameters.initial_latents, "latents.npz"))
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, z=given[training.members])

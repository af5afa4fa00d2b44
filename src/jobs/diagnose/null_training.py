"""The training of a null test: as the real one was asked, of the rigid molecule's images, in a project of its own."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ...particles.prepared import load_prepared
from ..inputs import split_record
from ..job_folder import JobRun
from ..project import mark
from ..record import DONE, RUNNING, Status, write_json, write_status
from ..registry import find_job
from ..reports.report_records import HALVES
from ..reports.training_facts import TrainingFacts
from .finished_training import FinishedTraining
from .part_of_job import PartOfJob

TRAINING = "001-train"
_LATENTS = "initial_latents.npz"


def train_null(training: FinishedTraining, project: Path, particles: Path, device: str, job: JobRun) -> Path | None:
    """Train, or go on; the train job's folder, or None where the job was asked to stop.

    Parameters, seed and mesh are those of the training, the mesh as it was in the end. Latents that it was given to
    begin with are given here too.
    """
    folder = project / TRAINING
    if _is_trained(folder, training):
        return folder
    parameters = _parameters(training, project, particles, device)
    if not (folder / "job.json").is_file():
        mark(project)
        folder.mkdir(exist_ok=True)
        _write_record(parameters, folder, training.record["seed"])
    write_status(folder, Status(RUNNING, started=round(time.time(), 3)))
    find_job("train").function()(parameters, PartOfJob(job, folder, training.record["seed"], "rigid molecule"))
    if not _is_trained(folder, training):
        return None
    write_status(folder, Status(DONE, ended=round(time.time(), 3)))
    return folder


def _is_trained(folder: Path, training: FinishedTraining) -> bool:
    """Whether all passes are done, and the models of halves where the real training has some."""
    halves = (folder / HALVES).is_file() or not (training.folder / HALVES).is_file()
    return TrainingFacts(folder).finished and halves


def _parameters(training: FinishedTraining, project: Path, particles: Path, device: str) -> Any:
    changed: dict[str, Any] = {"particles": particles, "mesh": training.folder / "mesh.npz", "moving": None,
                               "device": device, "devices": ()}  # fmt: skip
    if training.parameters.epochs is None:
        changed["epochs"] = training.about["epochs"]  # it depends on how many images there are
    if getattr(training.parameters, "initial_latents", None) is not None:
        changed["initial_latents"] = project / _LATENTS
        _write_latents(training, project / _LATENTS)
    return replace(training.parameters, **changed)


def _write_latents(training: FinishedTraining, path: Path) -> None:
    """Those of the particles that images were made of."""
    from ..train.given_latents import given_latents

    given = given_latents(training.parameters.initial_latents, load_prepared(training.parameters.particles))
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, z=given.z[training.members])


def _write_record(parameters: Any, folder: Path, seed: int) -> None:
    from ... import __version__

    values, inputs = split_record(find_job("train"), parameters, folder.parent)
    record = {"verb": "train", "parameters": values, "inputs": inputs, "seed": seed, "version": __version__,
              "created": round(time.time(), 3)}  # fmt: skip
    write_json(folder / "job.json", record)

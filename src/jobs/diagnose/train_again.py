"""A training done again within a test: as the first was asked, but for what is to be tested."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..inputs import split_record
from ..job_folder import JobRun
from ..project import mark
from ..record import DONE, RUNNING, Status, write_json, write_status
from ..registry import find_job
from ..reports.report_records import HALVES
from ..reports.training_facts import TrainingFacts
from ..train.train_model import MESH_FILE
from .finished_training import FinishedTraining
from .part_of_job import PartOfJob


def train_again(
    training: FinishedTraining, folder: Path, device: str, job: JobRun, word: str, seed: int, **changes: Any
) -> Path | None:
    """Train, or go on, in a ``folder`` of a project of its own; the folder, or None where the job was asked to stop.

    Parameters and mesh are those of the training, but for ``changes``; ``word`` tells its lines in the job's log.
    """
    if not _is_trained(folder, training):
        parameters = parameters_again(training, device, **changes)
        part = begin_part(folder, parameters, seed, job, word)
        find_job("train").function()(parameters, part)
        if not _is_trained(folder, training):
            return None
        write_status(folder, Status(DONE, ended=round(time.time(), 3)))
    return folder


def parameters_again(training: FinishedTraining, device: str, **changes: Any) -> Any:
    """What a training was asked, on another device and with some changes; the mesh is what it ended with."""
    values: dict[str, Any] = {"device": device, "devices": ()}
    if (training.folder / MESH_FILE).is_file():
        values |= {"mesh": training.folder / MESH_FILE, "moving": None}  # what may move is kept in the mesh
    if training.parameters.epochs is None:
        values["epochs"] = training.about["epochs"]  # it depends on how many images there are
    return replace(training.parameters, **values | changes)


def begin_part(folder: Path, parameters: Any, seed: int, job: JobRun, word: str) -> PartOfJob:
    """A train job's folder, with its record, inside the project of its own, and what runs in it."""
    if not (folder / "job.json").is_file():
        folder.mkdir(parents=True, exist_ok=True)
        mark(folder.parent)
        _write_record(parameters, folder, seed)
    write_status(folder, Status(RUNNING, started=round(time.time(), 3)))
    return PartOfJob(job, folder, seed, word)


def _is_trained(folder: Path, training: FinishedTraining) -> bool:
    """Whether all passes are done, and the models of halves where they were asked for."""
    halves = (folder / HALVES).is_file() or not (training.folder / HALVES).is_file()
    return TrainingFacts(folder).finished and halves


def _write_record(parameters: Any, folder: Path, seed: int) -> None:
    from ... import __version__

    values, inputs = split_record(find_job("train"), parameters, folder.parent)
    record = {"verb": "train", "parameters": values, "inputs": inputs, "seed": seed, "version": __version__,
              "created": round(time.time(), 3)}  # fmt: skip
    write_json(folder / "job.json", record)

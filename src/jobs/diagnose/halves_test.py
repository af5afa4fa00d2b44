"""Half against half: do two models of independent halves find the same, and do images that neither saw agree?"""

from __future__ import annotations

import os
from pathlib import Path

from ...errors import InputError
from ...explore.verdict import AGAINST, FOR, Evidence, angstroms, judge_halves, judge_held_out
from ..job_folder import JobRun
from ..part_labels import labels_of_training
from ..reports import report_texts as texts
from ..reports.finding import BAD, DOUBTFUL, GOOD, Finding
from ..reports.report_records import HALVES, agreement, held_out
from .finished_training import FinishedTraining, finished_training
from .half_models import half_models, refuse_without_halves
from .keep_finding import keep_finding

PICTURES = (("agreement.png", "Where the molecule moves, and where the two half models differ about it."),
            ("gain.png", "What the motion explains of images that neither model has seen."))  # fmt: skip


def run(model: Path, device: str, job: JobRun) -> None:
    """Write halves.json of the job's folder, training the half models where the training has none."""
    training = finished_training(model)
    refuse_without_halves(training)
    folder = half_models(training, training.model.latent_dims, device, job)
    if folder is not None:
        _write(training, folder, job)


def run_if_there(model: Path, device: str, job: JobRun) -> None:
    """As `run`; ``InputError`` where it would have to train."""
    training = finished_training(model)
    refuse_without_halves(training)
    if not (training.folder / HALVES).is_file():
        raise InputError(f"{training.folder.name} has no half models; flexrec diagnose halves trains them.")
    _write(training, training.folder, job)


def _write(training: FinishedTraining, folder: Path, job: JobRun) -> None:
    tests, known = judge_held_out(held_out(folder)), agreement(folder)
    labels = labels_of_training(training.folder, 0 if known is None else len(known.parts))
    same = judge_halves(known, labels)
    level = _level(tests, same)
    sentence = f"{tests.sentence} {same.sentence}"
    rows = [] if known is None else [("motion", angstroms(known.motion)), ("difference", angstroms(known.difference))]
    where = os.path.relpath(folder, job.folder)
    pictures = tuple((f"{where}/{name}", caption) for name, caption in PICTURES if (folder / name).is_file())
    numbers = {"held_out": tests.stance, "halves": same.stance, "folder": where}
    reading = f"{texts.HELD_OUT[1]} {texts.HALVES[1]}"
    keep_finding(job, Finding("halves", level, sentence, reading, tuple(rows), pictures, numbers), training)


def _level(*tests: Evidence) -> str:
    stances = {each.stance for each in tests}
    return BAD if AGAINST in stances else GOOD if stances == {FOR} else DOUBTFUL

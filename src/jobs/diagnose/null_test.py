"""The null test: what a training finds in images of a rigid molecule, beside what it found in the real ones."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import InputError
from ...explore.bending import motion_size
from ...explore.motion_numbers import MotionNumbers, NullTest
from ...explore.verdict import angstroms, judge_motion, with_error
from ...figures.null_figure import NullSeries, draw_null
from ..job_folder import JobRun
from ..record import read_json, write_json
from .finished_training import FinishedTraining, finished_training
from .motion_gain import ImageGains, motion_gain
from .null_particles import write_null_particles
from .null_training import train_null

PROJECT, PARTICLES = "null", "particles"
FEWEST = 100  # images: fewer tell no gain from another


def run(model: Path, device: str, job: JobRun) -> None:
    """Write null.json, null.png, and the project null/ with the rigid molecule's images and their training."""
    from ..train.train_run import choose_device

    real = finished_training(model)
    _refuse_what_cannot_be_tested(real)
    project = job.folder / PROJECT
    if not write_null_particles(real, project / PARTICLES, job):
        return
    folder = train_null(real, project, project / PARTICLES, device, job)
    if folder is None:
        return
    rigid, chosen = finished_training(folder), choose_device(device)
    gains = []
    for training, words in ((real, "gain of the real images"), (rigid, "gain of the rigid molecule's")):
        gain = motion_gain(training, chosen, job, words)
        if gain is None:
            return
        gains.append(gain)
    _write(real, rigid, gains, job)


def _refuse_what_cannot_be_tested(training: FinishedTraining) -> None:
    if training.model.moving is None:
        raise InputError(f"model: {training.folder.name} is a {training.model.kind} model, which moves nothing; the "
                         "null test is for motions, of a flow.")  # fmt: skip
    count = len(training.members)
    if count < FEWEST:
        raise InputError(f"model: {training.folder.name} has {count} particles; fewer than {FEWEST} tell no motion "
                         "from noise.")  # fmt: skip


def _write(real: FinishedTraining, rigid: FinishedTraining, gains: list[ImageGains], job: JobRun) -> None:
    series = [_series(training, each) for training, each in zip((real, rigid), gains)]
    null = NullTest(gains[0].mean(), gains[1].mean(), real.model.latent_dims)
    size = motion_size(real.model, real.members)
    verdict = judge_motion(MotionNumbers(size.total, tuple(size.parts), null=null))
    sentence = null_sentence(null)
    job.log(sentence)
    with job.output("null.png") as path:
        draw_null(path, series[0], series[1], sentence)
    record = {
        "model": os.path.relpath(real.folder, job.folder),
        "epoch": real.about["epoch"],
        "particles": len(real.members),
        "latent_dims": real.model.latent_dims,
        "level": verdict.level,
        "sentence": sentence,
        "real": _numbers(real, gains[0]),
        "rigid": _numbers(rigid, gains[1]),
    }
    with job.output("null.npz") as path, open(path, "wb") as file:
        np.savez(file, real_gain=gains[0].gain, real_motion=gains[0].motion, rigid_gain=gains[1].gain,
                 rigid_motion=gains[1].motion)  # fmt: skip
    write_json(job.folder / "null.json", record)


def null_sentence(null: NullTest) -> str:
    """Both runs, in words."""
    real, rigid = null.real, null.rigid
    return (f"The real run's motion is {angstroms(real.motion)} and explains {with_error(real.gain, real.error)} nats "
            f"per image; a rigid molecule gives {angstroms(rigid.motion)} and {with_error(rigid.gain, rigid.error)} "
            "nats.")  # fmt: skip


def _numbers(training: FinishedTraining, gains: ImageGains) -> dict[str, Any]:
    mean, size = gains.mean(), motion_size(training.model, training.members)
    return {
        "gain": mean.gain,
        "gain_error": mean.error,
        "motion": mean.motion,
        "parts": size.parts.tolist(),
        "information": _information(training),
        "halves": read_json(training.folder / "halves.json"),
    }


def _information(training: FinishedTraining) -> list[float]:
    """Signal over noise of the leading motions at the first guess."""
    return [float(value) for value in training.passes.get("information", np.zeros(0)) if np.isfinite(value)]


def _series(training: FinishedTraining, gains: ImageGains) -> NullSeries:
    size = motion_size(training.model, training.members)
    return NullSeries(gains.gain, gains.motion, size.parts, np.array(_information(training)))

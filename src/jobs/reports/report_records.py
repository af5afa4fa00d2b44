"""The numbers of a report, read from the files of jobs; what is not there, or is damaged, has not been measured."""

from __future__ import annotations

import json
import math
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import InputError
from ...explore.motion_numbers import Agreement, Gain, HeldOut, NullTest, is_number
from ..project import job_folders, job_verb
from ..record import read_record

HALVES, NULL = "halves.json", "null.json"


def read_values(path: Path) -> dict[str, Any]:
    """The object in a JSON file; empty where there is none that can be read."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return values if isinstance(values, dict) else {}


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an .npz file; empty where there is none that can be read."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        return {}


def number(values: dict[str, Any], *names: str) -> float | None:
    """The first of these that is a finite number."""
    return next((float(values[name]) for name in names if is_number(values.get(name))), None)


def held_out(folder: Path) -> HeldOut | None:
    """What halves.json says of images that were not fitted."""
    values = read_values(folder / HALVES)
    gain, error = number(values, "held_out_gain"), number(values, "held_out_gain_error")
    if gain is None or error is None:
        return None
    return HeldOut(gain, error, number(values, "gain_resolution"))


def agreement(folder: Path) -> Agreement | None:
    """What halves.json says of the two models."""
    values = read_values(folder / HALVES)
    difference, motion = number(values, "difference"), number(values, "motion")
    if difference is None or motion is None:
        return None
    parts = values.get("parts")
    pairs = [(number(part, "difference"), number(part, "motion")) for part in parts if isinstance(part, dict)] \
        if isinstance(parts, list) else []
    known = tuple((apart, moved) for apart, moved in pairs if apart is not None and moved is not None)
    return Agreement(difference, motion, known if len(known) == len(pairs) else ())


def null_job(folder: Path, epoch: object) -> Path | None:
    """The newest finished null test of the training in ``folder`` as it is after ``epoch``."""
    for job in reversed(job_folders(folder.parent)):
        if job_verb(job) != "diagnose" or not (job / NULL).is_file():
            continue
        try:
            model = read_record(job)["inputs"].get("model")
            same = model is not None and (job.parent / model).resolve() == folder.resolve()
        except (InputError, OSError, TypeError, AttributeError):
            continue
        if same and read_values(job / NULL).get("epoch") == epoch:
            return job
    return None


def null_test(job: Path | None) -> NullTest | None:
    """What null.json says."""
    values = {} if job is None else read_values(job / NULL)
    pair = [_gain(values.get(name)) for name in ("real", "rigid")]
    dims = number(values, "latent_dims")
    return None if pair[0] is None or pair[1] is None or dims is None else NullTest(pair[0], pair[1], int(dims))


def _gain(values: Any) -> Gain | None:
    if not isinstance(values, dict):
        return None
    gain, error, motion = (number(values, name) for name in ("gain", "gain_error", "motion"))
    return None if gain is None or error is None or motion is None else Gain(gain, error, motion)


def share(value: float | None) -> str:
    """``12.3 %``."""
    return "not measured" if value is None or not math.isfinite(value) else f"{100 * value:.1f} %"

"""The declared jobs' parameters as arguments of commands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..jobs.declare import Job
from ..parameters import Parameter, parameter, read_parameters
from .arguments import annotation, job_annotation


@dataclass(frozen=True)
class EveryJob:
    """What every job can be told, beside its own parameters."""

    project: Path | None = parameter(None, help="the project's folder")
    seed: int = parameter(0, low=0, help="seed of all random numbers")


def words(job: Job) -> list[tuple[str, Any]]:
    """The parameters that may stand without their names; with them they are understood too."""
    return [(option.name, job_annotation(option)) for option in job.options() if option.positional]


def keywords(job: Job) -> list[tuple[str, Any]]:
    """The other parameters of a job, and what every job can be told."""
    own = [(option.name, job_annotation(option)) for option in job.options() if not option.positional]
    return own + [(option.name, annotation(option)) for option in read_parameters(EveryJob)]


def required(job: Job) -> list[str]:
    """The parameters that must be given."""
    return [option.name for option in job.options() if option.required]


def checked(job: Job, given: Mapping[str, Any]) -> dict[str, Any]:
    """Values as they are declared: texts are read as in the terminal, Python's values are checked."""
    options = {option.name: option for option in job.options()}
    unknown = [name for name in given if name not in options]
    if unknown:
        raise InputError(f"{job.verb} has no parameter {unknown[0]}; it has {', '.join(options)}.")
    return {name: _checked(options[name], value) for name, value in given.items()}


def _checked(option: Parameter, value: Any) -> Any:
    return option.parse(value) if isinstance(value, str) else option.check(value)

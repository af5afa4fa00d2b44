"""Input paths of a job: what a user wrote, what the job reads, and what the record keeps."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..parameters import Parameter
from .declare import Job
from .project import find_job_folder, job_folders, job_verb, top_folder
from .record import DONE, read_record, read_status


def is_done(folder: Path) -> bool:
    """Whether a job is done: what may be the input of one that starts now."""
    return read_status(folder).status == DONE


def resolve_inputs(
    job: Job, parameters: Any, project: Path, suits: Callable[[Path], bool] = is_done, without: Collection[str] = ()
) -> Any:
    """The parameters with every path absolute and present, and job references turned into job folders.

    ``suits`` tells of a job folder whether it may be taken where the user named none, and whether a path inside it may
    still be missing. The parameters in ``without`` are left as they are.
    """
    paths = {
        option.name: _resolve(job, option, getattr(parameters, option.name), project, suits)
        for option in job.options()
        if option.type is Path and not option.many and option.name not in without
    }
    return replace(parameters, **paths)


def _resolve(
    job: Job, option: Parameter, value: Path | None, project: Path, suits: Callable[[Path], bool]
) -> Path | None:
    if option.job:
        if value is None:
            return _newest(job, option, project, suits) if option.newest else None
        return _job_path(option, value, project)
    if value is None:
        return None
    path = _existing(value, project) or _future_output(value, project, suits) or _numbered(value, project)
    if path is None:
        raise InputError(f"{option.name}: there is no {value.absolute()}; check the path.")
    return path


def _future_output(value: Path, project: Path, suits: Callable[[Path], bool]) -> Path | None:
    """The absolute path of an output that a job of the project has not written yet, but is to."""
    for path in (value.absolute(), (project / value).absolute()):
        top = top_folder(path, project)
        folder = project / (top or "")
        if top and (folder / "job.json").exists() and not is_done(folder) and suits(folder):
            return path
    return None


def _numbered(value: Path, project: Path) -> Path | None:
    """The folder of the project's job of that number: ``prep --particles 1``."""
    return find_job_folder(value, project) if str(value).isdecimal() and job_folders(project) else None


def _existing(value: Path, project: Path) -> Path | None:
    """The absolute path, read from the current folder first and then from the project."""
    for path in (value, project / value):
        if path.exists():
            return path.absolute()
    return None


def _newest(job: Job, option: Parameter, project: Path, suits: Callable[[Path], bool]) -> Path | None:
    """The newest suitable job of the verbs that the parameter accepts."""
    for folder in reversed(job_folders(project)):
        if job_verb(folder) in option.job and suits(folder):
            return folder.absolute()
    if option.optional:
        return None
    verbs = " or ".join(option.job)
    raise InputError(
        f"{job.verb} needs a finished {verbs} job, and {project.absolute()} has none: "
        f"run flexrec {option.job[0]} first, or name one with {option.option} (in ChimeraX {option.word})."
    )


def _job_path(option: Parameter, value: Path, project: Path) -> Path:
    """A job folder of the right verb, or a file or folder that exists.

    A number or name is a job of this project, even where the current folder is another project.
    """
    own = str(value).isdecimal() or any(value == Path(folder.name) for folder in job_folders(project))
    path = None if own else _existing(value, project)
    path = find_job_folder(value, project) if path is None else path
    if (path / "job.json").exists():
        verb = read_record(path)["verb"]
        if verb not in option.job:
            raise InputError(f"{option.name}: {path.name} is no {' or '.join(option.job)} job.")
    return path


def job_file(path: Path, name: str) -> Path:
    """The output ``name`` of a job that was given by its folder; a path to a file is taken as it is.

    ``InputError`` says which job lacks it, and why.
    """
    if path.is_file():
        return path
    if (path / name).exists():
        return path / name
    state = f"; the job is {read_status(path).status}" if (path / "job.json").exists() else ""
    raise InputError(f"{path} has no {name}{state}.")


def split_record(job: Job, parameters: Any, project: Path) -> tuple[dict[str, Any], dict[str, str | None]]:
    """``(parameters, inputs)`` as job.json keeps them: plain values, and paths relative to the project folder."""
    values: dict[str, Any] = {}
    inputs: dict[str, str | None] = {}
    for option in job.options():
        value = getattr(parameters, option.name)
        if option.type is Path and not option.many:
            inputs[option.name] = None if value is None else _relative(value, project)
        else:
            values[option.name] = list(value) if isinstance(value, tuple) else value
    return values, inputs


def _relative(path: Path, project: Path) -> str:
    """From the project to the path, so that a project can move together with its data; absolute on another drive."""
    try:
        return Path(os.path.relpath(path, project.resolve())).as_posix()
    except ValueError:
        return path.as_posix()


def join_record(job: Job, record: dict[str, Any], project: Path) -> Any:
    """The parameters that job.json keeps, with their paths made absolute again.

    One value stands for a list of it: a parameter may take several where it took one when the job was made.
    """
    project = project.resolve()
    paths = {
        name: None if path is None else Path(os.path.normpath(project / path))
        for name, path in record["inputs"].items()
    }
    several = {option.name for option in job.options() if option.many}
    values = {name: [value] if name in several and isinstance(value, (str, int, float)) else value
              for name, value in record["parameters"].items()}  # fmt: skip
    return job.build({**values, **paths})

"""The trained model that somebody means who names a project, a job, or a file in one."""

from __future__ import annotations

from pathlib import Path

from ..errors import InputError
from .project import find_job_folder, job_folders, job_number, job_verb

MODEL = "model.json"


def trained_folder(path: Path, format: str | None = None) -> Path:
    """The folder of a train job that has a model: ``path`` itself, where it lies, or a project's newest.

    Or the folder in which another program left a model, which ``format`` may name: see `opening.program_of`.
    A number in the place of a name, as in ``project/4``, is that of a job.

    ``InputError`` where there is none. A job that has written no model yet is returned if it alone was named: who
    opens it says why there is none.
    """
    path = _numbered_job(Path(path).absolute())
    if not path.exists():
        raise InputError(f"{path}: there is no such file or folder; give a FlexRec project or a train job.")
    folder = path if path.is_dir() else path.parent
    if (folder / MODEL).is_file() or (folder / "job.json").is_file() or _of_others(folder, format):
        return folder
    training = [job for job in job_folders(folder) if job_verb(job) == "train"]
    with_model = [job for job in training if (job / MODEL).is_file()]
    if with_model:
        return with_model[-1]
    if training:
        raise InputError(f"{folder}: training has not written a model yet; wait for the end of its first epoch.")
    if job_folders(folder):
        raise InputError(f"{folder}: the project has no trained model yet; run flexrec train.")
    from ..models.opening import why_none

    raise InputError(why_none(folder))


def _numbered_job(path: Path) -> Path:
    """``project/004-train`` for ``project/4``, and every other path as it is."""
    if path.name.isdecimal() and not path.exists():
        return next((job for job in job_folders(path.parent) if job_number(job) == int(path.name)), path)
    return path


def _of_others(folder: Path, format: str | None) -> bool:
    """Whether another program left a model there. The jobs of a project are looked for before any folder of maps."""
    from ..models.opening import program_of
    from ..reading import MAPS

    program = program_of(folder, format)
    return program is not None and (format is not None or program.format != MAPS or not job_folders(folder))


def named_model(path: Path, format: str | None = None) -> Path:
    """What opens the model that is meant: as `trained_folder`, but a file in the model's own folder stays that file.

    Of a program that keeps several epochs it stands for one.
    """
    path, folder = Path(path).absolute(), trained_folder(path, format)
    return path if path.is_file() and path.parent == folder else folder


def model_meant(reference: str | Path, project: Path) -> Path:
    """What opens the model that is meant by a job's number or name in a project, or by a path: see `named_model`."""
    try:
        return find_job_folder(reference, project)
    except InputError:
        path = Path(reference).expanduser()
        for place in (path, project / path):
            if place.exists():
                return named_model(place)
        if len(path.parts) > 1:
            sentence = f"there is no folder {path}; give the path of a model, or a job's number or name."
            raise InputError(sentence) from None
        raise

"""A project: a folder of job folders ``NNN-verb``."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from ..atomic import atomic_path
from ..errors import InputError
from .record import write_new

MARK = "project.flexrec"  # a file that can be opened where a folder cannot, its name having no suffix: ChimeraX
_SHOWN = 5  # jobs that a refusal names from the beginning, and from the end
_NAME = re.compile(r"\d{3,}-[a-z]+")


def job_folders(project: Path) -> list[Path]:
    """The job folders of a project, by number."""
    if not project.is_dir():
        return []
    folders = [path for path in project.iterdir() if _NAME.fullmatch(path.name) and path.is_dir()]
    return sorted(folders, key=job_number)


def job_number(folder: Path) -> int:
    """3 for ``003-train``."""
    return int(folder.name.partition("-")[0])


def job_verb(folder: Path) -> str:
    """``train`` for ``003-train``."""
    return folder.name.partition("-")[2]


def new_job_folder(project: Path, record: dict) -> Path:
    """Make the next ``NNN-verb`` folder of a project, with its job.json and a status of ``queued`` already inside.

    The number is claimed by making the folder ``.NNN``, which only one process can do; it is filled and then renamed,
    so that nobody ever sees a job folder without its record.
    """
    try:
        return _fill(*_claim(project, record["verb"]), record)
    except PermissionError as error:
        error.filename = str(project.absolute())  # which a person knows
        raise


def _claim(project: Path, verb: str) -> tuple[Path, Path]:
    """The folder ``.NNN`` of the next number, which is now ours, and what it is to be called."""
    mark(project)
    number = max((job_number(path) for path in job_folders(project)), default=0)
    while True:
        number += 1
        claim = project / f".{number:03d}"
        try:
            claim.mkdir()
        except FileExistsError:
            continue
        if any(job_number(path) == number for path in job_folders(project)):
            claim.rmdir()
            continue
        return claim, project / f"{number:03d}-{verb}"


def mark(project: Path) -> None:
    """Make a folder a project: a file in it says so."""
    try:
        project.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise InputError(f"{project.absolute()} is no folder, or lies in a file; name another project.") from None
    if not (project / MARK).exists():
        with atomic_path(project / MARK) as path:
            path.write_text('{"format": "flexrec-project", "version": 1}\n', encoding="utf-8")


def _fill(claim: Path, folder: Path, record: dict) -> Path:
    try:
        write_new(claim, record)
        os.rename(claim, folder)
    except BaseException:
        shutil.rmtree(claim, ignore_errors=True)
        raise
    return folder


def find_job_folder(reference: str | Path, project: Path) -> Path:
    """The job folder meant by ``3``, ``003-train``, ``003-train/`` or a path."""
    text = str(reference)
    folders = job_folders(project)
    meant = [folder for folder in folders if _is_meant(folder, text)]
    if len(meant) > 1:
        names = " and ".join(folder.name for folder in meant)
        raise InputError(f"{project.absolute()} has {names}: job {text} may be each of them; say its whole name.")
    if meant:
        return meant[0].absolute()
    path = Path(os.path.expanduser(text))
    if _NAME.fullmatch(path.name) and path.is_dir():
        return path.absolute()
    raise InputError(f"there is no job {text} in {project.absolute()}: it has {_job_names(folders)}.")


def _is_meant(folder: Path, text: str) -> bool:
    return folder.name == text.rstrip("/" + os.sep) or (text.isdecimal() and job_number(folder) == int(text))


def _job_names(folders: list[Path]) -> str:
    """The names of a project's jobs; of many, the first and the last ones."""
    names = [folder.name for folder in folders]
    if len(names) > 2 * _SHOWN:
        names = [*names[:_SHOWN], "…", *names[-_SHOWN:]]
    return ", ".join(names) or "no jobs yet"


def top_folder(path: Path, project: Path) -> str | None:
    """The name of the folder of the project in which an absolute path lies; None where it lies elsewhere."""
    for base in (Path(os.path.abspath(project)), project.resolve()):
        try:
            inside = Path(os.path.normpath(path)).relative_to(base).parts
        except ValueError:
            continue
        return inside[0] if inside else None
    return None

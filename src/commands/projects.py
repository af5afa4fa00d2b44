"""Which project, and which job of it, somebody means."""

from __future__ import annotations

from pathlib import Path

from ..errors import InputError
from ..jobs.project import find_job_folder, job_folders
from ..scene.scene_model import FlexRecModel


def the_project(session, project: Path | None) -> Path:
    """The folder that was named, else that of the open models if they are of one project, else the current folder."""
    if project is not None:
        return project
    folders = {model.folder.parent for model in session.models.list(type=FlexRecModel)}
    return folders.pop() if len(folders) == 1 else Path.cwd()


def existing_project(session, project: Path | None) -> Path:
    """The same; ``InputError`` where there is no such folder."""
    folder = the_project(session, project)
    if not folder.is_dir():
        raise InputError(f"there is no folder {folder}; add project and the project's folder.")
    return folder


def the_job(session, job: str, project: Path | None) -> Path:
    """The folder of the job meant by ``3``, ``003-train`` or a path."""
    folder = existing_project(session, project)
    if project is None and not job_folders(folder) and not Path(job).expanduser().is_dir():
        raise InputError(f"{folder} has no jobs; add project and the project's folder.")
    return find_job_folder(job, folder)

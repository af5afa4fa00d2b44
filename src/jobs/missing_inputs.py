"""Whether a job's inputs still have what the job reads: a project may have been copied without its images."""

from __future__ import annotations

from pathlib import Path

from ..errors import InputError
from ..particles.prepared import STAR, check_prepared
from .inputs import is_done, join_record
from .project import job_verb
from .record import read_record
from .registry import find_job

PARTICLES = "particles"  # the parameter that names them, of every job that reads images


def check_particles(path: Path) -> None:
    """``InputError`` where a finished job that made particles has lost them, or their images; says what can be done."""
    if not (path / "job.json").exists() or not is_done(path):
        return
    verb = job_verb(path)
    if verb == "prep":
        check_prepared(path)
    elif verb == "simulate" and not (path / STAR).is_file():
        raise InputError(f"{path}: its particles are not there ({STAR} is missing), as in the shipped example; run "
                         "simulate again, and give the new job.")  # fmt: skip


def lost_input(folder: Path) -> str:
    """What keeps a job from going on because an input is gone, in a sentence; empty where all are there."""
    try:
        record = read_record(folder)
        parameters = join_record(find_job(record["verb"]), record, folder.parent)
        for name in record["inputs"]:
            path = getattr(parameters, name)
            if path is not None and not path.exists():
                return f"{name}: there is no {path} any more; put it there again, or clone the job and give another."
            if path is not None and name == PARTICLES:
                check_particles(path)
    except InputError as error:
        return str(error)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):  # a damaged record: who resumes it is told
        return ""
    return ""

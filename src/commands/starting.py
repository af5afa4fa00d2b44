"""``flexrec simulate``, ``prep``, ``train``, ``generate`` …: a command for each declared job, which starts it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from chimerax.core.commands import CmdDesc

from ..jobs.declare import Job
from ..jobs.queue import background
from ..jobs.registry import all_jobs
from ..scene.engine_choice import able_python, chosen_device
from .declared import checked, keywords, required
from .job_lines import say_started
from .projects import the_project
from .watch import tell_end

SHARED = "mesh"  # this job's word also shows a mesh: see the module of that name


def start_job(session, job: Job, project: str | None, seed: int, values: dict[str, Any]) -> Path:
    """Queue a job with the user's Python and device; returns its folder at once."""
    values = checked(job, values)
    if "device" in {option.name for option in job.options()} and not values.get("devices"):
        values.setdefault("device", chosen_device(session))
    folder = background.submit(job.verb, values, the_project(session, project), seed, able_python(session))
    say_started(session, folder)
    tell_end(session, folder)
    return folder


def job_command(job: Job) -> Callable:
    """The function of a job's command."""

    def start(session, project: str | None = None, seed: int = 0, **values) -> Path:
        return start_job(session, job, project, seed, values)

    start.__doc__ = job.synopsis
    return start


def commands() -> list[tuple]:
    """Words, description and function of each."""
    return [
        (job.verb, CmdDesc(keyword=keywords(job), required_arguments=required(job), synopsis=job.synopsis),
         job_command(job))
        for job in all_jobs() if job.verb != SHARED
    ]  # fmt: skip

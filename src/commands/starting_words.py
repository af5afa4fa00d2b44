"""The declared jobs as ChimeraX's commands, and the two words that take a job's parameters beside their own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from chimerax.core.commands import CmdDesc, StringArg

from ..actions.action import CHIMERAX, Action
from ..errors import InputError
from ..jobs.declare import Job
from ..jobs.queue import background
from ..jobs.registry import all_jobs, find_job
from ..parameters import build_parameters
from ..scene.engine_choice import able_python, chosen_device
from .action_words import described, run_action
from .job_arguments import EveryJob, checked, keywords, required, words
from .job_lines import say_started
from .jobs import clone_job
from .projects import the_project
from .session_scene import SessionScene
from .watch import report_end

Command = tuple[str, CmdDesc, Callable[..., Any]]


def job_command(job: Job) -> Command:
    """What starts a job."""

    def start(session, project: str | None = None, seed: int = 0, **values) -> Path:
        return _start(session, job, values | {"project": project, "seed": seed})

    start.__doc__ = job.synopsis
    description = CmdDesc(optional=words(job), keyword=keywords(job), required_arguments=required(job),
                          synopsis=job.synopsis)  # fmt: skip
    return job.verb, description, start


def _start(session, job: Job, values: dict[str, Any]) -> Path:
    where = {name: values.pop(name) for name in ("project", "seed") if name in values}
    every = build_parameters(job.verb, EveryJob, where)
    return start_job(session, job, every.project, every.seed, values)


def start_job(session, job: Job, project: Path | None, seed: int, values: dict[str, Any]) -> Path:
    """Queue a job with the user's Python and device; returns its folder at once."""
    values = checked(job, values)
    if "device" in {option.name for option in job.options()} and not values.get("devices"):
        values.setdefault("device", chosen_device(session))
    folder = background.submit(job.verb, values, the_project(session, project), seed, able_python(session))
    say_started(session, folder)
    report_end(session, folder)
    return folder


def mesh_command(action: Action) -> Command:
    """What shows the mesh of an open model, or, with a parameter of the job of that name, makes one."""
    job = find_job(action.words)
    own = {name for option in action.options(CHIMERAX) for name in option.spellings}

    def mesh(session, model=None, **values) -> Any:
        showing = {name: values.pop(name) for name in list(values) if name.rstrip("_") in own}
        if not values:
            return run_action(session, action, model, showing)
        if showing or model is not None:
            raise InputError("color, show and model are for the mesh that is shown, the others for a job that makes "
                             "one; give either.")  # fmt: skip
        return _start(session, job, values)

    return action.words, described(action, keywords(job)), mesh


def clone_command(action: Action) -> Command:
    """What starts a job like another one, whose parameters are known only with it."""
    own = {option.name for option in action.options(CHIMERAX)}
    names = sorted({option.name for job in all_jobs() for option in job.options()})

    def clone(session, **values) -> Path:
        changes = {name: values.pop(name) for name in set(values) - own}
        return clone_job(SessionScene(session, None), action.build(values), changes)

    return action.words, described(action, [(name, StringArg) for name in names], names), clone

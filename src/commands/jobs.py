"""``flexrec jobs``, ``log``, ``report``, ``stop``, ``resume``, ``clone``, ``run``: jobs, seen and steered."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..actions.queue_actions import Clone, JobName, Log, Project, Recipe, Stop
from ..errors import InputError
from ..jobs.listing import JobState
from ..jobs.queue import background
from ..jobs.record import read_record, read_status
from ..jobs.registry import find_job
from ..scene.engine_choice import able_python
from ..scene.settings import engine_python
from .job_arguments import checked
from .job_lines import job_link, say, say_jobs, say_started
from .projects import existing_project, the_job, the_project
from .session_scene import SessionScene
from .watch import report_end

AT_ONCE = 5.0  # seconds that the end of a killed process may take


def list_jobs(scene: SessionScene, asked: Project) -> list[JobState]:
    """Show the jobs of a project; the queue goes on where it can."""
    session, folder = scene.session, existing_project(scene.session, asked.project)
    with suppress(OSError, InputError):  # a project that one may only read is listed all the same
        background.start_next(folder, engine_python(session))
    states = background.list_jobs(folder)
    say_jobs(session, folder, states)
    return states


def show_log(scene: SessionScene, asked: Log) -> str:
    """Show the last lines that a job has logged, and what went wrong."""
    session, folder = scene.session, the_job(scene.session, asked.job, asked.project)
    text, _ = background.log(folder)
    shown = text.splitlines()[-asked.lines:] or [f"{folder.name} has not logged anything yet"]
    output = folder / "output.txt"
    if read_status(folder).status == "failed" and output.is_file() and output.stat().st_size:
        shown += ["", f"{output}:", *output.read_text(encoding="utf-8", errors="replace").splitlines()[-asked.lines:]]
    session.logger.info("\n".join(shown))
    return text


def write_report(scene: SessionScene, asked: JobName) -> Path:
    """Write a job's report, say what it says, and show it where there is a window."""
    from ..jobs.reports import write_report as reports

    session = scene.session
    path, page = reports.write_report(the_job(session, asked.job, asked.project))
    session.logger.info(page.sentence)
    session.logger.info(str(path))
    if session.ui.is_gui:
        from chimerax.core.commands import quote_path_if_necessary, run

        run(session, f"open {quote_path_if_necessary(str(path))}", log=False)
    return path


def stop_job(scene: SessionScene, asked: Stop) -> Path:
    """Stop a job so that it can be resumed."""
    session, folder = scene.session, the_job(scene.session, asked.job, asked.project)
    stopping = background.stop(folder, engine_python(session))
    if stopping and asked.now:
        background.kill(folder)
        deadline = time.monotonic() + AT_ONCE
        while not background.has_ended(folder) and time.monotonic() < deadline:
            time.sleep(0.02)
    elif stopping:
        say(session, f"{folder.name} is asked to stop, and ends when it has written a checkpoint",
            job_link("stop", folder, "end it now", "now true"))
        report_end(session, folder)
        return folder
    background.start_next(folder.parent, engine_python(session))
    say(session, f"{folder.name} is stopped", job_link("resume", folder))
    return folder


def resume_job(scene: SessionScene, asked: JobName) -> Path:
    """Go on with a job that was stopped, failed or was killed."""
    session, folder = scene.session, the_job(scene.session, asked.job, asked.project)
    background.resume(folder, able_python(session))
    say_started(session, folder)
    report_end(session, folder)
    return folder


def clone_job(scene: SessionScene, asked: Clone, changes: Mapping[str, Any]) -> Path:
    """Start a new job like another one, with the parameters that are given changed."""
    session, other = scene.session, the_job(scene.session, asked.job, asked.project)
    changes = checked(find_job(read_record(other)["verb"]), changes)
    folder = background.clone(other, changes, asked.seed, able_python(session))
    say_started(session, folder)
    report_end(session, folder)
    return folder


def run_recipe(scene: SessionScene, asked: Recipe) -> list[Path]:
    """Start all jobs of a recipe, one after the other."""
    from ..jobs.queue.waiting import is_done_or_pending
    from ..jobs.recipe import make_jobs, read_recipe

    session, folder = scene.session, the_project(scene.session, asked.project)
    steps = read_recipe(asked.recipe, folder, is_done_or_pending)
    python = able_python(session)
    folders = make_jobs(steps, folder, is_done_or_pending)
    for made in folders:
        background.resume(made, python)
        say_started(session, made)
    report_end(session, folders[-1])
    return folders


FUNCTIONS = {"jobs": list_jobs, "log": show_log, "report": write_report, "stop": stop_job, "resume": resume_job,
             "run": run_recipe}  # fmt: skip

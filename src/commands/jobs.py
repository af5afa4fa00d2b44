"""``flexrec jobs``, ``log``, ``stop``, ``resume``, ``clone``, ``run``: jobs in the background, seen and steered."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

from chimerax.core.commands import BoolArg, CmdDesc, FileNameArg, StringArg

from ..errors import InputError
from ..jobs.listing import JobState
from ..jobs.queue import background
from ..jobs.record import read_record, read_status
from ..jobs.registry import all_jobs, find_job
from ..scene.engine_choice import able_python
from ..scene.settings import engine_python
from .arguments import SEED, whole
from .declared import checked
from .job_lines import job_link, say, say_jobs, say_started
from .projects import existing_project, the_job, the_project
from .watch import flexrec_watch, tell_end

LOG_LINES = 30
AT_ONCE = 5.0  # seconds that the end of a killed process may take


def flexrec_jobs(session, project: str | None = None) -> list[JobState]:
    """Show the jobs of a project; the queue goes on where it can."""
    folder = existing_project(session, project)
    with suppress(OSError, InputError):  # a project that one may only read is listed all the same
        background.start_next(folder, engine_python(session))
    states = background.list_jobs(folder)
    say_jobs(session, folder, states)
    return states


def flexrec_log(session, job: str, project: str | None = None, lines: int = LOG_LINES) -> str:
    """Show the last lines that a job has logged, and what went wrong."""
    folder = the_job(session, job, project)
    text, _ = background.log(folder)
    shown = text.splitlines()[-lines:] or [f"{folder.name} has not logged anything yet"]
    output = folder / "output.txt"
    if read_status(folder).status == "failed" and output.is_file() and output.stat().st_size:
        shown += ["", f"{output}:", *output.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]]
    session.logger.info("\n".join(shown))
    return text


def flexrec_stop(session, job: str, project: str | None = None, now: bool = False) -> Path:
    """Stop a job so that it can be resumed."""
    folder = the_job(session, job, project)
    asked = background.stop(folder, engine_python(session))
    if asked and now:
        background.kill(folder)
        deadline = time.monotonic() + AT_ONCE
        while not background.has_ended(folder) and time.monotonic() < deadline:
            time.sleep(0.02)
    elif asked:
        say(session, f"{folder.name} is asked to stop, and ends when it has written a checkpoint",
            job_link("stop", folder, "end it now", "now true"))
        tell_end(session, folder)
        return folder
    background.start_next(folder.parent, engine_python(session))
    say(session, f"{folder.name} is stopped", job_link("resume", folder))
    return folder


def flexrec_resume(session, job: str, project: str | None = None) -> Path:
    """Go on with a job that was stopped, failed or was killed."""
    folder = the_job(session, job, project)
    background.resume(folder, able_python(session))
    say_started(session, folder)
    tell_end(session, folder)
    return folder


def flexrec_clone(session, job: str, project: str | None = None, seed: int | None = None, **changes) -> Path:
    """Start a new job like another one, with the parameters that are given changed."""
    other = the_job(session, job, project)
    changes = checked(find_job(read_record(other)["verb"]), changes)
    folder = background.clone(other, changes, seed, able_python(session))
    say_started(session, folder)
    tell_end(session, folder)
    return folder


def flexrec_run(session, recipe: str, project: str | None = None) -> list[Path]:
    """Start all jobs of a recipe, one after the other."""
    from ..jobs.queue.waiting import is_done_or_pending
    from ..jobs.recipe import make_jobs, read_recipe

    folder = the_project(session, project)
    steps = read_recipe(Path(recipe).expanduser(), folder, is_done_or_pending)
    python = able_python(session)
    folders = make_jobs(steps, folder, is_done_or_pending)
    for made in folders:
        background.resume(made, python)
        say_started(session, made)
    tell_end(session, folders[-1])
    return folders


def commands() -> list[tuple]:
    """Words, description and function of each."""
    job, project = [("job", StringArg)], ("project", FileNameArg)
    names = sorted({option.name for one in all_jobs() for option in one.options()})
    changes = [(name, StringArg) for name in names]
    return [
        ("jobs", CmdDesc(keyword=[project], synopsis="List the jobs of a project"), flexrec_jobs),
        ("log", CmdDesc(
            required=job, keyword=[project, ("lines", whole(1))],
            synopsis="Show what a job has logged"), flexrec_log),
        ("watch", CmdDesc(
            required=job, keyword=[project],
            synopsis="Follow a job in the status line until it ends; open models of it are kept current"),
         flexrec_watch),
        ("stop", CmdDesc(
            required=job, keyword=[project, ("now", BoolArg)],
            synopsis="Stop a job so that it can be resumed"), flexrec_stop),
        ("resume", CmdDesc(
            required=job, keyword=[project],
            synopsis="Go on with a job that was stopped, failed or was killed"), flexrec_resume),
        ("clone", CmdDesc(
            required=job, keyword=[project, ("seed", SEED), *changes], hidden=names,
            synopsis="Start a job like another one; parameters of its kind that are given are changed"), flexrec_clone),
        ("run", CmdDesc(
            required=[("recipe", FileNameArg)], keyword=[project],
            synopsis="Start all jobs of a recipe, a TOML file with a table per job"), flexrec_run),
    ]  # fmt: skip

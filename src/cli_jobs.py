"""The terminal commands that run jobs, here or in the background, and that look at them and steer them."""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from .cli_cluster import add_cluster, submission
from .cli_options import Parser, add_parameters, given_values
from .errors import InputError
from .jobs import background, runner
from .jobs.declare import Job
from .jobs.listing import job_lines
from .jobs.project import find_job_folder
from .jobs.queue_file import read_queue
from .jobs.record import DONE, FAILED, QUEUED, STOPPED, read_record, read_status
from .jobs.registry import find_job
from .jobs.waiting import is_done_or_pending, is_pending

EXIT_FAILED, EXIT_INPUT, EXIT_STOPPED = 1, 2, 130
_GLANCE = 0.2  # seconds between two looks at a job that is followed or told to stop


def complain(sentence: str, status: int) -> int:
    """Print a sentence to standard error; returns the exit status."""
    print(f"flexrec: {sentence}", file=sys.stderr)
    return status


def add_project(parser: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    """The option ``--project``."""
    parser.add_argument("--project", metavar="DIR", default=".", help="the project folder (default: this folder)")


def add_background(parser: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    """The option ``--background``."""
    parser.add_argument(
        "--background", action="store_true", default=False,
        help="queue the job and return at once; it runs when its device is free, and goes on when you log out",
    )  # fmt: skip


def add_commands(commands: Any) -> None:
    """All commands but the jobs' own."""
    run = commands.add_parser("run", help="run the jobs of a recipe", allow_abbrev=False)
    run.add_argument("recipe", metavar="FILE.toml", help="a table per job: [prep], [mesh], [train], [generate]")
    add_project(run)
    add_background(run)
    run.set_defaults(command=run_recipe)
    jobs = commands.add_parser("jobs", help="list the jobs of a project", allow_abbrev=False)
    add_project(jobs)
    jobs.set_defaults(command=show_jobs)
    log = _add(commands, "log", "print what a job has logged", show_log)
    log.add_argument("--follow", action="store_true", help="go on printing until the job ends")
    stop = _add(commands, "stop", "stop a job so that it can be resumed", stop_job)
    stop.add_argument(
        "--grace", type=float, default=60.0, metavar="SECONDS",
        help="time to write a checkpoint, after which the job is ended (default: 60)",
    )  # fmt: skip
    resume = _add(commands, "resume", "go on with a job that was stopped, failed or was killed", resume_job)
    add_background(resume)
    add_cluster(resume)
    clone = _add(commands, "clone", "a new job like another one, with the options that you change", clone_job)
    clone.add_argument("--seed", type=int, metavar="N", help="seed of all random numbers (default: the other job's)")
    add_background(clone)
    add_cluster(clone)
    clone.usage = "flexrec clone JOB [options of its verb] [--seed N] [--background | --cluster slurm] [--project DIR]"
    clone.set_defaults(takes_more=True)


def _add(commands: Any, name: str, synopsis: str, command: Any) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=synopsis, allow_abbrev=False)
    parser.add_argument("job", metavar="JOB", help="3, 003-train, or a path")
    add_project(parser)
    parser.set_defaults(command=command)
    return parser


def _existing_project(project: str) -> Path:
    if not Path(project).is_dir():
        raise InputError(f"there is no folder {Path(project).absolute()}; give the project's folder with --project.")
    return Path(project)


def _chosen_job(chosen: argparse.Namespace) -> Path:
    return find_job_folder(chosen.job, _existing_project(chosen.project))


def run_job(chosen: argparse.Namespace) -> int:
    """``flexrec VERB …``: a new job, or one to go on with."""
    job = find_job(chosen.verb)
    given = given_values(job, vars(chosen))
    project, seed = Path(chosen.project), getattr(chosen, "seed", None)
    if hasattr(chosen, "resume"):
        folder = runner.find_resumable(job, chosen.resume, project, given, seed)
        return _go_on(folder, chosen)
    return _begin(job, given, seed or 0, chosen)


def _begin(job: Job, values: dict[str, Any], seed: int, chosen: argparse.Namespace) -> int:
    project = Path(chosen.project)
    how = submission(chosen)
    if how is not None:
        print(background.give(job.verb, values, project, seed, how).name)
        return 0
    if chosen.background:
        print(background.submit(job.verb, values, project, seed).name)
        return 0
    return _run_here(job, runner.create(job, job.build(values), project, seed), chosen)


def _go_on(folder: Path, chosen: argparse.Namespace) -> int:
    how = submission(chosen)
    if how is not None or chosen.background:
        background.give_again(folder, how) if how is not None else background.resume(folder)
        print(folder.name)
        return 0
    background.refuse_on_cluster(folder)
    return _run_here(find_job(read_record(folder)["verb"]), folder, chosen)


def _run_here(job: Job, folder: Path, chosen: argparse.Namespace) -> int:
    """Run a job in this process, show it, and let the queue go on when its device is free again."""
    from .jobs.terminal import Terminal

    terminal = Terminal(folder.name)
    try:
        runner.start(job, folder, terminal)
    except InputError:
        raise
    except Exception as error:
        sentence = f"{folder.name} failed: {type(error).__name__}: {error}; {folder / 'log.txt'} says where."
        return complain(sentence, EXIT_FAILED)
    finally:
        terminal.close()
        background.start_next(folder.parent)
    return _report(job, folder, chosen)


def _report(job: Job, folder: Path, chosen: argparse.Namespace) -> int:
    if read_status(folder).status != STOPPED:
        print(folder)
        return 0
    where = "" if chosen.project == "." else f" --project {chosen.project}"
    print(f"flexrec: go on with: flexrec {job.verb} --resume {folder.name}{where}", file=sys.stderr)
    return EXIT_STOPPED


def resume_job(chosen: argparse.Namespace) -> int:
    """``flexrec resume JOB``."""
    return _go_on(_chosen_job(chosen), chosen)


def clone_job(chosen: argparse.Namespace) -> int:
    """``flexrec clone JOB [options of its verb]``."""
    folder = _chosen_job(chosen)
    record = read_record(folder)
    job = find_job(record["verb"])
    parser = Parser(prog=f"flexrec clone {chosen.job}", allow_abbrev=False, argument_default=argparse.SUPPRESS)
    add_parameters(parser, job)
    changes = given_values(job, vars(parser.parse_args(chosen.more)))
    seed = record["seed"] if chosen.seed is None else chosen.seed
    return _begin(job, background.cloned_values(folder, changes), seed, chosen)


def run_recipe(chosen: argparse.Namespace) -> int:
    """``flexrec run FILE.toml``: all is checked, then all jobs are made, then they run one after the other."""
    from .jobs.inputs import is_done
    from .jobs.recipe import make_jobs, read_recipe

    project = Path(chosen.project)
    suits = is_done_or_pending if chosen.background else is_done
    steps = read_recipe(Path(chosen.recipe), project, suits)
    folders = make_jobs(steps, project, suits)
    if chosen.background:
        for folder in folders:
            background.resume(folder)
            print(folder.name)
        return 0
    for place, (step, folder) in enumerate(zip(steps, folders), 1):
        try:
            ended = _run_here(step.job, folder, chosen)
        except InputError as error:
            ended = complain(str(error), EXIT_INPUT)
        if ended:
            return _leave_rest(folders[place:], ended)
    return 0


def _leave_rest(folders: list[Path], ended: int) -> int:
    if not folders:
        return ended
    names = ", ".join(folder.name for folder in folders)
    return complain(f"not run yet: {names}; go on with flexrec resume, in this order.", ended)


def show_jobs(chosen: argparse.Namespace) -> int:
    """``flexrec jobs``."""
    project = _existing_project(chosen.project)
    with suppress(OSError, InputError):  # a project that one may only read is listed all the same
        background.start_next(project)
    print("\n".join(job_lines(project)) or "no jobs yet")
    return 0


def show_log(chosen: argparse.Namespace) -> int:
    """``flexrec log JOB``."""
    folder, offset = _chosen_job(chosen), 0
    while True:
        # looked at before the text, so that the last lines of a job that ends are not missed
        goes_on = chosen.follow and is_pending(folder, read_queue(folder.parent))
        text, offset = background.log(folder, offset)
        print(text, end="", flush=True)
        if not goes_on:
            return _follow_end(folder) if chosen.follow else 0
        with suppress(OSError, InputError):
            background.start_next(folder.parent)
        time.sleep(_GLANCE)


def _follow_end(folder: Path) -> int:
    """The exit status with which the job itself would have ended."""
    status = read_status(folder)
    if status.status == FAILED:
        return complain(f"{folder.name} failed: {status.error}", EXIT_FAILED)
    if status.status == QUEUED:
        return complain(f"{folder.name} is not in the queue; start it with flexrec resume {folder.name}.", EXIT_STOPPED)
    return 0 if status.status == DONE else complain(f"{folder.name} is stopped.", EXIT_STOPPED)


def stop_job(chosen: argparse.Namespace) -> int:
    """``flexrec stop JOB``: ask, wait as long as was said, end it."""
    folder = _chosen_job(chosen)
    if background.stop(folder) and not _ended(folder, chosen.grace):
        print(f"flexrec: {folder.name} did not end within {chosen.grace:g} s and is ended now", file=sys.stderr)
        background.kill(folder)
        _ended(folder, 10.0)
    background.start_next(folder.parent)
    print(f"{folder.name} {read_status(folder).status}")
    return 0


def _ended(folder: Path, seconds: float) -> bool:
    """Whether the job's process ends in that time."""
    deadline = time.monotonic() + seconds
    while not background.has_ended(folder):
        if time.monotonic() > deadline:
            return False
        time.sleep(min(_GLANCE, 0.05))
    return True

"""The terminal commands that run jobs: here, in the background, or on a cluster."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from ..actions.action import TERMINAL, Action
from ..actions.queue_actions import JobName, Recipe
from ..errors import InputError
from ..jobs import runner
from ..jobs.declare import Job
from ..jobs.failure_sentences import as_input_error
from ..jobs.project import find_job_folder
from ..jobs.queue import background
from ..jobs.queue.waiting import is_done_or_pending
from ..jobs.record import STOPPED, read_record, read_status
from ..jobs.registry import find_job
from .cluster_options import add_cluster, submission
from .job_options import Parser, add_parameters, given_values

EXIT_FAILED, EXIT_INPUT, EXIT_STOPPED = 1, 2, 130


def complain(sentence: str, status: int) -> int:
    """Print a sentence to standard error; returns the exit status."""
    print(f"flexrec: {sentence}", file=sys.stderr)
    return status


def add_project(parser: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    """The option ``--project``."""
    # the shell leaves ~ to us in --project=~/data
    parser.add_argument("--project", metavar="DIR", type=os.path.expanduser, default=".",
                        help="the project folder (default: this folder)")  # fmt: skip


def add_background(parser: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    """The option ``--background``."""
    parser.add_argument(
        "--background", action="store_true", default=False,
        help="queue the job and return at once; it runs when its device is free, and goes on when you log out",
    )  # fmt: skip


def add_clone(commands: Any, action: Action) -> None:
    """Its options are those of a verb that is known only with the job: a second parser reads them, and shows help."""
    about = f"{action.synopsis}. {action.about}"
    clone = commands.add_parser(
        action.words, help=action.synopsis, description=about, allow_abbrev=False, add_help=False
    )
    clone.add_argument("job", metavar="JOB", nargs="?", help=action.options(TERMINAL)[0].help)
    clone.add_argument("-h", "--help", action="store_true", help="show this; after JOB also the options of its verb")
    add_project(clone)
    clone.add_argument("--seed", type=int, metavar="N", help="seed of all random numbers (default: the other job's)")
    add_background(clone)
    add_cluster(clone)
    clone.usage = "flexrec clone JOB [options of its verb] [--seed N] [--background | --cluster slurm] [--project DIR]"
    clone.set_defaults(command=clone_job, parser=clone, takes_more=True)


def existing_project(project: str) -> Path:
    """The folder that was named; ``InputError`` where there is none."""
    if not Path(project).is_dir():
        raise InputError(f"there is no folder {Path(project).absolute()}; give the project's folder with --project.")
    return Path(project)


def chosen_job(chosen: argparse.Namespace) -> Path:
    """The folder of the job that was named."""
    return find_job_folder(chosen.job, existing_project(chosen.project))


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
        print(background.submit_to_cluster(job.verb, values, project, seed, how).name)
        return 0
    if chosen.background:
        print(background.submit(job.verb, values, project, seed).name)
        return 0
    return _run_here(job, runner.create(job, job.build(values), project, seed), chosen)


def _go_on(folder: Path, chosen: argparse.Namespace) -> int:
    how = submission(chosen)
    if how is not None or chosen.background:
        background.resubmit_to_cluster(folder, how) if how is not None else background.resume(folder)
        print(folder.name)
        return 0
    background.refuse_on_cluster(folder)
    return _run_here(find_job(read_record(folder)["verb"]), folder, chosen)


def _run_here(job: Job, folder: Path, chosen: argparse.Namespace) -> int:
    """Run a job in this process, show it, and let the queue go on when its device is free again."""
    from ..jobs.terminal_progress import Terminal

    terminal = Terminal(folder.name)
    try:
        runner.start(job, folder, terminal)
    except InputError:
        raise
    except OSError as error:
        known = as_input_error(error, job.verb)
        raise (error if known is None else known) from error
    except Exception as error:
        sentence = f"{folder.name} failed: {runner.crash_text(error)}; {folder / 'log.txt'} says where."
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


def resume_job(chosen: argparse.Namespace, _: JobName) -> int:
    """``flexrec resume JOB``."""
    return _go_on(chosen_job(chosen), chosen)


def clone_job(chosen: argparse.Namespace) -> int:
    """``flexrec clone JOB [options of its verb]``."""
    if chosen.job is None:
        return _show_help(chosen.parser) if chosen.help else chosen.parser.error("give the JOB to clone")
    folder = chosen_job(chosen)
    record = read_record(folder)
    job = find_job(record["verb"])
    if chosen.help:
        add_parameters(chosen.parser, job)
        return _show_help(chosen.parser)
    parser = Parser(prog=f"flexrec clone {chosen.job}", allow_abbrev=False, argument_default=argparse.SUPPRESS)
    add_parameters(parser, job)
    changes = given_values(job, vars(parser.parse_args(chosen.more)))
    seed = record["seed"] if chosen.seed is None else chosen.seed
    return _begin(job, background.cloned_values(folder, changes), seed, chosen)


def _show_help(parser: Parser) -> int:
    parser.print_help()
    return 0


def run_recipe(chosen: argparse.Namespace, asked: Recipe) -> int:
    """``flexrec run FILE.toml``: all is checked, then all jobs are made, then they run one after the other."""
    from ..jobs.inputs import is_done
    from ..jobs.recipe import make_jobs, read_recipe

    project, how = Path(chosen.project), submission(chosen, several=True)
    suits = is_done_or_pending if chosen.background or how else is_done
    steps = read_recipe(asked.recipe, project, suits)
    folders = make_jobs(steps, project, suits)
    if how:
        return _resubmit_all(folders, how)
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
            return _report_rest(folders[place:], ended)
    return 0


def _resubmit_all(folders: list[Path], how: background.Submission) -> int:
    """Give a recipe's jobs to a cluster, which starts each when those before it that it needs are done."""
    for place, folder in enumerate(folders):
        try:
            if place == 0:
                background.check(folders, how)
            background.resubmit_to_cluster(folder, how)
        except InputError as error:
            if place == 0:
                for made in folders:
                    shutil.rmtree(made, ignore_errors=True)
                raise
            return _report_rest(folders[place:], complain(str(error), EXIT_INPUT))
        print(folder.name)
    return 0


def _report_rest(folders: list[Path], ended: int) -> int:
    if not folders:
        return ended
    names = ", ".join(folder.name for folder in folders)
    return complain(f"not run yet: {names}; go on with flexrec resume, in this order.", ended)


FUNCTIONS = {"resume": resume_job, "run": run_recipe}
RUNNING = dict.fromkeys(FUNCTIONS, (add_background, add_cluster))  # the options of those that start jobs

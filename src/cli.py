"""``flexrec …`` in a terminal: one command per declared job, and a few to look at jobs."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from .errors import InputError
from .jobs.declare import Job, Parameter
from .jobs.listing import job_lines
from .jobs.project import find_job_folder
from .jobs.record import STOPPED, read_status
from .jobs.reference import describe_value
from .jobs.registry import all_jobs, find_job

EXIT_FAILED, EXIT_INPUT, EXIT_STOPPED = 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line; returns the exit status (0 done, 1 failed, 2 wrong input, 130 stopped)."""
    try:
        words = _attach_negative_values(sys.argv[1:] if arguments is None else arguments)
        chosen = _parser().parse_args(words)
        return chosen.command(chosen)
    except InputError as error:
        return _complain(str(error), EXIT_INPUT)
    except BrokenPipeError:
        return EXIT_FAILED
    except KeyboardInterrupt:
        return EXIT_STOPPED


def _complain(sentence: str, status: int) -> int:
    print(f"flexrec: {sentence}", file=sys.stderr)
    return status


class _Parser(argparse.ArgumentParser):
    """A mistake on the command line is one sentence, like every other one."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message} (see {self.prog} --help)")


def _parser() -> _Parser:
    from . import __version__

    parser = _Parser(prog="flexrec", description=sys.modules[__package__].__doc__, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"FlexRec {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=_Parser)
    for job in all_jobs():
        _add_job(commands, job)
    jobs = commands.add_parser("jobs", help="list the jobs of a project", allow_abbrev=False)
    _add_project(jobs)
    jobs.set_defaults(command=_list_jobs)
    log = commands.add_parser("log", help="print what a job has logged", allow_abbrev=False)
    log.add_argument("job", metavar="JOB", help="3, 003-train, or a path")
    _add_project(log)
    log.set_defaults(command=_print_log)
    return parser


def _add_project(parser: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    parser.add_argument("--project", metavar="DIR", default=".", help="the project folder (default: this folder)")


def _add_job(commands: Any, job: Job) -> None:
    parser = commands.add_parser(
        job.verb, help=job.synopsis, description=job.synopsis, allow_abbrev=False,
        argument_default=argparse.SUPPRESS, usage=f"flexrec {job.verb} [options]",
    )  # fmt: skip
    groups = {False: parser.add_argument_group("parameters"), True: parser.add_argument_group("advanced parameters")}
    for option in job.options():
        _add_option(groups[option.advanced], option)
    running = parser.add_argument_group("running")
    _add_project(running)
    running.add_argument("--seed", type=int, metavar="N", help="seed of all random numbers (default: 0)")
    running.add_argument("--resume", metavar="JOB", help="go on with a job that was stopped, failed or was killed")
    parser.set_defaults(command=_run_job, verb=job.verb)


def _add_option(group: argparse._ArgumentGroup, option: Parameter) -> None:
    help_text = f"{option.help} [{describe_value(option)}]".replace("%", "%%")
    if option.type is bool and not option.many and not option.optional:
        group.add_argument(option.option, dest=option.name, action=argparse.BooleanOptionalAction, help=help_text)
    else:
        group.add_argument(option.option, dest=option.name, metavar=_metavar(option), help=help_text)


def _metavar(option: Parameter) -> str:
    if option.job:
        return "JOB"
    word = {int: "N", float: "X", str: "NAME", Path: "PATH", bool: "YES|NO"}[option.type]
    return f"{word},…" if option.many else word


def _attach_negative_values(words: Sequence[str]) -> list[str]:
    """``--at -1,2`` as ``--at=-1,2``: argparse takes a lone ``-1,2`` for an option."""
    joined: list[str] = []
    for word in words:
        if re.match(r"-\.?\d", word) and joined and re.fullmatch(r"--[a-z][a-z0-9-]*", joined[-1]):
            joined[-1] += "=" + word
        else:
            joined.append(word)
    return joined


def _run_job(chosen: argparse.Namespace) -> int:
    from .jobs import runner
    from .jobs.terminal import Terminal

    job = find_job(chosen.verb)
    given = _given_values(job, vars(chosen))
    project, seed = Path(chosen.project), getattr(chosen, "seed", None)
    if hasattr(chosen, "resume"):
        folder = runner.find_resumable(job, chosen.resume, project, given, seed)
    else:
        folder = runner.create(job, job.build(given), project, seed or 0)
    terminal = Terminal(folder.name)
    try:
        runner.start(job, folder, terminal)
    except InputError:
        raise
    except Exception as error:
        sentence = f"{folder.name} failed: {type(error).__name__}: {error}; {folder / 'log.txt'} says where."
        return _complain(sentence, EXIT_FAILED)
    finally:
        terminal.close()
    return _report(job, folder, project)


def _given_values(job: Job, chosen: dict[str, Any]) -> dict[str, Any]:
    """The parameters that stand on the command line, read and checked."""
    given = {}
    for option in job.options():
        if option.name in chosen:
            value = chosen[option.name]
            given[option.name] = option.parse(value) if isinstance(value, str) else option.check(value)
    return given


def _report(job: Job, folder: Path, project: Path) -> int:
    if read_status(folder).status != STOPPED:
        print(folder)
        return 0
    where = "" if project == Path(".") else f" --project {project}"
    print(f"flexrec: go on with: flexrec {job.verb} --resume {folder.name}{where}", file=sys.stderr)
    return EXIT_STOPPED


def _list_jobs(chosen: argparse.Namespace) -> int:
    print("\n".join(job_lines(_existing_project(chosen.project))) or "no jobs yet")
    return 0


def _print_log(chosen: argparse.Namespace) -> int:
    log = find_job_folder(chosen.job, _existing_project(chosen.project)) / "log.txt"
    print(log.read_text(encoding="utf-8") if log.exists() else "", end="")
    return 0


def _existing_project(project: str) -> Path:
    if not Path(project).is_dir():
        raise InputError(f"there is no folder {Path(project).absolute()}; give the project's folder with --project.")
    return Path(project)


if __name__ == "__main__":
    sys.exit(main())

"""``flexrec …`` in a terminal: one command per declared job, and a few to look at jobs and steer them."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import Any

from ..errors import InputError, disk_error_text
from ..jobs.declare import Job
from ..jobs.reference import words_text
from ..jobs.registry import all_jobs
from .action_options import add_actions
from .cluster_options import add_cluster
from .job_commands import (
    EXIT_FAILED,
    EXIT_INPUT,
    EXIT_STOPPED,
    add_background,
    add_project,
    complain,
    run_job,
)
from .job_options import Parser, add_parameters
from .unknown_words import unknown_command, unknown_options


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line; returns the exit status (0 done, 1 failed, 2 wrong input, 130 stopped)."""
    _replace_strange_letters()
    try:
        words = _attach_negative_values(sys.argv[1:] if arguments is None else arguments)
        chosen = _parse(words)
        return chosen.command(chosen)
    except InputError as error:
        return complain(str(error), EXIT_INPUT)
    except BrokenPipeError:
        return EXIT_FAILED
    except OSError as error:
        return complain(disk_error_text(error), EXIT_INPUT)
    except KeyboardInterrupt:
        return EXIT_STOPPED


def _replace_strange_letters() -> None:
    """A terminal that cannot write Å or a name's bytes (``LC_ALL=C``) shows them as \\xc5, as its errors do."""
    with suppress(AttributeError):  # a stream of whoever called, or none
        sys.stdout.reconfigure(errors="backslashreplace")


def _parse(words: Sequence[str]) -> argparse.Namespace:
    """The chosen command; words that only the command itself can read are kept in ``more``."""
    parser, commands = _parser()
    if words and not words[0].startswith("-") and words[0] not in commands:
        raise InputError(unknown_command(words[0], commands))
    chosen, more = parser.parse_known_args(words)
    if more and not getattr(chosen, "takes_more", False):
        job = next((job for job in all_jobs() if job.verb == getattr(chosen, "verb", None)), None)
        raise InputError(unknown_options(more, job))
    chosen.more = more
    return chosen


def _parser() -> tuple[Parser, Collection[str]]:
    """The parser of command lines, and the commands that it knows."""
    from .. import __version__

    parser = Parser(prog="flexrec", description=__doc__, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"FlexRec {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=Parser)
    for job in all_jobs():
        _add_job(commands, job)
    add_actions(commands)
    return parser, commands.choices


def _add_job(commands: Any, job: Job) -> None:
    parser = commands.add_parser(
        job.verb, help=job.synopsis, description=job.synopsis, allow_abbrev=False,
        argument_default=argparse.SUPPRESS, usage=f"flexrec {job.verb}{words_text(job)} [options]",
    )  # fmt: skip
    add_parameters(parser, job)
    running = parser.add_argument_group("running")
    add_project(running)
    running.add_argument("--seed", type=int, metavar="N", help="seed of all random numbers (default: 0)")
    running.add_argument("--resume", metavar="JOB", help="go on with a job that was stopped, failed or was killed")
    add_background(running)
    add_cluster(running)
    parser.set_defaults(command=run_job, verb=job.verb)


def _attach_negative_values(words: Sequence[str]) -> list[str]:
    """``--at -1,2`` as ``--at=-1,2``: argparse takes a lone ``-1,2`` for an option."""
    joined: list[str] = []
    for word in words:
        if re.match(r"-\.?\d", word) and joined and re.fullmatch(r"--[a-z][a-z0-9-]*", joined[-1]):
            joined[-1] += "=" + word
        else:
            joined.append(word)
    return joined


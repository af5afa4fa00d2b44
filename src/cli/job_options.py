"""Options of the terminal, from the jobs' declarations."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, NoReturn

from ..errors import InputError
from ..jobs.declare import Job
from ..jobs.reference import describe_value, under_headings
from ..parameters import Parameter


class Parser(argparse.ArgumentParser):
    """A mistake on the command line is one sentence, like every other one."""

    def error(self, message: str) -> NoReturn:
        """Raise it for ``main`` to print."""
        raise InputError(f"{message} (see {self.prog} --help)")


def add_parameters(parser: argparse.ArgumentParser, job: Job) -> None:
    """The parameters of a job under their headings; those not given leave nothing in the namespace."""
    for title, options in under_headings(job.options()).items():
        group = parser.add_argument_group(title.lower())
        for option in options:
            _add_option(group, option)


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


def given_values(job: Job, chosen: dict[str, Any]) -> dict[str, Any]:
    """The parameters that stand on the command line, read and checked."""
    given = {}
    for option in job.options():
        if option.name in chosen:
            value = chosen[option.name]
            given[option.name] = option.parse(value) if isinstance(value, str) else option.check(value)
    return given

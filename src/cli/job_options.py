"""Options of the terminal, from the jobs' declarations."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from ..errors import InputError
from ..jobs.declare import Job
from ..jobs.reference import describe_value, under_headings
from ..parameters import Parameter, short_words


class Parser(argparse.ArgumentParser):
    """A mistake on the command line is one sentence, like every other one."""

    def error(self, message: str) -> NoReturn:
        """Raise it for ``main`` to print."""
        raise InputError(f"{message} (see {self.prog} --help)")


class _OneFile(argparse.Action):
    """A file or folder, which may be given once: of two, the first would be left out in silence."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option: str | None = None
    ) -> None:
        before = getattr(namespace, self.dest, None)
        if before is not None and before != values:
            parser.error(f"{option}: both {before} and {values} are given; give one of them")
        setattr(namespace, self.dest, values)


def add_parameters(parser: argparse.ArgumentParser, job: Job) -> None:
    """The parameters of a job under their headings; those not given leave nothing in the namespace.

    What may stand without its name is a word and an option.
    """
    for option in job.options():
        if option.positional:
            parser.add_argument(option.name, metavar=option.name.upper(), nargs="?", default=argparse.SUPPRESS,
                                help=f"as {option.option}")  # fmt: skip
    for title, options in under_headings(job.options()).items():
        group = parser.add_argument_group(title.lower())
        for option in options:
            add_option(group, option)


def add_option(group: argparse._ActionsContainer, option: Parameter, required: bool = False) -> None:
    """One parameter as an option, in each of its spellings; not given, it leaves nothing in the namespace."""
    names = [f"--{name.replace('_', '-')}" for name in option.spellings]
    about: dict[str, Any] = {"dest": option.name, "help": option_help(option)}
    if option.type is bool and not option.many and not option.optional:
        group.add_argument(*names, action=argparse.BooleanOptionalAction, **about)
        return
    if option.repeated:
        about["action"] = "append"
    elif option.type is Path:
        about["action"] = _OneFile
    metavar = short_words(option).upper().replace("TRUE | FALSE", "YES|NO")
    group.add_argument(*names, metavar=metavar, required=required, **about)


def option_help(option: Parameter) -> str:
    """What it does, and what may be given, as argparse takes it."""
    values = describe_value(option)
    if option.positional and option.required:  # which the usage shows
        values = values.removeprefix("required").removeprefix("; ")
    return (f"{option.help} [{values}]" if values else option.help).replace("%", "%%")


def given_values(job: Job, chosen: dict[str, Any]) -> dict[str, Any]:
    """The parameters of a job that stand on the command line, read and checked."""
    return given(job.options(), chosen)


def given(options: Sequence[Parameter], chosen: Mapping[str, Any], unset: bool = True) -> dict[str, Any]:
    """Those of some parameters that stand on the command line, read and checked; ``unset``: see `Parameter.parse`."""
    return {option.name: _read(option, chosen[option.name], unset) for option in options if option.name in chosen}


def _read(option: Parameter, value: Any, unset: bool) -> Any:
    if isinstance(value, list):
        return tuple(item for text in value for item in option.parse(text, unset))
    return option.parse(value, unset) if isinstance(value, str) else option.check(value)

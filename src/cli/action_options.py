"""The declared actions as commands of the terminal: each parameter an option, or a word where it must be given."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..actions.action import TERMINAL, Action
from ..actions.action_registry import host_actions
from ..jobs.parameters import Parameter
from .job_commands import add_project
from .job_options import add_option, given, option_help
from .terminal_scene import TerminalScene

_JOB = "a train job, running ones too (default: the newest)"


def add_actions(commands: Any) -> None:
    """A command for each action that the terminal has; those of two words are commands of the first."""
    actions = [action for action in host_actions(TERMINAL).values() if action.run is not None]
    groups: dict[str, Any] = {}
    for action in actions:
        first, _, second = action.words.partition(" ")
        if second and first not in groups:
            seconds = [other.words.split()[1] for other in actions if other.words.startswith(f"{first} ")]
            parser = commands.add_parser(first, help=f"{' | '.join(seconds)}: see flexrec {first} --help")
            groups[first] = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=type(parser))
        _add(groups[first] if second else commands, second or first, action)


def _add(commands: Any, word: str, action: Action) -> None:
    about = f"{action.synopsis}. {action.about}".strip().replace("%", "%%")
    parser = commands.add_parser(word, help=action.synopsis, description=about, allow_abbrev=False,
                                 argument_default=argparse.SUPPRESS)  # fmt: skip
    job = "--job" if word != action.words else "job"
    parser.add_argument(job, metavar="JOB", default=None, help=_JOB, **({} if job == "--job" else {"nargs": "?"}))
    groups: dict[str, Any] = {"": parser}
    for option in sorted(action.options(TERMINAL), key=lambda option: not option.one_of):
        if option.one_of not in groups:
            groups[option.one_of] = parser.add_mutually_exclusive_group(required=True)
        if option.positional and option.required:
            _add_word(parser, option)
        else:
            add_option(groups[option.one_of], option, option.required)
    add_project(parser)
    parser.set_defaults(command=run_action, action=action)


def _add_word(parser: argparse.ArgumentParser, option: Parameter) -> None:
    name = option.name.upper()
    parser.add_argument(option.name, metavar=name, help=option_help(option), nargs="+" if option.repeated else None)


def run_action(chosen: argparse.Namespace) -> int:
    """``flexrec WORDS …``."""
    action: Action = chosen.action
    parameters = action.build(given(action.options(TERMINAL), vars(chosen), unset=False))
    action.run(TerminalScene(chosen.job, Path(chosen.project)), parameters)
    return 0
